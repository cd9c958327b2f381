namespace Mptcp.Tcp;

/// <summary>A congestion controller sees samples and never the connection. All sizes are in bytes.</summary>
public interface ICongestionController
{
    /// <summary>How many bytes may be in flight.</summary>
    long Window { get; }

    /// <summary>Whether the window grows exponentially.</summary>
    bool InSlowStart { get; }

    /// <summary><paramref name="bytes"/> were newly acknowledged; <paramref name="limited"/>: the window was in use.</summary>
    void HandleAcknowledged(long bytes, bool limited);

    /// <summary>A loss began a new recovery.</summary>
    void HandleLoss(long inFlight);

    /// <summary>The retransmission timer went off.</summary>
    void HandleTimeout(long inFlight);
}

/// <summary>Slow start and congestion avoidance of RFC 5681 with byte counting (RFC 3465, L = 2).</summary>
public sealed class NewReno(int maximumSegmentSize) : ICongestionController
{
    private long _slowStartThreshold = long.MaxValue;
    private long _credit;

    /// <inheritdoc/>
    /// <remarks>Ten segments at the start (RFC 6928).</remarks>
    public long Window { get; private set; } = 10L * maximumSegmentSize;

    /// <inheritdoc/>
    public bool InSlowStart => Window < _slowStartThreshold;

    /// <inheritdoc/>
    public void HandleAcknowledged(long bytes, bool limited)
    {
        if (!limited)
        {
            return;
        }

        if (Window < _slowStartThreshold)
        {
            Window += Math.Min(bytes, 2L * maximumSegmentSize);
            return;
        }

        // One segment per window's worth of acknowledged bytes; what is left over is kept, so nothing is lost to rounding.
        _credit += bytes;
        if (_credit >= Window)
        {
            _credit -= Window;
            Window += maximumSegmentSize;
        }
    }

    /// <inheritdoc/>
    public void HandleLoss(long inFlight)
    {
        _slowStartThreshold = Math.Max(inFlight / 2, 2L * maximumSegmentSize);
        Window = _slowStartThreshold;
        _credit = 0;
    }

    /// <inheritdoc/>
    public void HandleTimeout(long inFlight)
    {
        _slowStartThreshold = Math.Max(inFlight / 2, 2L * maximumSegmentSize);
        Window = maximumSegmentSize;
        _credit = 0;
    }
}
