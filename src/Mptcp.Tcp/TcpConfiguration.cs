using Mptcp.Wire;

namespace Mptcp.Tcp;

/// <summary>What a connection is told at its birth. Immutable.</summary>
public sealed record TcpConfiguration
{
    /// <summary>Our address and port.</summary>
    public required IpEndpoint Local { get; init; }

    /// <summary>The peer's address and port.</summary>
    public required IpEndpoint Remote { get; init; }

    /// <summary>Our initial sequence number; the stack draws it by RFC 6528.</summary>
    public required uint InitialSequenceNumber { get; init; }

    /// <summary>The largest segment we take, without options (RFC 6691): MTU - 40 over IPv4, MTU - 60 over IPv6.</summary>
    public int MaximumSegmentSize { get; init; } = 1460;

    /// <summary>The shift of the windows we announce, 0 to 14 (RFC 7323 §2).</summary>
    public byte WindowScale { get; init; } = 7;

    /// <summary>Added to our clock in milliseconds for the timestamps we send (RFC 7323 §5.4).</summary>
    public uint TimestampOffset { get; init; }

    /// <summary>The least retransmission timeout in nanoseconds; 200 ms as Linux has it, where RFC 6298 says 1 s.</summary>
    public long MinimumRto { get; init; } = 200 * Instant.Millisecond;

    /// <summary>Makes the congestion controller for a segment size in bytes.</summary>
    public Func<int, ICongestionController> CongestionControl { get; init; } = CongestionControllers.Cubic;

    /// <summary>Whether selective acknowledgements are offered and used (RFC 2018); without them losses are found by duplicates.</summary>
    public bool SelectiveAcks { get; init; } = true;

    /// <summary>How long an ACK may wait for company, in nanoseconds.</summary>
    public long DelayedAck { get; init; } = 40 * Instant.Millisecond;

    /// <summary>Transmissions of a SYN before the attempt has failed: eight take three minutes (RFC 9293 §3.8.3).</summary>
    public int SynTransmissions { get; init; } = 8;

    /// <summary>Consecutive timeouts of a range before the connection has failed.</summary>
    public int DataTransmissions { get; init; } = 15;

    /// <summary>The time in TIME-WAIT, 2 MSL, in nanoseconds.</summary>
    public long TimeWait { get; init; } = 60 * Instant.Second;

    /// <summary>
    /// How long data may stay unacknowledged before the connection has failed, in nanoseconds (RFC 5482); 0 leaves it to
    /// <see cref="DataTransmissions"/>.
    /// </summary>
    public long UserTimeout { get; init; }

    /// <summary>Whether a silent peer is probed (RFC 9293 §3.8.4).</summary>
    public bool KeepAlive { get; init; }

    /// <summary>The silence before the first keep-alive probe, in nanoseconds.</summary>
    public long KeepAliveIdle { get; init; } = 7200 * Instant.Second;

    /// <summary>The time between keep-alive probes, in nanoseconds.</summary>
    public long KeepAliveInterval { get; init; } = 75 * Instant.Second;

    /// <summary>Keep-alive probes without an answer before the connection has failed.</summary>
    public int KeepAliveProbes { get; init; } = 9;

    /// <summary>Whether small segments leave at once, without Nagle's algorithm (RFC 9293 §3.7.4).</summary>
    public bool NoDelay { get; init; }

    /// <summary>Whether only full segments leave, as in <see cref="TcpConnection.Corked"/>.</summary>
    public bool Corked { get; init; }

    /// <summary>Challenge ACKs in a second (RFC 5961 §7).</summary>
    public int ChallengeAcksPerSecond { get; init; } = 10;

    /// <summary>What is known for Fast Open (RFC 7413); null for a connection without it.</summary>
    public TcpFastOpen? FastOpen { get; init; }

    /// <summary>Explicit congestion notification (RFC 3168).</summary>
    public EcnMode Ecn { get; init; } = EcnMode.Answer;

    /// <summary>The traffic class of all packets, in the place of its two ECN bits zero.</summary>
    public byte TrafficClass { get; init; }

    /// <summary>The hop limit (TTL) of all packets.</summary>
    public byte HopLimit { get; init; } = TcpPacket.HopLimit;
}

/// <summary>What to do about explicit congestion notification.</summary>
public enum EcnMode
{
    /// <summary>Neither ask nor answer.</summary>
    Off,

    /// <summary>Agree when the peer asks.</summary>
    Answer,

    /// <summary>Ask the peer.</summary>
    Ask,
}
