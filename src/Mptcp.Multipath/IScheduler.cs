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

    /// <summary>The greatest rate at which it delivered lately; 0 before the first sample.</summary>
    public long DeliveryRate { get; init; }

    /// <summary>The payload of a full segment.</summary>
    public int SegmentSize { get; init; }

    /// <summary>
    /// When a segment that is given to it now will be acknowledged: after its least round trip, or after all that is before
    /// it in the path's queue.
    /// </summary>
    public long DeliveryTime => DeliveryRate == 0
        ? SmoothedRtt
        : Math.Max(MinimumRtt, Tcp.Ratio.Of(BytesInFlight, Tcp.Instant.Second, DeliveryRate));
}

/// <summary>What a scheduler sees of the connection.</summary>
/// <param name="Unscheduled">Bytes written that no subflow was given.</param>
/// <param name="Window">What the peer's window lets be unacknowledged at the data level, in bytes.</param>
public readonly record struct ConnectionSample(long Unscheduled, long Window);

/// <summary>
/// Says which subflow gets new data. Scheduling is pulled: a subflow that may send is given data at that moment, so nothing
/// is committed to a path that is about to fail. Called by the one thread that owns the connection, for each segment: it
/// neither blocks nor allocates. One without state may serve many connections.
/// </summary>
public interface IScheduler
{
    /// <summary>The subflow's rank: of those that can send now, the lowest goes first.</summary>
    long Rank(in SubflowSample sample);

    /// <summary>
    /// Whether a subflow that could send gets nothing now, because <paramref name="best"/> will deliver it sooner, or would be
    /// held up by it. Asked again with each acknowledgement.
    /// </summary>
    /// <param name="sample">The subflow.</param>
    /// <param name="best">The one of the lowest rank that works, another than it.</param>
    /// <param name="connection">The connection.</param>
    bool Rests(in SubflowSample sample, in SubflowSample best, in ConnectionSample connection);
}

/// <summary>The subflow with the lowest round-trip time first, the others with what it cannot take.</summary>
public sealed class LowestRtt : IScheduler
{
    /// <inheritdoc/>
    public long Rank(in SubflowSample sample) => sample.SmoothedRtt;

    /// <inheritdoc/>
    public bool Rests(in SubflowSample sample, in SubflowSample best, in ConnectionSample connection) => false;
}
