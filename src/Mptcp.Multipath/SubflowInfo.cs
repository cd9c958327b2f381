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

    /// <summary>ICMP errors that ended nothing (RFC 9293 §3.9.2.2).</summary>
    public int SoftErrors { get; init; }

    /// <summary>The least number of the subflows that are seen to share a bottleneck with it; its own when there is none.</summary>
    public int Bottleneck { get; init; }

    /// <summary>Our identifier of the local address; 0 for that of the initial subflow (RFC 8684 §3.2).</summary>
    public byte LocalId { get; init; }

    /// <summary>The peer's identifier of the remote address.</summary>
    public byte RemoteId { get; init; }

    /// <summary>Whether the peer began it.</summary>
    public bool OpenedByPeer { get; init; }

    /// <summary>Whether we asked the peer to send here only when nothing else is left (RFC 8684 §3.3.8).</summary>
    public bool AskedBackup { get; init; }

    /// <summary>Whether the peer asked us.</summary>
    public bool PeerAskedBackup { get; init; }

    /// <summary>Why we reset it, as the peer was told; null when we did not, or gave no reason (RFC 8684 §3.6).</summary>
    public MpTcpRstOption? ResetSent { get; init; }

    /// <summary>Why the peer reset it; null when it did not, or gave no reason.</summary>
    public MpTcpRstOption? ResetReceived { get; init; }
}
