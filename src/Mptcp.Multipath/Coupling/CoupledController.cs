using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// A subflow's congestion control whose growth depends on its siblings'. Slow start, the halving at a loss and what follows a
/// timeout are those of RFC 5681, as RFC 6356 §3 wants; what differs between the algorithms is <see cref="Growth"/>, and with
/// some the decrease. Integers only: what is left of a division is kept for the next acknowledgement (docs/decisions/0013).
/// </summary>
/// <param name="group">Its siblings and itself.</param>
/// <param name="maximumSegmentSize">The payload of a full segment, in bytes.</param>
public abstract class CoupledController(CouplingGroup group, int maximumSegmentSize)
    : RenoControl(maximumSegmentSize), ICoupledController
{
    /// <summary>Growth is counted in bytes with so many binary places.</summary>
    protected const int FractionBits = 32;

    private long _fraction;

    // What the application lets be used of the window.
    private long _used = long.MaxValue;

    /// <inheritdoc/>
    public CouplingGroup Group { get; set; } = group;

    /// <inheritdoc/>
    public long SmoothedRoundTrip { get; private set; }

    /// <inheritdoc/>
    public virtual long EffectiveWindow => Math.Min(Window, _used);

    /// <inheritdoc/>
    public Instant LastAck { get; private set; }

    /// <summary>What this many acknowledged bytes add to the window in congestion avoidance, in bytes.</summary>
    internal double GrowthFor(long acked) => (double)Growth(acked) / (1L << FractionBits);

    /// <summary>What this many acknowledged bytes add to the window in congestion avoidance.</summary>
    /// <returns>Bytes, with <see cref="FractionBits"/> binary places; it may be negative.</returns>
    protected abstract Int128 Growth(long acked);

    /// <inheritdoc/>
    protected override void Notice(in CongestionSample sample)
    {
        (LastAck, SmoothedRoundTrip) = (sample.Now, sample.SmoothedRoundTrip);
        Group.HandleTime(sample.Now);
        _used = sample.ApplicationLimited ? Math.Max(sample.InFlightBefore, SegmentSize) : long.MaxValue;
    }

    /// <inheritdoc/>
    protected override void NoticeLoss() => (_fraction, _used) = (0, long.MaxValue);

    /// <inheritdoc/>
    protected sealed override void AvoidCongestion(in CongestionSample sample)
    {
        if (SmoothedRoundTrip == 0)
        {
            return;
        }

        Int128 growth = Growth(sample.Acked);
        if (Group.Strength < 100)
        {
            growth = ((growth * Group.Strength) + (UncoupledGrowth(sample.Acked) * (100 - Group.Strength))) / 100;
        }

        growth += _fraction;
        Window = Math.Max(Window + (long)(growth >> FractionBits), SegmentSize);
        _fraction = (long)(growth & ((1L << FractionBits) - 1));
    }

    /// <summary>Growth by W / S²: S is what all send in a round trip, as <see cref="CouplingGroup.SentIn"/> has it.</summary>
    private protected Int128 SharedGrowth(long acked, long window, Int128 sum)
    {
        // One factor after the other: their product has more than 128 bits.
        const int share = 30;
        Int128 first = ((Int128)acked * SegmentSize << (FractionBits + (2 * CouplingGroup.SumBits))) / sum;
        Int128 second = ((Int128)window << (share + CouplingGroup.SumBits)) / sum;
        return first * second >> (share + CouplingGroup.SumBits);
    }

    /// <summary>Reno's growth: one segment for each window.</summary>
    protected Int128 UncoupledGrowth(long acked) => ((Int128)acked * SegmentSize << FractionBits) / Window;

    /// <summary>Puts a window in place, in congestion avoidance from here on.</summary>
    protected void SetWindow(long window)
    {
        Window = Math.Max(window, (long)LeastSegments * SegmentSize);
        SlowStartThreshold = Math.Min(SlowStartThreshold, Window);
    }
}
