namespace Mptcp.Wire;

/// <summary>
/// Walks the options of a segment without copying. Padding is passed over; the end-of-list option ends the walk, and so
/// does damage, which <see cref="Malformed"/> tells. Never throws, on any octets.
/// </summary>
/// <param name="options">The option octets of the TCP header.</param>
public ref struct TcpOptionReader(ReadOnlySpan<byte> options)
{
    private ReadOnlySpan<byte> _rest = options;

    /// <summary>Whether the walk ended at an option whose length is impossible.</summary>
    public bool Malformed { get; private set; }

    /// <summary>Reads the next option.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="option">The whole option, kind and length included (at least 2 octets).</param>
    /// <returns>False at the end.</returns>
    public bool TryRead(out byte kind, out ReadOnlySpan<byte> option)
    {
        ReadOnlySpan<byte> rest = _rest.TrimStart(TcpOptionKind.NoOperation);
        _rest = default;
        option = default;
        kind = TcpOptionKind.End;
        if (rest.IsEmpty || rest[0] == TcpOptionKind.End) return false;

        if (rest.Length < 2 || rest[1] < 2 || rest[1] > rest.Length)
        {
            Malformed = true;
            return false;
        }

        kind = rest[0];
        option = rest[..rest[1]];
        _rest = rest[rest[1]..];
        return true;
    }
}
