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

    /// <summary>How long an ACK may wait for company, in nanoseconds.</summary>
    public long DelayedAck { get; init; } = 40 * Instant.Millisecond;

    /// <summary>Transmissions of a SYN before the attempt has failed.</summary>
    public int SynTransmissions { get; init; } = 7;

    /// <summary>Consecutive timeouts of a range before the connection has failed.</summary>
    public int DataTransmissions { get; init; } = 15;

    /// <summary>The time in TIME-WAIT, 2 MSL, in nanoseconds.</summary>
    public long TimeWait { get; init; } = 60 * Instant.Second;
}
