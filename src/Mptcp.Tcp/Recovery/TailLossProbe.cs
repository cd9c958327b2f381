namespace Mptcp.Tcp;

/// <summary>
/// The tail loss probe (RFC 8985 §7): when acknowledgements have stopped for two round trips, one segment more is sent, so
/// that the loss of the last ones is found without waiting for the retransmission timer.
/// </summary>
internal struct TailLossProbe()
{
    // Room for the timers of both ends, as other implementations leave it: two round trips may be less than a tick.
    private const long Slack = 10 * Instant.Millisecond;

    // What the peer may delay the acknowledgement of a single segment.
    private const long MaximumAckDelay = 100 * Instant.Millisecond;

    private long _end = -1;
    private bool _isRepeat;
    private bool _sampled = true;
    private Instant _sentAt;

    /// <summary>When the probe is due.</summary>
    public Instant Deadline { get; private set; } = Instant.Never;

    /// <summary>Whether a probe is to leave now, whatever the windows of congestion and pace say.</summary>
    public bool Due { get; private set; }

    /// <summary>Whether the probe that is out was the range that ends here.</summary>
    public readonly bool Covers(long end) => _end == end;

    /// <summary>Sets the timer anew.</summary>
    public void Arm(Instant now, long smoothedRoundTrip, int ranges, Instant retransmissionDeadline)
    {
        if (smoothedRoundTrip == 0)
        {
            return;
        }

        long timeout = 2 * smoothedRoundTrip + Slack + (ranges == 1 ? MaximumAckDelay : 0);
        Deadline = Instant.Min(now + timeout, retransmissionDeadline);
    }

    /// <summary>No probe is wanted: other means look for losses.</summary>
    public void Disarm() => (Deadline, Due) = (Instant.Never, false);

    /// <summary>A recovery begins: an older probe means nothing any more.</summary>
    public void Reset()
    {
        Disarm();
        _end = -1;
    }

    /// <summary>The path was measured since the last probe.</summary>
    public void HandleSample() => _sampled = true;

    /// <summary>Time has passed. True when the deadline has.</summary>
    public bool HandleTimeout(Instant now)
    {
        if (Deadline > now)
        {
            return false;
        }

        Deadline = Instant.Never;
        Due = _end < 0 && _sampled;
        return Due;
    }

    /// <summary>The probe has left.</summary>
    public void HandleSent(Instant now, long next, bool repeat)
    {
        (Due, _sampled) = (false, false);
        (_end, _isRepeat, _sentAt) = (next, repeat, now);
    }

    /// <summary>
    /// An acknowledgement. True when the probe has repaired a loss that nobody else has noticed: the window is to be reduced.
    /// </summary>
    public bool HandleAck(long ack, uint? echo, bool duplicateReported)
    {
        if (_end < 0 || ack < _end)
        {
            return false;
        }

        if (!_isRepeat || duplicateReported || SpuriousRecovery.IsBefore(echo, _sentAt))
        {
            _end = -1;
            return false;
        }

        // At just the end it may be the original or the probe: the next acknowledgement tells.
        bool repaired = ack > _end;
        _end = repaired ? -1 : _end;
        return repaired;
    }
}
