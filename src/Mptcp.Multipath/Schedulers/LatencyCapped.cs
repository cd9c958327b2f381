namespace Mptcp.Multipath;

/// <summary>
/// The lowest round trip first, and nothing to a subflow that would deliver it later than after a given time, as long as
/// another one keeps to it.
/// </summary>
/// <param name="limit">From a segment's departure to its acknowledgement, in nanoseconds.</param>
public sealed class LatencyCapped(long limit) : IScheduler
{
    /// <inheritdoc/>
    public long Rank(in SubflowSample sample) => sample.MinimumRtt;

    /// <inheritdoc/>
    public bool Rests(in SubflowSample sample, in SubflowSample best, in ConnectionSample connection) =>
        sample.DeliveryTime > limit && best.MinimumRtt <= limit;
}
