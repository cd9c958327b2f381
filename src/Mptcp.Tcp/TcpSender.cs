namespace Mptcp.Tcp;

/// <summary>
/// The SND half of the transmission control block: windows, the scoreboard, loss recovery and the retransmission timer.
/// It decides what may leave; <see cref="TcpConnection"/> turns that into a segment.
/// </summary>
internal sealed partial class TcpSender(ITcpDataSource source, TcpConfiguration configuration)
{
    private readonly SendScoreboard _scoreboard = new();
    private Pacer _pacer;
    private RttEstimator _rtt = new(configuration.MinimumRto);
    private DeliverySampler _delivery;
    private RoundMaximum _rates;
    private ICongestionController _congestion = configuration.CongestionControl(configuration.MaximumSegmentSize);
    private Instant _lastSent;
    private long _peakRound;
    private long _peakInFlight;
    private long _previousPeak;
    private long _windowUpdateSequence = -1;
    private long _windowUpdateAck = -1;
    private int _duplicateAcks;
    private int _timeouts;
    private long _reducedAt;
    private long _largestWindow;
    private Instant _retransmissionDeadline = Instant.Never;
    private Instant _probeDeadline = Instant.Never;
    private int _probes;
    private int _unansweredProbes;

    public long Una { get; private set; }

    public long Next { get; private set; }

    public long Window { get; private set; }

    public int SegmentSize { get; set; } = 536;

    public bool SackPermitted { get; set; }

    public bool ProbeDue { get; private set; }

    public bool FinSent { get; private set; }

    public bool FinAcknowledged => FinSent && Una == Next;

    public bool InSlowStart => _congestion.Window < _congestion.SlowStartThreshold;

    public long SmoothedRtt => _rtt.Smoothed;

    public (long RoundTrip, Instant At) LatestRoundTrip => _rtt.Latest;

    public long RttVariation => _rtt.Variation;

    public long MinimumRtt => _rtt.Minimum;

    public long DeliveryRate => _rates.Value;

    public long LatestDeliveryRate { get; private set; }

    /// <summary>When something was last found to have arrived, or left with nothing else on its way.</summary>
    public Instant LastProgress { get; private set; }

    public long RetransmissionTimeout => _rtt.Rto;

    public long CongestionWindow => _congestion.Window;

    public bool RespondsToEcn => _congestion.RespondsToEcn;

    public long BytesInFlight => _scoreboard.BytesInFlight;

    public long Retransmissions { get; private set; }

    /// <summary>What the scoreboard has grown by, in bytes.</summary>
    public long QueueMemory => _scoreboard.Memory;

    /// <summary>The greatest window that the peer ever offered, in bytes.</summary>
    public long LargestWindow => _largestWindow;

    /// <summary>The payload of the oldest range that is not acknowledged, in bytes.</summary>
    public int HeadLength => _scoreboard.Count > 0 ? _scoreboard[0].Length : 0;

    /// <summary>A range that is repeated is cut to this, once the path's MTU has shrunk.</summary>
    public int RepeatLimit { get; set; } = int.MaxValue;

    /// <summary>Whether the SYN, or SYN/ACK, has to be sent again.</summary>
    public bool SynIsLost => _scoreboard.Count > 0 && _scoreboard[0] is { Syn: true, Lost: true };

    /// <summary>Whether the window was reduced for an ECN-Echo and the peer has not been told (RFC 3168 §6.1.2).</summary>
    public bool WindowReducedDue { get; set; }

    /// <summary>Consecutive retransmission timeouts without progress.</summary>
    public int Timeouts => _timeouts;

    /// <summary>Retransmission timeouts since the connection began.</summary>
    public long AllTimeouts { get; private set; }

    /// <summary>Probes of a closed window since the peer was last heard of.</summary>
    public int UnansweredProbes => _unansweredProbes;

    public Instant NextTimeout => Instant.Min(
        Instant.Min(_pacer.NextTimeout, RecoveryDeadline),
        Instant.Min(_retransmissionDeadline, _probeDeadline));

    /// <summary>The handshake has told the segment size: what is known of the path begins here.</summary>
    public void HandleSegmentSizeKnown()
    {
        _congestion = configuration.CongestionControl(SegmentSize);
        if (Retransmissions > 0)
        {
            // A path that lost the SYN may be full: the first flight is one segment (RFC 5681 §3.1).
            _congestion.TakeOver(SegmentSize, _congestion.SlowStartThreshold);
        }
    }

