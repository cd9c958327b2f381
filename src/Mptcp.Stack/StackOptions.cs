namespace Mptcp.Stack;

/// <summary>What a stack is told at its birth: its own, and what each connection is told that nobody tells otherwise.</summary>
public sealed record StackOptions : SocketOptions
{
    /// <summary>What the buffers of all connections may take together, in bytes. A SYN beyond it stays unanswered.</summary>
    public long Memory { get; init; } = 1L << 30;

    /// <summary>The first port of those that outgoing connections get, to 65535.</summary>
    public ushort FirstEphemeralPort { get; init; } = 32768;

    /// <summary>
    /// Whether addresses are for nothing beside the first subflow unless <see cref="NetworkStack.TryAddEndpoint"/> says so,
    /// as in Linux; otherwise they are until the first endpoint is configured.
    /// </summary>
    public bool EndpointsOnly { get; init; }

    /// <summary>
    /// Chooses the keys of connections (RFC 8684 §3.1); null draws them. One that is 0, or whose token is in use, is asked
    /// for again, a few times, and drawn after that.
    /// </summary>
    public Func<ulong>? ChooseKey { get; init; }
}
