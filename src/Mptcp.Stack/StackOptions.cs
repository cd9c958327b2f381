using Mptcp.Multipath;
using Mptcp.Tcp;

namespace Mptcp.Stack;

/// <summary>What a stack is told at its birth.</summary>
public sealed record StackOptions
{
    /// <summary>Buffers and preferences of each connection.</summary>
    public MptcpSettings Connection { get; init; } = new();

    /// <summary>What the buffers of all connections may take together, in bytes. A SYN beyond it stays unanswered.</summary>
    public long Memory { get; init; } = 1L << 30;

    /// <summary>The congestion control of each subflow, as in <see cref="TcpConfiguration.CongestionControl"/>.</summary>
    public Func<int, ICongestionController> CongestionControl { get; init; } = CongestionControllers.Cubic;

    /// <summary>The least retransmission timeout in nanoseconds.</summary>
    public long MinimumRto { get; init; } = 200 * Instant.Millisecond;

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

    /// <summary>The first port of those that outgoing connections get, to 65535.</summary>
    public ushort FirstEphemeralPort { get; init; } = 32768;

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
