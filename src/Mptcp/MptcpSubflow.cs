using System.Net;

namespace Mptcp;

/// <summary>The life of a subflow.</summary>
public enum MptcpSubflowState
{
    /// <summary>The handshake is under way.</summary>
    Connecting,

    /// <summary>Established.</summary>
    Established,

    /// <summary>One end has sent a FIN, or both.</summary>
    Closing,

    /// <summary>Closed in order.</summary>
    Closed,

    /// <summary>Refused, reset, aborted, or without an answer for too long.</summary>
    Failed,
}

/// <summary>What can be said of one subflow at one moment.</summary>
public sealed record MptcpSubflow
{
    /// <summary>Its number in the connection, from 0 for the initial one; not reused.</summary>
    public required int Number { get; init; }

    /// <summary>The name of the path it takes: the device's with <see cref="MptcpEngineOptions.Via"/>.</summary>
    public required string Path { get; init; }

    /// <summary>Our end as the peer sees it: the outside address. NAT may have changed the port.</summary>
    public required IPEndPoint LocalEndPoint { get; init; }

    /// <summary>The peer's end.</summary>
    public required IPEndPoint RemoteEndPoint { get; init; }

    /// <summary>How far it is.</summary>
    public required MptcpSubflowState State { get; init; }

    /// <summary>Payload given to it for transmission, in bytes, each counted once.</summary>
    public required long BytesSent { get; init; }

    /// <summary>Payload that arrived on it, in bytes, also what another subflow had brought already.</summary>
    public required long BytesReceived { get; init; }

    /// <summary>The smoothed round-trip time; null before the first measurement.</summary>
    public required TimeSpan? RoundTripTime { get; init; }

    /// <summary>The congestion window in bytes.</summary>
    public required long CongestionWindow { get; init; }

    /// <summary>Segments sent again.</summary>
    public required long Retransmissions { get; init; }

    /// <summary>How often the retransmission timer ran out: more than now and then, and the path is in trouble.</summary>
    public required long Timeouts { get; init; }

    /// <summary>ICMP errors about it that ended nothing, such as a network that cannot be reached for the moment.</summary>
    public required int SoftErrors { get; init; }
}
