namespace Mptcp.Tcp;

/// <summary>
/// HyStart++ (RFC 9406): slow start becomes conservative when the round trip has grown, and is over five rounds later,
/// for the growth may be a whim of the path. A round trip tells of the window of the round before, so on a path whose
/// queue holds no more than the path itself that is too late; so there is, too, the acknowledgement train of the original
/// HyStart (Ha and Rhee, 2011): a round's acknowledgements, dense for half a round trip, show that the path is filling.
/// </summary>
internal struct HyStart()
{
    private const long LeastThreshold = 4 * Instant.Millisecond;
    private const long GreatestThreshold = 16 * Instant.Millisecond;
    private const int ThresholdDivisor = 8;
    private const int SamplesNeeded = 8;
    private const int ConservativeRounds = 5;
    private const int ConservativeGrowthDivisor = 4;
    private const long LeastTrainGap = 2 * Instant.Millisecond;
    private const int TrainGapDivisor = 8;

    private long _round = -1;
    private long _lastMinimum = long.MaxValue;
    private long _minimum = long.MaxValue;
    private int _samples;
    private Instant _trainBegan;
    private Instant _trainLast;
    private bool _trainBroken;
    private Suspicion _suspicion;
    private long _baseline;
    private int _conservativeRounds;

    private enum Suspicion
    {
        None,
        Delay,
        Train,
    }

    /// <summary>Whether slow start has become conservative.</summary>
    public readonly bool IsConservative => _suspicion != Suspicion.None;

    /// <summary>Takes the sample; returns by how much the window grows, or -1 when slow start is over.</summary>
    /// <param name="sample">The sample.</param>
    /// <param name="trainCounts">Whether the window is large enough for a train to mean something.</param>
    public long Grow(in CongestionSample sample, bool trainCounts)
    {
        if (sample.Round != _round && !BeginRound(sample))
        {
            return -1;
        }

        if (sample.RoundTrip > 0)
        {
            _minimum = Math.Min(_minimum, sample.RoundTrip);
            _samples++;
        }

        bool over = _suspicion switch
        {
            Suspicion.None => Suspect(sample, trainCounts),

            // The least of the whole round: the end of a burst that was paced at twice its rate has a queue on any path.
            Suspicion.Train => IsAbove(_baseline),
            _ => Reconsider(),
        };
        return over ? -1 : IsConservative ? sample.Acked / ConservativeGrowthDivisor : sample.Acked;
    }

    private bool BeginRound(in CongestionSample sample)
    {
        (_round, _lastMinimum, _minimum, _samples) = (sample.Round, _minimum, long.MaxValue, 0);
        (_trainBegan, _trainLast, _trainBroken) = (sample.Now, sample.Now, false);
        if (!IsConservative || ++_conservativeRounds <= ConservativeRounds)
        {
            return true;
        }

        // A train that no queue has followed in five rounds was none.
        bool whim = _suspicion == Suspicion.Train;
        _suspicion = Suspicion.None;
        return whim;
    }

    private bool Suspect(in CongestionSample sample, bool trainCounts)
    {
        if (IsAbove(_lastMinimum))
        {
            (_suspicion, _baseline, _conservativeRounds) = (Suspicion.Delay, _minimum, 1);
        }
        else if (IsTrain(sample) && trainCounts)
        {
            (_suspicion, _baseline, _conservativeRounds) = (Suspicion.Train, sample.MinimumRoundTrip, 1);
        }

        return false;
    }

    private bool IsTrain(in CongestionSample sample)
    {
        long gap = Math.Max(LeastTrainGap, sample.MinimumRoundTrip / TrainGapDivisor);
        _trainBroken |= sample.Now - _trainLast > gap;
        _trainLast = sample.Now;
        return !_trainBroken && sample.MinimumRoundTrip > 0 && sample.Now - _trainBegan >= sample.MinimumRoundTrip / 2;
    }

    private bool Reconsider()
    {
        if (_samples >= SamplesNeeded && _minimum < _baseline)
        {
            _suspicion = Suspicion.None;
        }

        return false;
    }

    private readonly bool IsAbove(long before) => _samples >= SamplesNeeded && before != long.MaxValue
        && _minimum >= before + Math.Clamp(before / ThresholdDivisor, LeastThreshold, GreatestThreshold);
}
