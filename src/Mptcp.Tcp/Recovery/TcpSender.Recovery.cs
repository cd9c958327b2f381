namespace Mptcp.Tcp;

/// <summary>How losses are found, made good, and taken back where they were none.</summary>
internal sealed partial class TcpSender
{
    private const int DuplicateThreshold = 3;

    private ProportionalRateReduction _reduction;
    private SpuriousRecovery _spurious;
    private TailLossProbe _tailProbe = new();
    private Instant _reorderingDeadline = Instant.Never;
    private long _recoveryPoint = -1;
    private bool _recoveryByTimeout;
    private bool _repeatAtOnce;
    private bool _duplicateReported;
    private uint? _echo;

    /// <summary>Whether losses are being made good, after a timeout or not.</summary>
    public bool InRecovery => _recoveryPoint >= 0;

    /// <summary>Recoveries that turned out to have been needless.</summary>
    public long SpuriousRecoveries { get; private set; }

    /// <summary>Tail loss probes sent.</summary>
    public long LossProbes { get; private set; }

    private bool InFastRecovery => InRecovery && !_recoveryByTimeout;

    private long EffectiveWindow => InFastRecovery && !_congestion.ControlsRecovery
        ? _reduction.Window
        : _congestion.Window;

    // Without SACK each duplicate tells of one segment that has arrived (RFC 5681 §3.2, RFC 3042).
    private long InFlight => SackPermitted || _duplicateAcks == 0
        ? _scoreboard.BytesInFlight
        : Math.Max(0, _scoreboard.BytesInFlight - (long)_duplicateAcks * SegmentSize);

    private Instant RecoveryDeadline => Instant.Min(_reorderingDeadline, _tailProbe.Deadline);

    /// <summary>A segment with an acknowledgement begins; its SACK blocks and <see cref="HandleAck"/> follow.</summary>
    /// <param name="now">The time.</param>
    /// <param name="echo">Our clock in milliseconds as the peer echoes it; null without timestamps.</param>
    public void BeginAck(Instant now, uint? echo)
    {
        (_echo, _duplicateReported) = (echo, false);
        _scoreboard.Rack.BeginAck();
        _scoreboard.BeginAck(now, echo, _rtt.Minimum);
    }

    /// <summary>A SACK block. To be followed by <see cref="HandleAck"/>.</summary>
    public void HandleSack(long left, long right) => _scoreboard.MarkSacked(left, right);

    /// <summary>A D-SACK block (RFC 2883): the peer got this range twice. To be followed by <see cref="HandleAck"/>.</summary>
    public void HandleDuplicateSack(long left, long right)
    {
        if (!_spurious.Covers(left, right))
        {
            // The path made the copy, or a probe did.
            _duplicateReported |= _tailProbe.Covers(right);
            return;
        }

        _duplicateReported = true;
        _scoreboard.Rack.HandleDuplicate(Una, Next);
        if (_spurious.HandleDuplicate(left, right))
        {
            TakeBackRecovery();
        }
    }

    /// <summary>What may leave now: a lost range first. False when nothing may.</summary>
    public bool TryRetransmit(Instant now, out SentRange range)
    {
        range = default;
        int index = _scoreboard.FirstLost();
        if (index < 0)
        {
            // New data is the better probe.
            bool fresh = !FinSent && Una + Window - Next >= SegmentSize;
            return _tailProbe.Due && !(fresh && source.HasData) && TryProbeTail(now, out range);
        }

        bool fits = InFlight == 0 || InFlight + _scoreboard[index].SequenceLength <= EffectiveWindow;
        if (!_repeatAtOnce && !(fits && _pacer.MaySend(now)))
        {
            return false;
        }

        _repeatAtOnce = false;
        if (_scoreboard[index].Length > RepeatLimit)
        {
            _scoreboard.Split(index, RepeatLimit);
        }

        Repeat(now, index, out range);
        return true;
    }

    /// <summary>The tail loss probe, where one is due and no new data could be it. False when there is none.</summary>
    public bool TryProbeTail(Instant now, out SentRange range)
    {
        range = default;
        if (!_tailProbe.Due || _scoreboard.FirstLost() >= 0)
        {
            return false;
        }

        // A FIN alone out of order is selectively acknowledged by few: the last payload tells more.
        int last = _scoreboard.Count - 1;
        last -= last > 0 && _scoreboard[last].Length == 0 ? 1 : 0;
        if (last < 0 || !_scoreboard[last].InFlight || _scoreboard[last].Length > RepeatLimit)
        {
            _tailProbe.Disarm();
            return false;
        }

        LossProbes++;
        Repeat(now, last, out range);
        _tailProbe.HandleSent(now, range.End, repeat: true);
        return true;
    }

    private void Repeat(Instant now, int index, out SentRange range)
    {
        _scoreboard[index].Mark = _delivery.Mark(now, idle: _scoreboard.BytesInFlight == 0);
        _scoreboard.MarkRetransmitted(index, now);
        range = _scoreboard[index];
        _spurious.HandleRepeated(now, range);
        Pace(now, range.Length);
        CountSent(range.Length, again: true);
        Retransmissions++;

        // What is repeated first gets the time to be answered: lost again, it is found by RACK, and no timeout comes between.
        _retransmissionDeadline = index == 0 ? now + _rtt.Rto : _retransmissionDeadline;
        ArmIfIdle(now);
    }

