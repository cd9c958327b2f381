namespace Mptcp.Tcp;

/// <summary>
/// What Reno and its kin have in common: slow start with byte counting (RFC 3465, L = 2, after a timeout 1), the halving at a
/// loss, one segment after a timeout (RFC 5681). How the window grows beyond slow start is the deriving class's to say.
/// </summary>
/// <param name="maximumSegmentSize">The payload of a full segment, in bytes.</param>
public abstract class RenoControl(int maximumSegmentSize) : ICongestionController
{
    private bool _afterTimeout;
    private (long Window, long Threshold) _before;

    /// <inheritdoc/>
    public long Window { get; protected set; } = CongestionControllers.InitialWindow(maximumSegmentSize);

    /// <inheritdoc/>
    public long SlowStartThreshold { get; protected set; } = long.MaxValue;

    /// <summary>The payload of a full segment, in bytes.</summary>
    public int SegmentSize => maximumSegmentSize;

    /// <summary>The least that a loss leaves, in segments.</summary>
    protected virtual int LeastSegments => 2;

    /// <inheritdoc/>
    public long PacingRate(long smoothedRoundTrip) =>
        CongestionControllers.Pace(Window, smoothedRoundTrip, Window < SlowStartThreshold ? 200 : 125);

    /// <inheritdoc/>
    public void HandleAck(in CongestionSample sample)
    {
        Notice(sample);
        if (sample.ApplicationLimited || sample.InRecovery)
        {
            return;
        }

        if (Window >= SlowStartThreshold)
        {
            AvoidCongestion(sample);
            return;
        }

        // What arrives after a timeout may be old news of what had arrived before it (RFC 3465 §2.3).
        Window += Math.Min(sample.Acked, (_afterTimeout ? 1L : 2L) * maximumSegmentSize);
        _afterTimeout &= Window < SlowStartThreshold;
    }

    /// <inheritdoc/>
    public void HandleLoss(long inFlight)
    {
        Reduce(inFlight);
        Window = SlowStartThreshold;
    }

    /// <inheritdoc/>
    public void HandleTimeout(long inFlight)
    {
        Reduce(inFlight);
        (Window, _afterTimeout) = (maximumSegmentSize, true);
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
    public void TakeOver(long window, long slowStartThreshold) => (Window, SlowStartThreshold) = (window, slowStartThreshold);

    /// <summary>An acknowledgement came that may let the window grow, beyond slow start.</summary>
    protected abstract void AvoidCongestion(in CongestionSample sample);

    /// <summary>What a loss leaves of the bytes that were in flight.</summary>
    protected virtual long AfterLoss(long inFlight) => inFlight / 2;

    /// <summary>An acknowledgement came, in whatever state; before the window changes.</summary>
    protected virtual void Notice(in CongestionSample sample)
    {
    }

    /// <summary>A loss or a timeout has lowered the threshold.</summary>
    protected virtual void NoticeLoss()
    {
    }

    private void Reduce(long inFlight)
    {
        _before = (Window, SlowStartThreshold);

        // What limited transmit has added to the window counts for nothing (RFC 5681 §3.2).
        long counted = Math.Min(inFlight, Window);
        SlowStartThreshold = Math.Max(AfterLoss(counted), (long)LeastSegments * maximumSegmentSize);
        NoticeLoss();
    }
}
