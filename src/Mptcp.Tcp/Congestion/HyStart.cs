namespace Mptcp.Tcp;

/// <summary>
/// HyStart++ (RFC 9406): slow start ends when the round trip grows, before the queue overflows. First it becomes
/// conservative, for the growth may be a whim of the path; only five rounds later it is over.
/// </summary>
internal struct HyStart()
{
    private const long LeastThreshold = 4 * Instant.Millisecond;
    private const long GreatestThreshold = 16 * Instant.Millisecond;
    private const int ThresholdDivisor = 8;
    private const int SamplesNeeded = 8;
    private const int ConservativeRounds = 5;
    private const int ConservativeGrowthDivisor = 4;

    private long _round = -1;
    private long _lastMinimum = long.MaxValue;
    private long _minimum = long.MaxValue;
    private long _baseline = long.MaxValue;
    private int _samples;
    private int _conservativeRounds;

    /// <summary>Whether slow start has become conservative.</summary>
    public readonly bool IsConservative => _baseline != long.MaxValue;

    /// <summary>Takes the sample; returns by how much the window grows, or -1 when slow start is over.</summary>
    public long Grow(in CongestionSample sample)
    {
        if (sample.Round != _round)
        {
            (_round, _lastMinimum, _minimum, _samples) = (sample.Round, _minimum, long.MaxValue, 0);
            if (IsConservative && ++_conservativeRounds > ConservativeRounds)
            {
                return -1;
            }
        }

        if (sample.RoundTrip > 0)
        {
            _minimum = Math.Min(_minimum, sample.RoundTrip);
            _samples++;
        }

        Judge();
        return IsConservative ? sample.Acked / ConservativeGrowthDivisor : sample.Acked;
    }

    private void Judge()
    {
        if (_samples < SamplesNeeded)
        {
            return;
        }

        if (IsConservative)
        {
            // It was a whim: the round trip is short again.
            _baseline = _minimum < _baseline ? long.MaxValue : _baseline;
            return;
        }

        if (_lastMinimum == long.MaxValue)
        {
            return;
        }

        long threshold = Math.Clamp(_lastMinimum / ThresholdDivisor, LeastThreshold, GreatestThreshold);
        if (_minimum >= _lastMinimum + threshold)
        {
            (_baseline, _conservativeRounds) = (_minimum, 1);
        }
    }
}
