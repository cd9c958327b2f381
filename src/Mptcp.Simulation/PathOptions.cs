using Mptcp.Tcp;

namespace Mptcp.Simulation;

/// <summary>What one direction of a path is like.</summary>
public sealed record PathOptions
{
    /// <summary>The widest burst of damage in bits.</summary>
    public const int MaxCorruptBits = 64;

    private const int Million = 1_000_000;

    /// <summary>The rate in bits of IP packets per second; 0 takes no time to send.</summary>
    public long BitsPerSecond { get; init; }

    /// <summary>When bytes may leave, in place of a rate; null: as <see cref="BitsPerSecond"/> says.</summary>
    public DeliveryTrace? Trace { get; init; }

    /// <summary>The propagation delay in nanoseconds, not negative.</summary>
    public long DelayNanoseconds { get; init; }

    /// <summary>Each packet takes up to that much longer, in nanoseconds, each duration equally likely.</summary>
    public long JitterNanoseconds { get; init; }

    /// <summary>
    /// Whether jitter lets a packet overtake another. False, as in most media: a packet waits for the one before it.
    /// </summary>
    public bool JitterReorders { get; init; }

    /// <summary>The queue in bytes; the packet that is being serialised counts with all its bytes.</summary>
    public long QueueBytes { get; init; } = 1_000_000;

    /// <summary>
    /// The last bytes of the queue, in which a packet is dropped by chance, one in ten: senders that keep step with each
    /// other do not meet the same fate for ever.
    /// </summary>
    public long RandomTailBytes { get; init; }

    /// <summary>Drops early, by the average queue; null: only what finds the queue full is dropped.</summary>
    public RedQueue? Red { get; init; }

    /// <summary>Packets lost on the way, in a million. They take their time on the path all the same.</summary>
    public int LossPerMillion { get; init; }

    /// <summary>
    /// TCP segments with payload that are lost, in a million, beside those of <see cref="LossPerMillion"/>. Drawn by their
    /// own index: two senders meet the same losses, whatever acknowledgements go the same way.
    /// </summary>
    public int DataLossPerMillion { get; init; }

    /// <summary>Losses in bursts, beside those of <see cref="LossPerMillion"/>; null for none.</summary>
    public BurstLoss? BurstLoss { get; init; }

    /// <summary>Packets that arrive twice, in a million.</summary>
    public int DuplicatePerMillion { get; init; }

    /// <summary>Packets that arrive late by <see cref="ReorderNanoseconds"/>, in a million.</summary>
    public int ReorderPerMillion { get; init; }

    /// <summary>How late a reordered packet is, in nanoseconds.</summary>
    public long ReorderNanoseconds { get; init; } = 5 * Instant.Millisecond;

    /// <summary>Packets that arrive damaged, in a million.</summary>
    public int CorruptPerMillion { get; init; }

    /// <summary>
    /// The widest burst of damage in bits, 1 to <see cref="MaxCorruptBits"/>: its first and last bit are wrong, those
    /// between by chance. The Internet checksum catches every burst of up to 15 bits.
    /// </summary>
    public int CorruptBits { get; init; } = 1;

    /// <summary>Packets of others; null for none.</summary>
    public CrossTraffic? CrossTraffic { get; init; }

    /// <summary>When the path is cut, counted from its start. A few: each packet looks at all of them.</summary>
    public IReadOnlyList<PathCut> Cuts { get; init; } = [];

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

    internal static void CheckChance(int perMillion, string name) =>
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)perMillion, (uint)Million, name);

    /// <exception cref="ArgumentException">A figure is out of its range, or two contradict each other.</exception>
    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(BitsPerSecond);
        ArgumentOutOfRangeException.ThrowIfNegative(DelayNanoseconds);
        ArgumentOutOfRangeException.ThrowIfNegative(JitterNanoseconds);
        ArgumentOutOfRangeException.ThrowIfNegative(QueueBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(RandomTailBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(ReorderNanoseconds);
        ArgumentOutOfRangeException.ThrowIfLessThan(CorruptBits, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(CorruptBits, MaxCorruptBits);
        CheckChance(LossPerMillion, nameof(LossPerMillion));
        CheckChance(DataLossPerMillion, nameof(DataLossPerMillion));
        CheckChance(DuplicatePerMillion, nameof(DuplicatePerMillion));
        CheckChance(ReorderPerMillion, nameof(ReorderPerMillion));
        CheckChance(CorruptPerMillion, nameof(CorruptPerMillion));
        BurstLoss?.Check();
        Red?.Check();
        CrossTraffic?.Check();
        if (Trace is not null && BitsPerSecond > 0)
        {
            throw new ArgumentException("A path has a rate or a trace, not both.");
        }

        foreach (PathCut cut in Cuts)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(cut.AtNanoseconds);
            ArgumentOutOfRangeException.ThrowIfNegative(cut.ForNanoseconds);
        }
    }
}

/// <summary>A time in which every packet vanishes: those offered, and those that would arrive.</summary>
/// <param name="AtNanoseconds">When it begins, counted from the start of the path.</param>
/// <param name="ForNanoseconds">How long it lasts; <see cref="long.MaxValue"/> for ever.</param>
public readonly record struct PathCut(long AtNanoseconds, long ForNanoseconds)
{
    internal bool Holds(long nanoseconds) => nanoseconds >= AtNanoseconds && nanoseconds - AtNanoseconds < ForNanoseconds;
}

/// <summary>
/// Losses that come in bursts: the two states of Gilbert and Elliott. Each packet first moves the state, then draws.
/// A burst lasts 1,000,000 / <paramref name="LeavePerMillion"/> packets on average.
/// </summary>
/// <param name="EnterPerMillion">The chance to fall from the good state into the bad one, in a million.</param>
/// <param name="LeavePerMillion">The chance to come back, in a million.</param>
/// <param name="BadPerMillion">Packets lost in the bad state, in a million.</param>
/// <param name="GoodPerMillion">Packets lost in the good state, in a million.</param>
public sealed record BurstLoss(
    int EnterPerMillion, int LeavePerMillion, int BadPerMillion = 1_000_000, int GoodPerMillion = 0)
{
    internal void Check()
    {
        PathOptions.CheckChance(EnterPerMillion, nameof(EnterPerMillion));
        PathOptions.CheckChance(LeavePerMillion, nameof(LeavePerMillion));
        PathOptions.CheckChance(BadPerMillion, nameof(BadPerMillion));
        PathOptions.CheckChance(GoodPerMillion, nameof(GoodPerMillion));
    }
}
