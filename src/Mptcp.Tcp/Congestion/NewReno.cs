namespace Mptcp.Tcp;

/// <summary>Slow start and congestion avoidance of RFC 5681 with byte counting (RFC 3465, L = 2, after a timeout 1).</summary>
public sealed class NewReno(int maximumSegmentSize) : RenoControl(maximumSegmentSize)
{
    private long _credit;

    /// <inheritdoc/>
    protected override void AvoidCongestion(in CongestionSample sample)
    {
        // One segment per window's worth of acknowledged bytes; what is left over is kept, so nothing is lost to rounding.
        _credit += sample.Acked;
        if (_credit >= Window)
        {
            _credit -= Window;
            Window += SegmentSize;
        }
    }

    /// <inheritdoc/>
    protected override void NoticeLoss() => _credit = 0;
}
