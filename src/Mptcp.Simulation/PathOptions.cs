using Mptcp.Tcp;

namespace Mptcp.Simulation;

/// <summary>What one direction of a path is like.</summary>
public sealed record PathOptions
{
    /// <summary>The rate in bits of IP packets per second; 0 takes no time to send.</summary>
    public long BitsPerSecond { get; init; }

    /// <summary>The propagation delay in nanoseconds, not negative.</summary>
    public long DelayNanoseconds { get; init; }

    /// <summary>The drop-tail queue in bytes; the packet that is being serialised counts with all its bytes.</summary>
    public long QueueBytes { get; init; } = 1_000_000;

    /// <summary>Packets lost on the way, in a million. They take their time on the path all the same.</summary>
    public int LossPerMillion { get; init; }

    /// <summary>Packets that arrive twice, in a million.</summary>
    public int DuplicatePerMillion { get; init; }

    /// <summary>Packets that arrive late by <see cref="ReorderNanoseconds"/>, in a million.</summary>
    public int ReorderPerMillion { get; init; }

    /// <summary>How late a reordered packet is, in nanoseconds.</summary>
    public long ReorderNanoseconds { get; init; } = 5 * Instant.Millisecond;

    /// <summary>A path by the figures that people name.</summary>
    /// <param name="megabitsPerSecond">The rate in Mbit/s.</param>
    /// <param name="milliseconds">The one-way delay in ms.</param>
    /// <param name="queueBytes">The queue in bytes.</param>
    public static PathOptions Of(int megabitsPerSecond, int milliseconds, long queueBytes) => new()
    {
        BitsPerSecond = megabitsPerSecond * 1_000_000L,
        DelayNanoseconds = milliseconds * Instant.Millisecond,
        QueueBytes = queueBytes,
    };
}
