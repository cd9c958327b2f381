namespace Mptcp.Tcp;

/// <summary>CUBIC (RFC 9438) with fast convergence and the Reno-friendly region; HyStart++ in the first slow start.</summary>
public sealed class Cubic(int maximumSegmentSize) : ICongestionController
{
    // The decrease: beta = 0.7; fast convergence: (1 + beta) / 2; alpha = 3 (1 - beta) / (1 + beta) = 9 / 17.
    private const int BetaTenths = 7;
    private const int FastConvergenceTwentieths = 17;
    private const int AlphaNumerator = 9;
    private const int AlphaDenominator = 17;

    private const int ShareBits = 8;

    // A train of acknowledgements means little before the window has this many segments.
    private const int TrainSegments = 16;

    // In slow start no pace but the path's may stretch the acknowledgements over half a round trip.
    private const int SlowStartPace = 400;
    private const int Pace = 125;

    private HyStart _hyStart = new();
    private CubicCurve _curve;
    private Instant _epoch = Instant.Never;
    private Instant _lastSample;
    private long _plateau;
    private long _windowBeforeLoss;
    private long _friendly;
    private long _friendlyCredit;
    private long _credit;
    private Saved _before;

    /// <summary>The share of a TCP that is one of its own, for <see cref="Share"/>.</summary>
    public const int WholeShare = 1 << ShareBits;

    /// <summary>
    /// How much of what a TCP of its own would get it is to get where losses are the same for both, in parts of
    /// <see cref="WholeShare"/>, 1 at least: it grows more slowly (docs/decisions/0014).
    /// </summary>
    public int Share
    {
        get;
        set
        {
            // The curve it is on was another's.
            _epoch = field == value ? _epoch : Instant.Never;
            field = value;
        }
    } = WholeShare;

    /// <inheritdoc/>
    public long Window { get; private set; } = CongestionControllers.InitialWindow(maximumSegmentSize);

    /// <inheritdoc/>
    public long SlowStartThreshold { get; private set; } = long.MaxValue;

    /// <inheritdoc/>
    public long PacingRate(long smoothedRoundTrip) => CongestionControllers.Pace(
        Window, smoothedRoundTrip, Window < SlowStartThreshold && !_hyStart.IsConservative ? SlowStartPace : Pace);

    /// <inheritdoc/>
    public void HandleAck(in CongestionSample sample)
    {
        if (sample.ApplicationLimited || sample.InRecovery)
        {
            // Time in which the window may not grow is no time of the curve (RFC 9438 §5.8).
            Hold(sample.Now);
        }
        else if (Window < SlowStartThreshold)
        {
            SlowStart(sample);
        }
        else
        {
            AvoidCongestion(sample);
        }

        _lastSample = sample.Now;
    }

    /// <inheritdoc/>
    public void HandleLoss(long inFlight)
    {
        _before = Save();
        _windowBeforeLoss = Window;

        // Fast convergence: who had to give way before it reached its old window leaves room to others.
        _plateau = Window < _plateau ? Window * FastConvergenceTwentieths / 20 : Window;
        Reduce();
        Window = SlowStartThreshold;
    }

    /// <inheritdoc/>
    public void HandleTimeout(long inFlight)
    {
        _before = Save();

        // After a timeout the curve begins at its plateau, wherever slow start ends (RFC 9438 §4.8).
        (_plateau, _windowBeforeLoss) = (0, 0);
        Reduce();
        Window = maximumSegmentSize;
    }

    /// <inheritdoc/>
    public void Undo()
    {
        if (_before.Window > 0)
        {
            Window = Math.Max(Window, _before.Window);
            SlowStartThreshold = Math.Max(SlowStartThreshold, _before.Threshold);
            (_plateau, _windowBeforeLoss) = (_before.Plateau, _before.WindowBeforeLoss);
            (_curve, _epoch, _friendly) = (_before.Curve, _before.Epoch, _before.Friendly);
            _before = default;
        }
    }

    /// <inheritdoc/>
    public void HandleIdleRestart(Instant now)
    {
        Hold(now);
        _lastSample = now;
        SlowStartThreshold = Math.Max(SlowStartThreshold, Window / 4 * 3);
        Window = Math.Min(Window, CongestionControllers.InitialWindow(maximumSegmentSize));
    }

    /// <inheritdoc/>
    public void TakeOver(long window, long slowStartThreshold) => (Window, SlowStartThreshold) = (window, slowStartThreshold);

    private void SlowStart(in CongestionSample sample)
    {
        long growth = SlowStartThreshold == long.MaxValue
            ? _hyStart.Grow(sample, trainCounts: Window >= (long)TrainSegments * maximumSegmentSize)
            : sample.Acked;
        if (growth < 0)
        {
            SlowStartThreshold = Window;
        }
        else
        {
            Window = Math.Min(Window + growth, Math.Max(SlowStartThreshold, Window));
        }
    }

    private void AvoidCongestion(in CongestionSample sample)
    {
        if (_epoch == Instant.Never)
        {
            _epoch = sample.Now;
            _curve = new CubicCurve(maximumSegmentSize, Window, _plateau, CurveScale);
            _plateau = Math.Max(_plateau, Window);
            (_friendly, _friendlyCredit, _credit) = (Window, 0, 0);
        }

        long elapsed = sample.Now - _epoch;
        GrowFriendly(sample.Acked);
        if (_curve.WindowAt(elapsed) < _friendly)
        {
            Window = Math.Max(Window, _friendly);
            return;
        }

        long target = Math.Clamp(_curve.WindowAt(elapsed + sample.SmoothedRoundTrip), Window, Window * 3 / 2);
        _credit += (target - Window) * sample.Acked;
        (long growth, _credit) = Math.DivRem(_credit, Window);
        Window += growth;
    }

    // The window that follows from a rate of losses goes with the fourth root of C, that of Reno with the square root of alpha.
    private int CurveScale => Math.Max(1, (int)(((long)Share * Share * Share * Share) >> ((4 * ShareBits) - 16)));

    /// <summary>The window that Reno would have here (RFC 9438 §4.3).</summary>
    private void GrowFriendly(long acked)
    {
        bool likeReno = _friendly >= _windowBeforeLoss;
        _friendlyCredit += acked * maximumSegmentSize * (likeReno ? AlphaDenominator : AlphaNumerator)
            * Share * Share >> (2 * ShareBits);
        (long growth, _friendlyCredit) = Math.DivRem(_friendlyCredit, Window * AlphaDenominator);
        _friendly += growth;
    }

    private void Reduce()
    {
        // The window in place of what is in flight, which RFC 9438 §4.6 lets those do who never let it grow unless it was used:
        // a message whose last segment is lost says little of what the path takes.
        SlowStartThreshold = Math.Max(Window * BetaTenths / 10, 2L * maximumSegmentSize);
        _epoch = Instant.Never;
    }

    private void Hold(Instant now)
    {
        if (_epoch != Instant.Never)
        {
            _epoch += now - _lastSample;
        }
    }

    private Saved Save() =>
        new(Window, SlowStartThreshold, _plateau, _windowBeforeLoss, _friendly, _epoch, _curve);

    private readonly record struct Saved(
        long Window, long Threshold, long Plateau, long WindowBeforeLoss, long Friendly, Instant Epoch, CubicCurve Curve);
}
