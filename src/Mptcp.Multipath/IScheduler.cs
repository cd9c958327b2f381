namespace Mptcp.Multipath;

/// <summary>What a scheduler sees of a subflow that could send.</summary>
/// <param name="Number">The number of the subflow.</param>
/// <param name="SmoothedRtt">Its smoothed round-trip time in nanoseconds; 0 before the first sample.</param>
/// <param name="CongestionWindow">Its congestion window in bytes.</param>
/// <param name="BytesInFlight">Its bytes in flight.</param>
public readonly record struct SubflowSample(int Number, long SmoothedRtt, long CongestionWindow, long BytesInFlight);

/// <summary>
/// Says which subflow is asked first. Scheduling is pulled: a subflow that may send is given data at that moment, so
/// nothing is committed to a path that is about to fail.
/// </summary>
public interface IScheduler
{
    /// <summary>The subflow's rank: of those that can send now, the lowest goes first.</summary>
    long Rank(in SubflowSample sample);
}

/// <summary>The subflow with the lowest round-trip time first, the others with what it cannot take.</summary>
public sealed class LowestRtt : IScheduler
{
    /// <inheritdoc/>
    public long Rank(in SubflowSample sample) => sample.SmoothedRtt;
}