    /// <summary>All that an acknowledgement has brought is in the scoreboard: what follows from it?</summary>
    private void HandleArrivals(Instant now, bool moved, bool duplicate)
    {
        AckOutcome outcome = _scoreboard.TakeOutcome();
        bool spurious = moved && _spurious.HandleAcknowledged(Una, outcome.Repeated, _echo);
        if (spurious)
        {
            // The echo is the round trip that the timer did not wait for.
            long late = unchecked((uint)(now.Nanoseconds / Instant.Millisecond) - _echo!.Value) * Instant.Millisecond;
            _rtt.AddSample(now, late);
            TakeBackRecovery();
        }

        if (_tailProbe.HandleAck(Una, _echo, _duplicateReported) && !InRecovery)
        {
            _congestion.HandleLoss(Next - Una);
        }

        CountDuplicates(moved, duplicate, outcome.Passed);
        EndRecovery(moved);
        bool more = DetectLosses(now, outcome.InFlightBefore);
        more |= HandleWithoutSack(moved, duplicate, outcome.InFlightBefore);
        TakeSample(now, outcome);
        if (InFastRecovery)
        {
            long delivered = outcome.Delivered + (duplicate ? SegmentSize : 0);
            _reduction.HandleAck(delivered, InFlight, _congestion.Window, SegmentSize, moved && !more);
        }

        ArmTailProbe(now, moved);
        (_echo, _duplicateReported) = (null, false);
    }

    private void CountDuplicates(bool moved, bool duplicate, int passed)
    {
        if (duplicate)
        {
            _duplicateAcks++;
        }
        else if (moved)
        {
            _duplicateAcks = InFastRecovery && Una < _recoveryPoint ? Math.Max(0, _duplicateAcks - Math.Max(0, passed - 1)) : 0;
        }
    }

    private void EndRecovery(bool moved)
    {
        if (moved && InRecovery && Una >= _recoveryPoint)
        {
            _recoveryPoint = -1;
            _repeatAtOnce = false;
            _scoreboard.Rack.HandleRecovered();
        }
    }

    /// <summary>RACK's judgement. True when something was found lost.</summary>
    private bool DetectLosses(Instant now, long inFlightBefore)
    {
        if (!SackPermitted)
        {
            return false;
        }

        long window = _scoreboard.Rack.ReorderingWindow(
            InRecovery, _scoreboard.SackedRanges, _rtt.Minimum, _rtt.Smoothed);
        bool found = _scoreboard.DetectLosses(now, window, out long wait);
        _reorderingDeadline = wait == 0 ? Instant.Never : now + wait;
        if (found)
        {
            EnterRecovery(inFlightBefore);
        }

        return found;
    }

    /// <summary>Duplicates and partial acknowledgements of a peer without SACK (RFC 6582).</summary>
    private bool HandleWithoutSack(bool moved, bool duplicate, long inFlightBefore)
    {
        if (SackPermitted || !(InFastRecovery ? moved : duplicate && _duplicateAcks == DuplicateThreshold && !InRecovery))
        {
            return false;
        }

        _scoreboard.MarkHeadLost();
        EnterRecovery(inFlightBefore);
        return true;
    }

    private void EnterRecovery(long inFlightBefore)
    {
        if (InRecovery)
        {
            return;
        }

        (_recoveryPoint, _recoveryByTimeout, _repeatAtOnce) = (Next, false, true);
        _tailProbe.Reset();
        _spurious.Begin(byTimeout: false);
        _scoreboard.BeginRecovery();
        _reduction.Begin(inFlightBefore);
        _congestion.HandleLoss(Next - Una);
    }

    private void BeginTimeoutRecovery()
    {
        if (_timeouts == 1)
        {
            _spurious.Begin(byTimeout: true);
            _scoreboard.BeginRecovery();
        }

        _tailProbe.Reset();
        _reorderingDeadline = Instant.Never;
        _duplicateAcks = 0;
        _scoreboard.MarkAllLost();
        (_recoveryPoint, _recoveryByTimeout, _repeatAtOnce) = (Next, true, false);
    }

    /// <summary>What was repeated had only been late (RFC 4015): the window is as it was, and nothing is lost.</summary>
    private void TakeBackRecovery()
    {
        SpuriousRecoveries++;
        _scoreboard.Rack.ReorderingSeen |= !_recoveryByTimeout;
        _spurious.Disarm();
        _congestion.Undo();
        _scoreboard.UnmarkLost();
        (_recoveryPoint, _repeatAtOnce) = (-1, false);
    }

    private void HandleRecoveryTimeout(Instant now)
    {
        if (_reorderingDeadline <= now)
        {
            _reorderingDeadline = Instant.Never;
            DetectLosses(now, _scoreboard.BytesInFlight);
        }

        if (_tailProbe.HandleTimeout(now) && _retransmissionDeadline != Instant.Never)
        {
            // The timer gives the probe time to be answered, and where it has that, waits no longer than it would have.
            Instant answered = now + (_rtt.Smoothed * 3 / 2);
            _retransmissionDeadline = answered > _retransmissionDeadline ? answered : _retransmissionDeadline;
        }
    }

    private void HandleNewDataSent(Instant now)
    {
        if (_tailProbe.Due)
        {
            _tailProbe.HandleSent(now, Next, repeat: false);
            LossProbes++;
        }
        else
        {
            ArmTailProbe(now, moved: true);
        }
    }

    private void ArmTailProbe(Instant now, bool moved)
    {
        if (!SackPermitted || InRecovery || _scoreboard.SackedRanges > 0 || _scoreboard.Count == 0)
        {
            _tailProbe.Disarm();
        }
        else if (moved && !_tailProbe.Due)
        {
            _tailProbe.Arm(now, _rtt.Smoothed, _scoreboard.Count, _retransmissionDeadline);
        }
    }
}
