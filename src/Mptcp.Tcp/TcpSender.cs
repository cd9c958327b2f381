namespace Mptcp.Tcp;

/// <summary>
/// The SND half of the transmission control block: windows, the scoreboard, loss recovery and the retransmission timer.
/// It decides what may leave; <see cref="TcpConnection"/> turns that into a segment.
/// </summary>
internal sealed class TcpSender(ITcpDataSource source, TcpConfiguration configuration)
{
    private readonly SendScoreboard _scoreboard = new();
    private Pacer _pacer;
    private RttEstimator _rtt = new(configuration.MinimumRto);
    private ICongestionController _congestion = Reno(configuration.MaximumSegmentSize);
    private long _recoveryPoint = -1;
    private bool _recoveryByTimeout;
    private long _windowUpdateSequence = -1;
    private long _windowUpdateAck = -1;
    private int _duplicateAcks;
    private int _timeouts;
    private long _reducedAt;
    private long _largestWindow;
    private Instant _retransmissionDeadline = Instant.Never;
    private Instant _probeDeadline = Instant.Never;
    private int _probes;

    public long Una { get; private set; }

    public long Next { get; private set; }

    public long Window { get; private set; }

    public int SegmentSize { get; set; } = 536;

    public bool SackPermitted { get; set; }

    public bool ProbeDue { get; private set; }

    public bool FinSent { get; private set; }

    public bool FinAcknowledged => FinSent && Una == Next;

    public long SmoothedRtt => _rtt.Smoothed;

    public long CongestionWindow => _congestion.Window;

    public long BytesInFlight => _scoreboard.BytesInFlight;

    public long Retransmissions { get; private set; }

    public bool InRecovery => _recoveryPoint >= 0;

    /// <summary>The greatest window that the peer ever offered, in bytes.</summary>
    public long LargestWindow => _largestWindow;

    /// <summary>The payload of the oldest range that is not acknowledged, in bytes.</summary>
    public int HeadLength => _scoreboard.Count > 0 ? _scoreboard[0].Length : 0;

    /// <summary>A range that is repeated is cut to this, once the path's MTU has shrunk.</summary>
    public int RepeatLimit { get; set; } = int.MaxValue;

    /// <summary>Whether the window was reduced for an ECN-Echo and the peer has not been told (RFC 3168 §6.1.2).</summary>
    public bool WindowReducedDue { get; set; }

    /// <summary>Consecutive retransmission timeouts without progress.</summary>
    public int Timeouts => _timeouts;

    public Instant NextTimeout => Instant.Min(_pacer.NextTimeout, Instant.Min(_retransmissionDeadline, _probeDeadline));

    public void HandleSegmentSizeKnown() => _congestion = Reno(SegmentSize);

    /// <summary>An acceptable ACK. <paramref name="window"/> is scaled. True when SND.UNA moved.</summary>
    public bool HandleAck(Instant now, long ack, long sequence, long window, bool maybeDuplicate)
    {
        bool updatesWindow = _windowUpdateSequence < sequence
            || (_windowUpdateSequence == sequence && _windowUpdateAck <= ack);
        bool duplicate = maybeDuplicate && ack == Una && window == Window && _scoreboard.Count > 0;
        if (updatesWindow)
        {
            Window = window;
            _largestWindow = Math.Max(_largestWindow, window);
            (_windowUpdateSequence, _windowUpdateAck) = (sequence, ack);
        }

        bool limited = _scoreboard.BytesInFlight + SegmentSize > _congestion.Window / 2;
        bool moved = ack > Una;
        if (moved)
        {
            AckOutcome outcome = _scoreboard.Acknowledge(ack);
            Una = ack;
            TakeSample(now, outcome);
            (_timeouts, _duplicateAcks) = (0, 0);
            _rtt.ResetBackOff();
            HandleProgress(outcome.Delivered, limited);
            ArmRetransmission(now);
        }
        else if (duplicate && !SackPermitted && ++_duplicateAcks == 3)
        {
            _scoreboard.MarkHeadLost();
            EnterRecovery();
        }
        else if (Window == 0)
        {
            // A peer that answers with a closed window is alive, however long it stays closed (RFC 9293 §3.8.6.1).
            _timeouts = 0;
        }

        UpdateProbe(now);
        return moved;
    }

    /// <summary>An ECN-Echo: as for a loss the window is reduced, at most once in a round trip (RFC 3168 §6.1.2).</summary>
    public void HandleEcnEcho()
    {
        if (!InRecovery && Una >= _reducedAt && _scoreboard.Count > 0)
        {
            _reducedAt = Next;
            _congestion.HandleLoss(Next - Una);
            WindowReducedDue = true;
        }
    }

    /// <summary>Everything in flight is to be sent again: the peer cannot have it, or its size was wrong.</summary>
    public void RepeatAll() => _scoreboard.MarkAllLost();

    /// <summary>A SACK block. To be followed by <see cref="DetectLosses"/>.</summary>
    public void HandleSack(Instant now, long left, long right) =>
        TakeSample(now, _scoreboard.MarkSacked(left, right));

