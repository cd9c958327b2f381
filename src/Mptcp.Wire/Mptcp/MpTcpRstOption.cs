namespace Mptcp.Wire;

/// <summary>Why a subflow was reset (RFC 8684 §3.6).</summary>
public enum MpTcpRstReason : byte
{
    /// <summary>Unspecified error.</summary>
    Unspecified = 0,

    /// <summary>MPTCP-specific error, such as a wrong HMAC or a missing mapping.</summary>
    MptcpSpecificError = 1,

    /// <summary>Lack of resources.</summary>
    LackOfResources = 2,

    /// <summary>Administratively prohibited.</summary>
    AdministrativelyProhibited = 3,

    /// <summary>Too much outstanding data.</summary>
    TooMuchOutstandingData = 4,

    /// <summary>Unacceptable performance.</summary>
    UnacceptablePerformance = 5,

    /// <summary>Middlebox interference.</summary>
    MiddleboxInterference = 6,
}

/// <summary>MP_TCPRST (RFC 8684 §3.6, Figure 15): the reason that accompanies a RST.</summary>
/// <param name="Transient">Flag T: the condition is thought to pass, so the path may be tried again.</param>
/// <param name="Reason">The reason, which may be none of the named ones.</param>
public readonly record struct MpTcpRstOption(bool Transient, MpTcpRstReason Reason)
{
    private const int TransientFlag = 1;
    private const int WireLength = 4;

    /// <summary>Octets of the option: 4.</summary>
    public int Length => WireLength;

    /// <summary>Reads an option.</summary>
    /// <param name="option">The whole option, kind and length included.</param>
    /// <param name="value">The fields.</param>
    /// <returns>False when it is another option or of another length.</returns>
    public static bool TryParse(ReadOnlySpan<byte> option, out MpTcpRstOption value)
    {
        value = default;
        if (!MptcpOption.Is(option, MptcpSubtype.MpTcpRst) || option.Length != WireLength) return false;

        value = new MpTcpRstOption((option[2] & TransientFlag) != 0, (MpTcpRstReason)option[3]);
        return true;
    }

    /// <summary>Writes the option.</summary>
    /// <returns>False when it does not fit.</returns>
    public bool TryWrite(ref TcpOptionWriter writer)
    {
        int flags = Transient ? TransientFlag : 0;
        if (!MptcpOption.TryBegin(ref writer, MptcpSubtype.MpTcpRst, WireLength, flags, out Span<byte> option)) return false;

        option[3] = (byte)Reason;
        return true;
    }
}
