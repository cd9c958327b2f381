namespace Mptcp.Tcp;

/// <summary>Slow start and congestion avoidance of RFC 5681 with byte counting (RFC 3465, L = 2, after a timeout 1).</summary>
public sealed class NewReno(int maximumSegmentSize) : ICongestionController
{
    private bool _afterTimeout;
    private long _credit;
    private (long Window, long Threshold) _before;

    /// <inheritdoc/>
    public long Window { get; private set; } = CongestionControllers.InitialWindow(maximumSegmentSize);

    /// <inheritdoc/>
    public long SlowStartThreshold { get; private set; } = long.MaxValue;

    /// <inheritdoc/>
    public long PacingRate(long smoothedRoundTrip) =>
        CongestionControllers.Pace(Window, smoothedRoundTrip, Window < SlowStartThreshold ? 200 : 125);

    /// <inheritdoc/>
    public void HandleAck(in CongestionSample sample)
    {
        if (sample.ApplicationLimited || sample.InRecovery)
        {
            return;
        }

        if (Window < SlowStartThreshold)
        {
            // What arrives after a timeout may be old news of what had arrived before it (RFC 3465 §2.3).
            Window += Math.Min(sample.Acked, (_afterTimeout ? 1L : 2L) * maximumSegmentSize);
            _afterTimeout &= Window < SlowStartThreshold;
            return;
        }

        // One segment per window's worth of acknowledged bytes; what is left over is kept, so nothing is lost to rounding.
        _credit += sample.Acked;
        if (_credit >= Window)
        {
            _credit -= Window;
            Window += maximumSegmentSize;
        }
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

    private void Reduce(long inFlight)
    {
        _before = (Window, SlowStartThreshold);

        // What limited transmit has added to the window counts for nothing (RFC 5681 §3.2).
        long counted = Math.Min(inFlight, Window);
        SlowStartThreshold = Math.Max(counted / 2, 2L * maximumSegmentSize);
        _credit = 0;
    }
}
