using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>What can be said of one subflow at one moment.</summary>
public readonly record struct SubflowInfo
{
    /// <summary>Its number in the connection, from 0 for the initial one; not reused.</summary>
    public required int Number { get; init; }

    /// <summary>Our address and port on the link.</summary>
    public required IpEndpoint Local { get; init; }

    /// <summary>The peer's address and port.</summary>
    public required IpEndpoint Remote { get; init; }

    /// <summary>The state of its TCP connection.</summary>
    public required TcpState State { get; init; }

    /// <summary>Why it closed.</summary>
    public required TcpCloseReason CloseReason { get; init; }

    /// <summary>Payload given to it for transmission, in bytes, each counted once.</summary>
    public required long BytesSent { get; init; }

    /// <summary>Payload that arrived on it, in bytes, repeats of other subflows included.</summary>
    public required long BytesReceived { get; init; }

    /// <summary>The smoothed round-trip time in nanoseconds; 0 before the first sample.</summary>
    public required long SmoothedRtt { get; init; }

    /// <summary>The congestion window in bytes.</summary>
    public required long CongestionWindow { get; init; }

    /// <summary>Segments sent again.</summary>
    public required long Retransmissions { get; init; }

    /// <summary>How often the retransmission timer ran out.</summary>
    public required long Timeouts { get; init; }
}
