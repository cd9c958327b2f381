using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>What a scheduler sees of a subflow. Times are nanoseconds, sizes bytes, rates bytes per second.</summary>
/// <param name="Number">The number of the subflow.</param>
/// <param name="SmoothedRtt">Its smoothed round-trip time; 0 before the first sample.</param>
/// <param name="CongestionWindow">Its congestion window.</param>
/// <param name="BytesInFlight">Its bytes in flight.</param>
public readonly record struct SubflowSample(int Number, long SmoothedRtt, long CongestionWindow, long BytesInFlight)
{
    /// <summary>Its least round-trip time lately; 0 before the first sample.</summary>
    public long MinimumRtt { get; init; }

    /// <summary>Whether its queue is to run empty, where another subflow can send, so that its round trip is seen anew.</summary>
    public bool IsDraining { get; init; }

    /// <summary>The greatest rate at which it delivered lately; 0 before the first sample.</summary>
    public long DeliveryRate { get; init; }

    /// <summary>The rate at which it delivered in the last round trip, where a queue stands before its bottleneck; 0 where none does.</summary>
    public long QueuedRate { get; init; }

    /// <summary>The variation of its round-trip time, as RFC 6298 has it.</summary>
    public long RttVariation { get; init; }

    /// <summary>The payload of a full segment.</summary>
    public int SegmentSize { get; init; }

    /// <summary>Payload that it was given, each byte counted once.</summary>
    public long BytesSent { get; init; }

    /// <summary>The number of its link.</summary>
    public int Link { get; init; }

    /// <summary>The weight that the host's policy gives it; 0 where it gives none.</summary>
    public int Weight { get; init; }

    /// <summary>How long the path's bottleneck needs for what stands before it, by that rate.</summary>
    public long Backlog { get; init; }

    /// <summary>
    /// When a segment that is given to it now will be acknowledged: its least round trip after all that is before it, and itself,
    /// has passed the path's bottleneck. Where a queue stands there, no sooner than the latest rate says: a link that fades is
    /// not what it was at its best.
    /// </summary>
    public long DeliveryTime => DeliveryRate == 0
        ? SmoothedRtt
        : Math.Max(
            MinimumRtt + Math.Min(Backlog, Ratio.Of(BytesInFlight, Instant.Second, DeliveryRate)) + Ratio.Of(SegmentSize, Instant.Second, DeliveryRate),
            QueuedRate == 0 ? 0 : Ratio.Of(BytesInFlight + SegmentSize, Instant.Second, QueuedRate));
}

/// <summary>What a scheduler sees of the connection.</summary>
/// <param name="Unscheduled">Bytes written that no subflow was given.</param>
/// <param name="Window">What the peer's window lets be unacknowledged at the data level, in bytes.</param>
public readonly record struct ConnectionSample(long Unscheduled, long Window)
{
    /// <summary>
    /// The rate at which the subflows of a lower rank than the one asked about deliver together, lately; 0 before the first sample.
    /// </summary>
    public long RateAhead { get; init; }

    /// <summary>Bytes given to a further subflow because the first did not deliver them, from the beginning on.</summary>
    public long Reinjected { get; init; }

    /// <summary>The time.</summary>
    public Instant Now { get; init; }
}

/// <summary>
/// Says which subflow gets new data. Scheduling is pulled: a subflow that may send is given data at that moment, so nothing
/// is committed to a path that is about to fail. It never sees a subflow that is suspect, or a backup that is not needed
/// (RFC 8684 §3.3.8). Called by the one thread that owns the connection, several times for each segment: it neither blocks
/// nor allocates, and the same question gets the same answer. Each connection has one of its own.
/// </summary>
public interface IScheduler
{
    /// <summary>Whether every subflow is given all of the data, but what the peer has acknowledged by then.</summary>
    bool Duplicates => false;

    /// <summary>The subflow's rank: of those that can send now, the lowest goes first.</summary>
    long Rank(in SubflowSample sample);

    /// <summary>
    /// Whether a subflow gets nothing now, not even what another one failed to deliver, because so much stands in its queue. Asked
    /// where a queue stands before its bottleneck and there are other subflows, before <see cref="Rests"/>.
    /// </summary>
    /// <param name="sample">The subflow.</param>
    bool IsFull(in SubflowSample sample) => false;

    /// <summary>
    /// Whether a subflow that could send gets nothing now, because <paramref name="best"/> will deliver it sooner, or would be
    /// held up by it. Asked again with each acknowledgement.
    /// </summary>
    /// <param name="sample">The subflow.</param>
    /// <param name="best">The one of the lowest rank that works, another than it.</param>
    /// <param name="connection">The connection.</param>
    bool Rests(in SubflowSample sample, in SubflowSample best, in ConnectionSample connection);
}
