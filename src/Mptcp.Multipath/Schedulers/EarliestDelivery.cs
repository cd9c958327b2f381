using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// The default (docs/decisions/0011): the lowest round trip first, and a slower subflow only with what arrives there before
/// the faster one could have brought it, and what leaves the faster one room in the peer's window meanwhile; never with more
/// than keeps its path busy. What a path will take is reckoned by its rate and what is in flight, not by a round-trip time
/// that grew old while it rested.
/// </summary>
public sealed class EarliestDelivery : IScheduler
{
    // Twice the bandwidth-delay product keeps a path busy through the sawtooth of its window.
    private const int BusyProducts = 2;

    // A path that has just begun has no rate worth the name.
    private const int LeastSegments = 10;

    // What keeps acknowledgements coming, and says when a link is better again.
    private const int FewSegments = 2;

    /// <inheritdoc/>
    public long Rank(in SubflowSample sample) => sample.SmoothedRtt;

    /// <summary>
    /// What would be on its way for so long that it would go again on another subflow waits here: others may be there sooner, and
    /// a link that fades leaves no queue behind that everything waits for.
    /// </summary>
    public bool IsFull(in SubflowSample sample) => sample.QueuedRate > 0
        && sample.BytesInFlight >= FewSegments * sample.SegmentSize
        && Ratio.Of(sample.BytesInFlight, Instant.Second, sample.QueuedRate) >= HeadWatch.LongestPatience(sample.MinimumRtt);

    /// <inheritdoc/>
    public bool Rests(in SubflowSample sample, in SubflowSample best, in ConnectionSample connection)
    {
        if (sample.DeliveryRate == 0 || best.DeliveryRate == 0)
        {
            return false;
        }

        // What arrives by the slower path is acknowledged by the faster one too: it saves half of the difference. A queue is
        // on the way there.
        long later = sample.DeliveryTime - best.DeliveryTime - Math.Max(0, (sample.MinimumRtt - best.MinimumRtt) / 2);
        return later > 0 && (sample.IsDraining || IsBusy(sample) || IsLate(best, connection, later) || HoldsUp(sample, best, connection, later));
    }

    private static bool IsBusy(in SubflowSample sample) => sample.BytesInFlight >= Math.Max(
        Ratio.Of(BusyProducts * sample.DeliveryRate, sample.MinimumRtt, Instant.Second), LeastSegments * sample.SegmentSize);

    /// <summary>The better subflows will have delivered all that waits before this one delivers its next segment.</summary>
    private static bool IsLate(in SubflowSample best, in ConnectionSample connection, long later) =>
        Ratio.Of(connection.Unscheduled, Instant.Second, Math.Max(best.DeliveryRate, connection.RateAhead)) < later;

    /// <summary>
    /// The window is what the receiver holds behind the oldest byte it lacks. While that is on its way here, the better
    /// subflow fills the window and stops.
    /// </summary>
    private static bool HoldsUp(in SubflowSample sample, in SubflowSample best, in ConnectionSample connection, long later) =>
        Ratio.Of(best.DeliveryRate, later + best.MinimumRtt, Instant.Second) > connection.Window - sample.BytesInFlight - sample.SegmentSize;
}
