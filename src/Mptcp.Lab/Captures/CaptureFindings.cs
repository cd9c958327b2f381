namespace Mptcp.Lab;

/// <summary>What an audit of a capture verified, and what it found wrong.</summary>
public sealed class CaptureFindings
{
    private const int Limit = 100;
    private readonly List<string> _faults = [];

    /// <summary>Connections that began with MP_CAPABLE at both ends.</summary>
    public int Connections { get; internal set; }

    /// <summary>Further subflows whose token and both HMACs are right.</summary>
    public int Joins { get; internal set; }

    /// <summary>Announced addresses whose HMAC is right.</summary>
    public int Announcements { get; internal set; }

    /// <summary>MP_FASTCLOSE with the right key.</summary>
    public int FastCloses { get; internal set; }

    /// <summary>Mappings seen, each counted once for each subflow.</summary>
    public int Mappings { get; internal set; }

    /// <summary>Mappings whose checksum is right over all their bytes.</summary>
    public int Checksums { get; internal set; }

    /// <summary>Bytes of data, repeats on other subflows not counted.</summary>
    public long DataBytes { get; internal set; }

    /// <summary>Connections that went on as plain TCP: by an infinite mapping, MP_FAIL, or without options.</summary>
    public int Fallbacks { get; internal set; }

    /// <summary>What contradicts the standard, one sentence each, in the order found; at most 100.</summary>
    public IReadOnlyList<string> Faults => _faults;

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Connections} connections, {Joins} joins, {Announcements} announcements, {Mappings} mappings, {Checksums} checksums, "
        + $"{DataBytes} bytes, {Fallbacks} fallbacks, {_faults.Count} faults";

    internal void Add(string fault)
    {
        if (_faults.Count < Limit)
        {
            _faults.Add(fault);
        }
    }
}