    /// <summary>Puts another controller in the place of the one in use; it goes on from the same window.</summary>
    public void SwitchController(Func<int, ICongestionController> make)
    {
        ICongestionController next = make(SegmentSize);
        next.TakeOver(_congestion.Window, _congestion.SlowStartThreshold);
        _congestion = next;
    }

    /// <summary>
    /// An ACK, perhaps an old one, after its SACK blocks. <paramref name="window"/> is scaled. True when SND.UNA moved.
    /// </summary>
    public bool HandleAck(Instant now, long ack, long sequence, long window, bool maybeDuplicate)
    {
        bool updatesWindow = ack >= Una
            && (_windowUpdateSequence < sequence || (_windowUpdateSequence == sequence && _windowUpdateAck <= ack));
        bool duplicate = maybeDuplicate && ack == Una && window == Window && _scoreboard.Count > 0;
        if (updatesWindow)
        {
            Window = window;
            _largestWindow = Math.Max(_largestWindow, window);
            (_windowUpdateSequence, _windowUpdateAck) = (sequence, ack);
        }

        bool moved = ack > Una;
        _unansweredProbes = 0;
        _scoreboard.BeginAck(now, _echo, _rtt.Minimum);
        if (moved)
        {
            if (Una == 0 && Retransmissions > 0)
            {
                _rtt.HandleLostSyn();
            }

            _scoreboard.Acknowledge(ack);
            Una = ack;
            _timeouts = 0;
            _rtt.ResetBackOff();
            ArmRetransmission(now);
        }
        else if (Window == 0)
        {
            // A peer that answers with a closed window is alive, however long it stays closed (RFC 9293 §3.8.6.1).
            _timeouts = 0;
        }

        HandleArrivals(now, moved, duplicate && !SackPermitted);
        UpdateProbe(now);
        return moved;
    }

    /// <summary>An ECN-Echo: as for a loss the window is reduced, at most once in a round trip (RFC 3168 §6.1.2).</summary>
    public void HandleEcnEcho()
    {
        // Whatever the losses were, the path is congested: what they took is not given back (RFC 4015 §3.3).
        _spurious.Disarm();
        if (!InRecovery && Una >= _reducedAt && _scoreboard.Count > 0)
        {
            _reducedAt = Next;
            _congestion.HandleLoss(Next - Una);
            WindowReducedDue = true;
        }
    }

    /// <summary>Everything in flight is to be sent again: the peer cannot have it, or its size was wrong.</summary>
    public void RepeatAll() => _scoreboard.MarkAllLost();

    /// <summary>What the SYN carried and the peer did not take counts as never sent.</summary>
    public void TakeBack(Instant now)
    {
        _scoreboard.Clear();
        Next = Una;
        _recoveryPoint = -1;
        _spurious.Disarm();
        ArmRetransmission(now);
    }

    /// <summary>The path carries segments again: what timed out is not to wait for a timer that has backed off.</summary>
    public void HandlePathBack(Instant now)
    {
        if (_timeouts > 0 && _scoreboard.Count > 0)
        {
            _rtt.ResetBackOff();
            _scoreboard.MarkAllLost();
            ArmRetransmission(now);
        }
    }

    public void HandleTimeout(Instant now)
    {
        _pacer.HandleTimeout(now);
        HandleRecoveryTimeout(now);
        if (_probeDeadline <= now)
        {
            ProbeDue = true;
            _probes++;
            _unansweredProbes++;
            _probeDeadline = now + ProbeInterval;
        }

        if (_retransmissionDeadline > now)
        {
            return;
        }

        if (_timeouts == 0)
        {
            _congestion.HandleTimeout(InFlight);
        }

        _timeouts++;
        AllTimeouts++;
        _rtt.BackOff();
        BeginTimeoutRecovery();
        _retransmissionDeadline = now + _rtt.Rto;
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
        RestartAfterIdle(now);
        long congestionRoom = EffectiveWindow - InFlight;
        long peerRoom = Una + Window - Next;
        if (congestionRoom >= segmentPayload && (!source.HasData || peerRoom < segmentPayload))
        {
            _delivery.HandleApplicationLimited(_scoreboard.BytesInFlight);
        }

        // A loss probe may exceed the window by one segment (RFC 8985 §7.3).
        long room = Math.Min(peerRoom, _tailProbe.Due ? Math.Max(congestionRoom, segmentPayload) : congestionRoom);
        bool worthwhile = room >= segmentPayload || _scoreboard.BytesInFlight == 0 || room >= _largestWindow / 2;
        bool may = room > 0 && worthwhile && source.HasData && (_tailProbe.Due || _pacer.MaySend(now));
        return may ? (int)Math.Min(room, segmentPayload) : 0;
    }

