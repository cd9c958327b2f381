namespace Mptcp.Tcp;

/// <summary>
/// BBR (draft-cardwell-iccrg-bbr-congestion-control-00): models the path by the greatest rate of delivery of the last
/// rounds and the least round trip of the last ten seconds, and sends at that rate with little more in flight than fits
/// the path. A loss by itself says nothing to it, so it is the one for paths that lose packets without being full. From
/// later drafts: the gains of the start, and half the window in place of four segments while the round trip is probed.
/// </summary>
public sealed partial class Bbr(int maximumSegmentSize) : ICongestionController
{
    // Gains in percent. 4 ln 2 is the least that doubles the rate each round; a round later its inverse empties the queue.
    private const int StartGain = 277;
    private const int DrainGain = 36;
    private const int WindowGain = 200;

    // A little below the estimate: a rate that is just the link's would never empty its queue.
    private const int PaceMargin = 99;

    // The path is full when in three rounds the rate has not grown by a quarter.
    private const int FullGrowth = 125;
    private const int FullRounds = 3;

    // One round trip of more to find a greater rate, one of less to undo its queue, four to six to stay.
    private const int Phases = 8;
    private const int ProbeMore = 125;
    private const int ProbeLess = 75;
    private const int ProbeLessPhase = 1;

    private const int LeastSegments = 4;

    private RoundMaximum _rate;
    private AckAggregation _aggregation;
    private Mode _mode = Mode.Start;
    private long _round = -1;
    private long _limitedUntil;
    private long _fullRate;
    private int _fullCount;
    private bool _isFull;
    private int _phase;
    private Instant _phaseBegan;
    private long _pace;
    private int _firstGain = StartGain;

    private enum Mode
    {
        Start,
        Drain,
        ProbeRate,
        ProbeRoundTrip,
    }

    /// <inheritdoc/>
    public long Window { get; private set; } = CongestionControllers.InitialWindow(maximumSegmentSize);

    /// <summary>What fits the path, once that is known: who takes its place goes on from there.</summary>
    public long SlowStartThreshold => _isFull ? Target(100) : long.MaxValue;

    /// <summary>The rate of the path in bytes per second; 0 before the first estimate.</summary>
    public long Rate => _rate.Value;

    /// <summary>The round trip of the path without a queue in nanoseconds; 0 before the first measurement.</summary>
    public long RoundTrip { get; private set; }

    /// <summary>Its window holds in recovery too: the model's, and where much is lost, for a round, what arrives.</summary>
    public bool ControlsRecovery => true;

    /// <summary>It has no answer to a mark.</summary>
    public bool RespondsToEcn => false;

    private int PaceGain => _mode switch
    {
        Mode.Start => StartGain,
        Mode.Drain => DrainGain,
        Mode.ProbeRate when !_restarts => PhaseGain,
        _ => 100,
    };

    private int PhaseGain => _phase switch
    {
        0 => ProbeMore,
        ProbeLessPhase => ProbeLess,
        _ => 100,
    };

    /// <inheritdoc/>
    public long PacingRate(long smoothedRoundTrip) =>
        _pace > 0 ? _pace : CongestionControllers.Pace(Window, smoothedRoundTrip, _firstGain);

    /// <inheritdoc/>
    public void HandleAck(in CongestionSample sample)
    {
        bool newRound = sample.Round != _round;
        _round = sample.Round;
        bool limited = sample.RateIsApplicationLimited || sample.Delivered <= _limitedUntil;
        UpdateRate(sample, limited);
        _aggregation.Update(sample, _rate.Value, Window, newRound);
        if (newRound && !limited)
        {
            CheckFull();
        }

        UpdateMode(sample);
        UpdateRoundTrip(sample, newRound);
        _restarts = false;
        UpdatePace(sample.SmoothedRoundTrip);
        UpdateWindow(sample, newRound);
    }

    /// <inheritdoc/>
    public void HandleIdleRestart(Instant now)
    {
        // The path is known: no slow start, but no probing either before something has come back.
        _restarts = true;
        _aggregation.Begin(now);
        UpdatePace(smoothedRoundTrip: 0);
    }

    /// <inheritdoc/>
    public void TakeOver(long window, long slowStartThreshold) => (Window, _firstGain) = (Math.Max(window, 1), 100);

    private void UpdateRate(in CongestionSample sample, bool limited)
    {
        // What the application, or a window made small on purpose, has held back says nothing, unless it is more.
        if (sample.DeliveryRate > 0 && (!limited || sample.DeliveryRate >= _rate.Value))
        {
            _rate.Add(sample.DeliveryRate, sample.Round);
        }
    }

    private void CheckFull()
    {
        if (_isFull)
        {
            return;
        }

        if ((Int128)_rate.Value * 100 >= (Int128)_fullRate * FullGrowth)
        {
            (_fullRate, _fullCount) = (_rate.Value, 0);
        }
        else
        {
            _isFull = ++_fullCount >= FullRounds;
        }
    }

    private void UpdateMode(in CongestionSample sample)
    {
        if (_mode == Mode.Start && _isFull)
        {
            _mode = Mode.Drain;
        }

        if (_mode == Mode.Drain && sample.InFlight <= Target(100))
        {
            BeginProbing(sample.Now);
        }
        else if (_mode == Mode.ProbeRate && PhaseIsOver(sample))
        {
            // Flows whose turns were of one length would try for more at the same moments for ever.
            int skipped = _phase == ProbeLessPhase ? Dice(sample.Now, 3) : 0;
            (_phase, _phaseBegan) = ((_phase + 1 + skipped) % Phases, sample.Now);
        }
    }

    /// <summary>Not all flows of a queue should begin with the same phase; and none with that of less.</summary>
    private void BeginProbing(Instant now)
    {
        _mode = Mode.ProbeRate;
        int dice = Dice(now, Phases - 1);
        (_phase, _phaseBegan) = (dice == 0 ? 0 : dice + ProbeLessPhase, now);
    }

    // As good as random between flows, and the same in every run.
    private static int Dice(Instant now, int sides) =>
        (int)((unchecked((ulong)now.Nanoseconds * 0x9E3779B97F4A7C15) >> 33) % (ulong)sides);

    private bool PhaseIsOver(in CongestionSample sample)
    {
        bool hasLasted = sample.Now - _phaseBegan > RoundTrip;
        return PhaseGain switch
        {
            // More has been tried only when more was in flight, or the path would not hold it.
            ProbeMore => hasLasted && (sample.Lost > 0 || sample.InFlightBefore >= Target(ProbeMore)),
            ProbeLess => hasLasted || sample.InFlightBefore <= Target(100),
            _ => hasLasted,
        };
    }

    private void UpdatePace(long smoothedRoundTrip)
    {
        if (_pace == 0)
        {
            _pace = CongestionControllers.Pace(Window, smoothedRoundTrip, _firstGain);
        }

        // The first rates are those of a few segments: until the path is full none makes the flow slower.
        long pace = Ratio.Of(_rate.Value, PaceGain * PaceMargin, 10_000);
        _pace = _isFull || pace > _pace ? Math.Max(pace, 1) : _pace;
    }

    /// <summary>Some percent of what fits the path.</summary>
    private long Target(int gain)
    {
        if (RoundTrip == 0 || _rate.Value == 0)
        {
            return CongestionControllers.InitialWindow(maximumSegmentSize);
        }

        long product = Ratio.Of(Ratio.Of(_rate.Value, RoundTrip, Instant.Second), gain, 100);
        return Math.Max(product, (long)LeastSegments * maximumSegmentSize);
    }
}
