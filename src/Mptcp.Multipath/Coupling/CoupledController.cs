using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// A subflow's congestion control whose growth depends on its siblings'. Slow start, the halving at a loss and what follows a
/// timeout are those of RFC 5681, as RFC 6356 §3 wants; what differs between the algorithms is <see cref="Growth"/>, and with
/// some the decrease. Integers only: what is left of a division is kept for the next acknowledgement (docs/decisions/0013).
/// </summary>
/// <param name="group">Its siblings and itself.</param>
/// <param name="maximumSegmentSize">The payload of a full segment, in bytes.</param>
public abstract class CoupledController(CouplingGroup group, int maximumSegmentSize) : ICongestionController
{
    /// <summary>Growth is counted in bytes with so many binary places.</summary>
    protected const int FractionBits = 32;

    private bool _afterTimeout;
    private long _fraction;
    private (long Window, long Threshold) _before;

    /// <inheritdoc/>
    public long Window { get; private set; } = CongestionControllers.InitialWindow(maximumSegmentSize);

    /// <inheritdoc/>
    public long SlowStartThreshold { get; private set; } = long.MaxValue;

    /// <summary>Its siblings and itself.</summary>
    public CouplingGroup Group => group;

    /// <summary>The payload of a full segment, in bytes.</summary>
    public int SegmentSize => maximumSegmentSize;

    /// <summary>The smoothed round trip in nanoseconds; 0 before the first measurement.</summary>
    public long SmoothedRoundTrip { get; private set; }

    /// <summary>Its window, as far as it is used, in bytes (RFC 6356 §3.1).</summary>
    public long EffectiveWindow { get; private set; } = CongestionControllers.InitialWindow(maximumSegmentSize);

    /// <summary>When it was last acknowledged.</summary>
    internal Instant LastAck { get; private set; }

    /// <summary>The least that a loss leaves, in segments.</summary>
    protected virtual int LeastSegments => 2;

    /// <inheritdoc/>
    public long PacingRate(long smoothedRoundTrip) =>
        CongestionControllers.Pace(Window, smoothedRoundTrip, Window < SlowStartThreshold ? 200 : 125);

    /// <inheritdoc/>
    public void HandleAck(in CongestionSample sample)
    {
        (LastAck, SmoothedRoundTrip) = (sample.Now, sample.SmoothedRoundTrip);
        group.HandleTime(sample.Now);
        EffectiveWindow = sample.ApplicationLimited ? Math.Min(Window, Math.Max(sample.InFlightBefore, SegmentSize)) : Window;
        Notice(sample);
        if (sample.ApplicationLimited || sample.InRecovery)
        {
            return;
        }

        if (Window < SlowStartThreshold)
        {
            Window += Math.Min(sample.Acked, (_afterTimeout ? 1L : 2L) * maximumSegmentSize);
            _afterTimeout &= Window < SlowStartThreshold;
        }
        else if (SmoothedRoundTrip > 0)
        {
            Grow(sample.Acked);
        }

        EffectiveWindow = Window;
    }

    /// <inheritdoc/>
    public void HandleLoss(long inFlight)
    {
        Reduce(inFlight);
        Window = SlowStartThreshold;
        EffectiveWindow = Window;
    }

    /// <inheritdoc/>
    public void HandleTimeout(long inFlight)
    {
        Reduce(inFlight);
        (Window, EffectiveWindow, _afterTimeout) = (maximumSegmentSize, maximumSegmentSize, true);
    }

    /// <inheritdoc/>
    public void Undo() =>
        (Window, SlowStartThreshold) = (Math.Max(Window, _before.Window), Math.Max(SlowStartThreshold, _before.Threshold));

    /// <inheritdoc/>
    public void HandleIdleRestart(Instant now)
    {
        SlowStartThreshold = Math.Max(SlowStartThreshold, Window / 4 * 3);
        Window = Math.Min(Window, CongestionControllers.InitialWindow(maximumSegmentSize));
    }

    /// <inheritdoc/>
    public void TakeOver(long window, long slowStartThreshold) =>
        (Window, SlowStartThreshold, EffectiveWindow) = (window, slowStartThreshold, window);

    /// <summary>What this many acknowledged bytes add to the window in congestion avoidance, in bytes.</summary>
    internal double GrowthFor(long acked) => (double)Growth(acked) / (1L << FractionBits);

    /// <summary>What this many acknowledged bytes add to the window in congestion avoidance.</summary>
    /// <returns>Bytes, with <see cref="FractionBits"/> binary places; it may be negative.</returns>
    protected abstract Int128 Growth(long acked);

    /// <summary>What a loss leaves of the bytes that were in flight.</summary>
    protected virtual long AfterLoss(long inFlight) => inFlight / 2;

    /// <summary>An acknowledgement came, in whatever state.</summary>
    protected virtual void Notice(in CongestionSample sample)
    {
    }

    /// <summary>A loss or a timeout came.</summary>
    protected virtual void NoticeLoss()
    {
    }

    /// <summary>Growth by W / S²: S is what all send in a round trip, as <see cref="CouplingGroup.SentIn"/> has it.</summary>
    private protected Int128 SharedGrowth(long acked, long window, Int128 sum)
    {
        // One factor after the other: their product has more than 128 bits.
        const int share = 30;
        Int128 first = ((Int128)acked * maximumSegmentSize << (FractionBits + (2 * CouplingGroup.SumBits))) / sum;
        Int128 second = ((Int128)window << (share + CouplingGroup.SumBits)) / sum;
        return first * second >> (share + CouplingGroup.SumBits);
    }

    /// <summary>Reno's growth: one segment for each window.</summary>
    protected Int128 UncoupledGrowth(long acked) => ((Int128)acked * maximumSegmentSize << FractionBits) / Window;

    /// <summary>Puts a window in place, in congestion avoidance from here on.</summary>
    protected void SetWindow(long window)
    {
        Window = Math.Max(window, (long)LeastSegments * maximumSegmentSize);
        SlowStartThreshold = Math.Min(SlowStartThreshold, Window);
    }

    private void Grow(long acked)
    {
        Int128 growth = Growth(acked);
        if (group.Strength < 100)
        {
            growth = ((growth * group.Strength) + (UncoupledGrowth(acked) * (100 - group.Strength))) / 100;
        }

        growth += _fraction;
        Window += (long)(growth >> FractionBits);
        _fraction = (long)(growth & ((1L << FractionBits) - 1));
        Window = Math.Max(Window, maximumSegmentSize);
    }

    private void Reduce(long inFlight)
    {
        _before = (Window, SlowStartThreshold);
        NoticeLoss();
        SlowStartThreshold = Math.Max(AfterLoss(Math.Min(inFlight, Window)), (long)LeastSegments * maximumSegmentSize);
        _fraction = 0;
    }
}
