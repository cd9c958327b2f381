using Mptcp.Wire;

namespace Mptcp.Stack;

/// <summary>How a connection is opened.</summary>
public readonly record struct ConnectOptions
{
    /// <summary>Our port; 0 for one that is free.</summary>
    public ushort Port { get; init; }

    /// <summary>
    /// Whether what is written before the next <see cref="NetworkStack.TryTransmit"/> may ride on the SYN, if the peer gave
    /// a cookie before, and else to ask for one. The peer may get such data twice, as two connections (RFC 7413 §2.1).
    /// </summary>
    public bool FastOpen { get; init; }

    /// <summary>What the connection is told; null: what the stack was told.</summary>
    public SocketOptions? Socket { get; init; }
}

/// <summary>How connections are waited for.</summary>
public readonly record struct ListenOptions()
{
    /// <summary>The port, 1 to 65535.</summary>
    public ushort Port { get; init; }

    /// <summary>The only address; 0.0.0.0 or :: for those of its family; null for every one.</summary>
    public IpAddress? Address { get; init; }

    /// <summary>How many connections may wait to be accepted, 1 or more.</summary>
    public int Backlog { get; init; } = 128;

    /// <summary>
    /// How many connections may be open by a Fast Open cookie alone, whose handshake is not done (RFC 7413 §5.1); 0 takes
    /// none. With it the first data of a connection may come twice, as two connections (RFC 7413 §2.1).
    /// </summary>
    public int FastOpen { get; init; }

    /// <summary>What the connections are told; null: what the stack was told.</summary>
    public SocketOptions? Socket { get; init; }
}
