using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// LIA (RFC 6356): all subflows together take what one TCP would on the best path, and each at most what a TCP of its own
/// would there.
/// </summary>
/// <param name="group">Its siblings and itself.</param>
/// <param name="maximumSegmentSize">The payload of a full segment, in bytes.</param>
/// <param name="estimate">What stands for its window.</param>
public sealed class Lia(CouplingGroup group, int maximumSegmentSize, WindowEstimate estimate = WindowEstimate.Window)
    : CoupledController(group, maximumSegmentSize)
{
    private readonly LossIntervals _intervals = new();

    /// <inheritdoc/>
    public override long EffectiveWindow => _intervals.Longest == 0 || estimate == WindowEstimate.Window ? base.EffectiveWindow
        : estimate == WindowEstimate.SlowStartThreshold ? SlowStartThreshold + (SlowStartThreshold / 2)
        : _intervals.WindowOf(SegmentSize);

    /// <inheritdoc/>
    protected override Int128 Growth(long acked)
    {
        // RFC 6356 §3.1, formulas (1) and (2). With b the path of the largest W/rtt², alpha / W_total is W_b by the square of
        // what all send in a round trip of b.
        ICoupledController best = Group.Best(static (one, other) =>
            (Int128)one.EffectiveWindow * other.SmoothedRoundTrip * other.SmoothedRoundTrip
            > (Int128)other.EffectiveWindow * one.SmoothedRoundTrip * one.SmoothedRoundTrip) ?? this;
        Int128 coupled = SharedGrowth(acked, best.EffectiveWindow, Group.SentIn(best.SmoothedRoundTrip));
        return Int128.Min(coupled, UncoupledGrowth(acked));
    }

    /// <inheritdoc/>
    protected override void Notice(in CongestionSample sample)
    {
        base.Notice(sample);
        _intervals.HandleAck(sample.Acked);
    }

    /// <inheritdoc/>
    protected override void NoticeLoss()
    {
        base.NoticeLoss();
        _intervals.HandleLoss();
    }
}