    public void HandleSent(Instant now, SentRange range)
    {
        range.Mark = _delivery.Mark(now, idle: _scoreboard.BytesInFlight == 0);
        LastProgress = _scoreboard.BytesInFlight == 0 ? now : LastProgress;
        _scoreboard.Add(range, now);
        CountSent(range.Length, again: false);
        Pace(now, range.Length);
        Next = range.End;
        FinSent |= range.Fin;
        ArmIfIdle(now);
        HandleNewDataSent(now);
        _probeDeadline = Instant.Never;
    }

    public void UpdateProbe(Instant now)
    {
        // The persist timer (RFC 9293 §3.8.6.1): only for a closed window, with nothing in flight that would be answered.
        bool needed = Window == 0 && _scoreboard.Count == 0 && !FinSent && source.HasData;
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

    public void Stop()
    {
        (_retransmissionDeadline, _probeDeadline, _reorderingDeadline) = (Instant.Never, Instant.Never, Instant.Never);
        (ProbeDue, _pacer) = (false, default);
        _tailProbe.Reset();
    }

    private long ProbeInterval => Math.Min(_rtt.Rto << Math.Min(_probes, 16), RttEstimator.MaximumRto);

    private void TakeSample(Instant now, in AckOutcome outcome)
    {
        if (outcome.Delivered == 0)
        {
            return;
        }

        long silence = now - LastProgress;
        LastProgress = now;

        // Karn: a range that was sent twice says nothing about the round trip (RFC 6298 §3).
        long roundTrip = outcome.Latest.Transmissions == 1 ? Math.Max(1, now - outcome.Latest.SentAt) : 0;
        if (roundTrip > 0)
        {
            _rtt.AddSample(now, roundTrip);
            _tailProbe.HandleSample();
        }

        _delivery.HandleDelivered(now, outcome.Delivered, outcome.Latest, _rtt.Minimum);
        if (outcome.Latest.Length > 0)
        {
            // A handshake says nothing of the rate.
            _rates.Add(_delivery.Rate, _delivery.Round);

            // Nor does a round trip that a path was dark for most of: how it is since then is not known yet.
            long time = Math.Max(1, now - outcome.Latest.SentAt);
            LatestDeliveryRate = 2 * silence < time
                ? Ratio.Of(_delivery.Delivered - outcome.Latest.Mark.Delivered, Instant.Second, time)
                : LatestDeliveryRate;
        }

        _congestion.HandleAck(new CongestionSample
        {
            Now = now,
            Acked = outcome.Delivered,
            Lost = outcome.Lost,
            InFlightBefore = outcome.InFlightBefore,
            InFlight = InFlight,
            RoundTrip = roundTrip,
            SmoothedRoundTrip = _rtt.Smoothed,
            MinimumRoundTrip = _rtt.Minimum,
            ApplicationLimited = !WindowWasUsed(),
            InRecovery = InFastRecovery,
            InTimeoutRecovery = InRecovery && _recoveryByTimeout,
            DeliveryRate = _delivery.Rate,
            RateIsApplicationLimited = _delivery.RateIsApplicationLimited,
            Delivered = _delivery.Delivered,
            Round = _delivery.Round,
        });
    }

    /// <summary>Whether the window was filled within the last round trip; in slow start half of it is enough.</summary>
    private bool WindowWasUsed()
    {
        long peak = Math.Max(_peakInFlight, _previousPeak);
        if (_peakRound != _delivery.Round)
        {
            (_peakRound, _previousPeak, _peakInFlight) = (_delivery.Round, _peakInFlight, _scoreboard.BytesInFlight);
        }

        long window = _congestion.Window;
        return window < _congestion.SlowStartThreshold ? 2 * peak > window : peak + 2 * SegmentSize > window;
    }

    private void RestartAfterIdle(Instant now)
    {
        if (_scoreboard.Count == 0 && _lastSent != default && now - _lastSent > _rtt.Rto && source.HasData)
        {
            _congestion.HandleIdleRestart(now);
            _lastSent = now;
        }
    }

    private void Pace(Instant now, int bytes)
    {
        _reduction.HandleSent(bytes);
        _lastSent = now;
        _peakInFlight = Math.Max(_peakInFlight, _scoreboard.BytesInFlight);
        _pacer.HandleSent(now, bytes, _congestion.PacingRate(_rtt.Smoothed), SegmentSize);
    }

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
