namespace Mptcp.Tcp;

/// <content>The window: in recovery, after a timeout, and while the round trip is probed.</content>
public sealed partial class Bbr
{
    private const long RoundTripLifetime = 10 * Instant.Second;
    private const long ProbeRoundTripTime = 200 * Instant.Millisecond;
    private const int ProbeRoundTripGain = 50;

    // What the pacer may let out at once, three times: at both ends and on the way.
    private const long QuantumTime = Instant.Millisecond;
    private const long GreatestQuantum = 65_536;
    private const int Quanta = 3;

    // A tenth of a round is more than random loss takes from a path that is worth using.
    private const int MuchLost = 10;

    private Instant _roundTripAt;
    private Instant _probeEnds;
    private bool _probeRoundSeen;
    private bool _restarts;
    private bool _inRecovery;
    private bool _afterTimeout;
    private bool _conserves;
    private long _conservesUntil;
    private long _lost;
    private long _saved;

    /// <inheritdoc/>
    public void HandleLoss(long inFlight)
    {
        // What follows from a recovery, the next sample says; from a probe that made good a loss, or a mark: nothing.
    }

    /// <inheritdoc/>
    public void HandleTimeout(long inFlight)
    {
        Save();
        (_afterTimeout, _conserves, _inRecovery) = (true, false, false);
        (_fullRate, _fullCount) = (0, 0);
        Window = maximumSegmentSize;
    }

    /// <inheritdoc/>
    public void Undo()
    {
        (_fullRate, _fullCount) = (0, 0);
        Restore();
    }

    private void UpdateRoundTrip(in CongestionSample sample, bool newRound)
    {
        bool expired = RoundTrip > 0 && sample.Now - _roundTripAt > RoundTripLifetime;
        if (sample.RoundTrip > 0 && (RoundTrip == 0 || sample.RoundTrip <= RoundTrip || expired))
        {
            (RoundTrip, _roundTripAt) = (sample.RoundTrip, sample.Now);
        }

        // After an idle time the first sample is as good as a probe: there was no queue of ours.
        if (expired && !_restarts && _mode != Mode.ProbeRoundTrip)
        {
            Save();
            (_mode, _probeEnds) = (Mode.ProbeRoundTrip, Instant.Never);
        }

        if (_mode == Mode.ProbeRoundTrip)
        {
            ProbeRoundTrip(sample, newRound);
        }
    }

    /// <summary>For a time and a round so little is in flight that the queue of this flow is empty.</summary>
    private void ProbeRoundTrip(in CongestionSample sample, bool newRound)
    {
        _limitedUntil = sample.Delivered + sample.InFlight;
        if (_probeEnds == Instant.Never)
        {
            if (sample.InFlight <= ProbeWindow)
            {
                (_probeEnds, _probeRoundSeen) = (sample.Now + ProbeRoundTripTime, false);
            }

            return;
        }

        _probeRoundSeen |= newRound;
        if (_probeRoundSeen && sample.Now >= _probeEnds)
        {
            _roundTripAt = sample.Now;
            Restore();
            _mode = Mode.Start;
            if (_isFull)
            {
                BeginProbing(sample.Now);
            }
        }
    }

    private long ProbeWindow => Target(ProbeRoundTripGain);

    private void UpdateWindow(in CongestionSample sample, bool newRound)
    {
        FollowRecovery(sample, newRound);
        if (_conserves)
        {
            Window = Math.Max(Window - sample.Lost, sample.InFlight + sample.Acked);
        }
        else
        {
            // It grows by what arrives, so that a window that has been small does not let out a heap.
            long target = Target(WindowGain) + (_isFull ? _aggregation.Extra : 0) + (Quanta * Quantum);
            bool grows = _isFull || Window < target || sample.Delivered < CongestionControllers.InitialWindow(maximumSegmentSize);
            Window += grows ? sample.Acked : 0;
            Window = Math.Max(_isFull ? Math.Min(Window, target) : Window, (long)LeastSegments * maximumSegmentSize);
        }

        Window = Math.Max(_mode == Mode.ProbeRoundTrip ? Math.Min(Window, ProbeWindow) : Window, maximumSegmentSize);
    }

    private long Quantum => Math.Clamp(
        Ratio.Of(_rate.Value, QuantumTime, Instant.Second), 2L * maximumSegmentSize, GreatestQuantum);

    /// <summary>
    /// A path that loses single packets is not full: only when a round loses much, what leaves follows what arrives until all
    /// that was in flight has had its time.
    /// </summary>
    private void FollowRecovery(in CongestionSample sample, bool newRound)
    {
        if ((_inRecovery && !sample.InRecovery) || (_afterTimeout && !sample.InTimeoutRecovery))
        {
            Restore();
        }

        if (!sample.InRecovery)
        {
            return;
        }

        if (!_inRecovery)
        {
            Save();
            (_inRecovery, _lost) = (true, 0);
        }

        _lost = newRound ? sample.Lost : _lost + sample.Lost;
        if (!_conserves && _lost * MuchLost > sample.InFlightBefore)
        {
            (_conserves, _conservesUntil, _lost) = (true, sample.Delivered + sample.InFlight, 0);
            Window = sample.InFlight + sample.Acked;
        }

        _conserves &= sample.Delivered < _conservesUntil;
    }

    private void Save() =>
        _saved = _inRecovery || _afterTimeout || _mode == Mode.ProbeRoundTrip ? Math.Max(_saved, Window) : Window;

    private void Restore()
    {
        Window = Math.Max(Window, _saved);
        (_inRecovery, _afterTimeout, _conserves) = (false, false, false);
    }
}