    public void DetectLosses()
    {
        if (_scoreboard.DetectLosses())
        {
            EnterRecovery();
        }
    }

    public void HandleTimeout(Instant now)
    {
        _pacer.HandleTimeout(now);
        if (_probeDeadline <= now)
        {
            ProbeDue = true;
            _probes++;
            _probeDeadline = now + ProbeInterval;
        }

        if (_retransmissionDeadline > now)
        {
            return;
        }

        if (_timeouts == 0)
        {
            _congestion.HandleTimeout(_scoreboard.BytesInFlight);
        }

        _timeouts++;
        _rtt.BackOff();
        _scoreboard.MarkAllLost();
        (_recoveryPoint, _recoveryByTimeout) = (Next, true);
        _retransmissionDeadline = now + _rtt.Rto;
    }

    /// <summary>What may leave now: a lost range first. False when nothing may.</summary>
    public bool TryRetransmit(Instant now, out SentRange range)
    {
        range = default;
        int index = _scoreboard.FirstLost();
        if (index < 0
            || (_scoreboard.BytesInFlight > 0 && _scoreboard.BytesInFlight + SegmentSize > _congestion.Window)
            || !_pacer.MaySend(now))
        {
            return false;
        }

        if (_scoreboard[index].Length > RepeatLimit)
        {
            _scoreboard.Split(index, RepeatLimit);
        }

        _scoreboard.MarkRetransmitted(index, now);
        range = _scoreboard[index];
        Pace(now, range.Length);
        Retransmissions++;
        ArmIfIdle(now);
        return true;
    }

    /// <summary>How many bytes of new data the windows and the pace let out now in one segment.</summary>
    public int NewDataAllowance(Instant now, int segmentPayload)
    {
        if (_scoreboard.FirstLost() >= 0)
        {
            return 0;
        }

        // Sender's silly-window avoidance (RFC 9293 §3.8.6.2.1): a small segment only if nothing is in flight to bring a
        // better window, or if it is half of what the peer ever offered.
        long room = Math.Min(Una + Window - Next, _congestion.Window - _scoreboard.BytesInFlight);
        bool worthwhile = room >= segmentPayload || _scoreboard.BytesInFlight == 0 || room >= _largestWindow / 2;
        return room > 0 && worthwhile && source.HasData && _pacer.MaySend(now) ? (int)Math.Min(room, segmentPayload) : 0;
    }

    public void HandleSent(Instant now, SentRange range)
    {
        _scoreboard.Add(range, now);
        Pace(now, range.Length);
        Next = range.End;
        FinSent |= range.Fin;
        ArmIfIdle(now);
        _probeDeadline = Instant.Never;
    }

    public void UpdateProbe(Instant now)
    {
        // The persist timer (RFC 9293 §3.8.6.1): only for a closed window, with nothing in flight that would be answered.
        bool needed = source.HasData && Window == 0 && _scoreboard.Count == 0 && !FinSent;
        if (!needed)
        {
            (_probeDeadline, _probes) = (Instant.Never, 0);
        }
        else if (_probeDeadline == Instant.Never)
        {
            _probeDeadline = now + ProbeInterval;
        }
    }

    public void RequestProbe() => ProbeDue = true;

    public void HandleProbeSent() => ProbeDue = false;

    public void Stop() => (_retransmissionDeadline, _probeDeadline, ProbeDue, _pacer) = (Instant.Never, Instant.Never, false, default);

    private static ICongestionController Reno(int segmentSize)
    {
        ICongestionController controller = new NewReno(segmentSize);
        return controller;
    }

    private long ProbeInterval => Math.Min(_rtt.Rto << Math.Min(_probes, 16), RttEstimator.MaximumRto);

    private void HandleProgress(long delivered, bool limited)
    {
        if (InRecovery && Una >= _recoveryPoint)
        {
            _recoveryPoint = -1;
        }

        // After a timeout the window grows by slow start; in fast recovery it stays (RFC 5681 §3.2).
        if (!InRecovery || _recoveryByTimeout)
        {
            _congestion.HandleAcknowledged(delivered, limited);
        }
        else if (!SackPermitted)
        {
            _scoreboard.MarkHeadLost();
        }
    }

    private void EnterRecovery()
    {
        if (InRecovery)
        {
            return;
        }

        (_recoveryPoint, _recoveryByTimeout) = (Next, false);
        _congestion.HandleLoss(Next - Una);
    }

    private void TakeSample(Instant now, AckOutcome outcome)
    {
        if (outcome.SampleSentAt is { } sentAt)
        {
            _rtt.AddSample(now - sentAt);
        }
    }

    private void Pace(Instant now, int bytes) =>
        _pacer.HandleSent(now, bytes, _congestion.Window, _rtt.Smoothed, SegmentSize, slowStart: _congestion.InSlowStart);

    private void ArmIfIdle(Instant now)
    {
        if (_retransmissionDeadline == Instant.Never)
        {
            _retransmissionDeadline = now + _rtt.Rto;
        }
    }

    private void ArmRetransmission(Instant now) =>
        _retransmissionDeadline = _scoreboard.Count == 0 ? Instant.Never : now + _rtt.Rto;
}
