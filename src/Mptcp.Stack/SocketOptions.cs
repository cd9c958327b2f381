using Mptcp.Multipath;
using Mptcp.Tcp;

namespace Mptcp.Stack;

/// <summary>What one connection is told. Immutable; see <see cref="StackSocket.Options"/> for what may change later.</summary>
public record SocketOptions
{
    /// <summary>Buffers and preferences of Multipath TCP. Fixed when the connection begins.</summary>
    public MptcpSettings Connection { get; init; } = new();

    /// <summary>The congestion control of each subflow, as in <see cref="TcpConfiguration.CongestionControl"/>.</summary>
    public Func<int, ICongestionController> CongestionControl { get; init; } = CongestionControllers.Cubic;

    /// <summary>The least retransmission timeout in nanoseconds. Fixed when a subflow begins.</summary>
    public long MinimumRto { get; init; } = 200 * Instant.Millisecond;

    /// <summary>Whether selective acknowledgements are offered and used (RFC 2018). Fixed at the SYN.</summary>
    public bool SelectiveAcks { get; init; } = true;

    /// <summary>Whether silent peers are probed.</summary>
    public bool KeepAlive { get; init; }

    /// <summary>The silence before the first of these probes, in nanoseconds.</summary>
    public long KeepAliveIdle { get; init; } = 7200 * Instant.Second;

    /// <summary>The time between them, in nanoseconds.</summary>
    public long KeepAliveInterval { get; init; } = 75 * Instant.Second;

    /// <summary>How many may stay without an answer before the subflow has failed.</summary>
    public int KeepAliveProbes { get; init; } = 9;

    /// <summary>How long data may stay unacknowledged on a subflow, in nanoseconds (RFC 5482); 0: TCP's own limits.</summary>
    public long UserTimeout { get; init; }

    /// <summary>
    /// Whether small segments leave at once, without Nagle's algorithm (RFC 9293 §3.7.4). They do unless it is said
    /// otherwise: who writes small pieces to a stream, and cares, collects them.
    /// </summary>
    public bool NoDelay { get; init; } = true;

    /// <summary>Whether only full segments leave.</summary>
    public bool Corked { get; init; }

    /// <summary>The traffic class of all packets, its two ECN bits zero.</summary>
    public byte TrafficClass { get; init; }

    /// <summary>The largest segment to announce and to send, where the link takes it; 0: the link's. Fixed at the SYN.</summary>
    public int MaximumSegmentSize { get; init; }

    /// <summary>The shift that makes the receive buffer fit the 16 bits of the window (RFC 7323 §2.3), 0 to 14.</summary>
    public byte WindowScale
    {
        get
        {
            byte shift = 0;
            while (shift < 14 && (Connection.ReceiveBuffer >> shift) > ushort.MaxValue)
            {
                shift++;
            }

            return shift;
        }
    }
}
