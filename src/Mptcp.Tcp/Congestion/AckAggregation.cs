namespace Mptcp.Tcp;

/// <summary>
/// How many more bytes than the rate of the path explains have come acknowledged in a heap: a path that collects
/// acknowledgements, as radio links do, needs as much more in flight to be busy in between.
/// </summary>
internal struct AckAggregation
{
    private const int RoundsPerSlot = 5;
    private const long Longest = 100 * Instant.Millisecond;

    private Instant _began;
    private long _acked;
    private long _newest;
    private long _older;
    private int _rounds;

    /// <summary>The greatest heap of the last five to ten rounds, in bytes.</summary>
    public readonly long Extra => Math.Max(_newest, _older);

    /// <summary>Counting begins anew.</summary>
    public void Begin(Instant now) => (_began, _acked) = (now, 0);

    /// <summary>An acknowledgement on a path of <paramref name="rate"/> bytes per second.</summary>
    public void Update(in CongestionSample sample, long rate, long window, bool newRound)
    {
        if (newRound && ++_rounds >= RoundsPerSlot)
        {
            (_older, _newest, _rounds) = (_newest, 0, 0);
        }

        if (rate == 0 || sample.Acked == 0)
        {
            return;
        }

        long expected = Of(rate, sample.Now - _began);
        if (_acked <= expected)
        {
            Begin(sample.Now);
            expected = 0;
        }

        _acked += sample.Acked;
        long extra = Math.Min(_acked - expected, Math.Min(window, Of(rate, Longest)));
        _newest = Math.Max(_newest, extra);
    }

    private static long Of(long rate, long time) => Ratio.Of(rate, time, Instant.Second);
}
