namespace Mptcp.Tcp;

/// <summary>What the sampler notes of a range when it leaves.</summary>
internal struct DeliveryMark
{
    public long Delivered;
    public Instant DeliveredAt;
    public Instant FirstSentAt;
    public bool ApplicationLimited;
}

/// <summary>
/// Estimates the rate of delivery (draft-cheng-iccrg-delivery-rate-estimation): what arrived between the sending of a
/// range and its acknowledgement, over the longer of the times in which it was sent and acknowledged. Counts rounds.
/// </summary>
internal struct DeliverySampler
{
    private Instant _deliveredAt;
    private Instant _firstSentAt;
    private long _limitedUntil;
    private long _roundEnd;

    public long Delivered { get; private set; }

    public long Round { get; private set; }

    /// <summary>Bytes per second by the last acknowledgement; 0 where there is no estimate.</summary>
    public long Rate { get; private set; }

    public bool RateIsApplicationLimited { get; private set; }

    /// <summary>A range leaves; <paramref name="idle"/>: nothing is in flight.</summary>
    public DeliveryMark Mark(Instant now, bool idle)
    {
        if (idle)
        {
            (_firstSentAt, _deliveredAt) = (now, now);
        }

        return new DeliveryMark
        {
            Delivered = Delivered,
            DeliveredAt = _deliveredAt,
            FirstSentAt = _firstSentAt,
            ApplicationLimited = _limitedUntil > 0,
        };
    }

    /// <summary>The application left room in the window: until what is in flight has arrived, rates say little.</summary>
    public void HandleApplicationLimited(long inFlight) => _limitedUntil = Math.Max(Delivered + inFlight, 1);

    /// <summary>An acknowledgement brought <paramref name="bytes"/>, of which <paramref name="latest"/> was sent last.</summary>
    public void HandleDelivered(Instant now, long bytes, in SentRange latest, long minimumRoundTrip)
    {
        Delivered += bytes;
        _deliveredAt = now;
        _limitedUntil = Delivered > _limitedUntil ? 0 : _limitedUntil;
        if (latest.Mark.Delivered >= _roundEnd)
        {
            _roundEnd = Delivered;
            Round++;
        }

        _firstSentAt = latest.SentAt;
        long interval = Math.Max(latest.SentAt - latest.Mark.FirstSentAt, now - latest.Mark.DeliveredAt);

        // Shorter than the round trip can only be an acknowledgement of something else.
        bool valid = interval > 0 && interval >= minimumRoundTrip;
        Rate = valid ? Ratio.Of(Delivered - latest.Mark.Delivered, Instant.Second, interval) : 0;
        RateIsApplicationLimited = latest.Mark.ApplicationLimited;
    }
}
