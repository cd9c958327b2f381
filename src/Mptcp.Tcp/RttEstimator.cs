namespace Mptcp.Tcp;

/// <summary>SRTT, RTTVAR and RTO of RFC 6298 §2 in integer nanoseconds.</summary>
public struct RttEstimator(long minimumRto)
{
    /// <summary>The timeout before the first measurement (RFC 6298 §2.1).</summary>
    public const long InitialRto = Instant.Second;

    /// <summary>The cap of back-off (RFC 6298 §2.5).</summary>
    public const long MaximumRto = 60 * Instant.Second;

    private const long LostSynRto = 3 * Instant.Second;

    private const long MinimumLifetime = 10 * Instant.Second;

    private Instant _minimumAt;
    private long _variation;
    private int _backoff;
    private bool _lostSyn;

    /// <summary>The smoothed round-trip time in nanoseconds; 0 before the first sample.</summary>
    public long Smoothed { get; private set; }

    /// <summary>RTTVAR in nanoseconds; 0 before the first sample.</summary>
    public readonly long Variation => _variation;

    /// <summary>The least sample of the last ten seconds in nanoseconds; 0 before the first.</summary>
    public long Minimum { get; private set; }

    /// <summary>The last sample in nanoseconds, and when it was taken; 0 before the first.</summary>
    public (long RoundTrip, Instant At) Latest { get; private set; }

    /// <summary>The retransmission timeout in nanoseconds, back-off included.</summary>
    public readonly long Rto
    {
        get
        {
            long rto = Smoothed == 0 ? (_lostSyn ? LostSynRto : InitialRto) : Smoothed + Math.Max(minimumRto, 4 * _variation);
            return Math.Min(Math.Min(rto, MaximumRto) << Math.Min(_backoff, 16), MaximumRto);
        }
    }

    /// <summary>Takes a sample of a range that was sent once (Karn's rule is the caller's).</summary>
    public void AddSample(Instant now, long roundTrip)
    {
        roundTrip = Math.Max(roundTrip, 1);
        Latest = (roundTrip, now);
        if (Minimum == 0 || roundTrip <= Minimum || now - _minimumAt > MinimumLifetime)
        {
            (Minimum, _minimumAt) = (roundTrip, now);
        }

        if (Smoothed == 0)
        {
            (Smoothed, _variation) = (roundTrip, roundTrip / 2);
        }
        else
        {
            _variation += (Math.Abs(Smoothed - roundTrip) - _variation) / 4;
            Smoothed += (roundTrip - Smoothed) / 8;
        }

        _backoff = 0;
    }

    /// <summary>The SYN timed out: until a sample says otherwise the path may be slower than that (RFC 6298 §5.7).</summary>
    public void HandleLostSyn() => _lostSyn = true;

    /// <summary>Doubles the timeout (RFC 6298 §5.5).</summary>
    public void BackOff() => _backoff++;

    /// <summary>New data was acknowledged: the path is alive.</summary>
    public void ResetBackOff() => _backoff = 0;
}
