using Mptcp.Wire;

namespace Mptcp.Tcp;

/// <content>What arrives, in the order of RFC 9293 §3.10.7.</content>
public sealed partial class TcpConnection
{
    // An implausible MSS would make every byte a segment.
    private const int LeastSegmentSize = 88;

    // Half the wrap of a clock of one millisecond (RFC 7323 §5.5).
    private const long TimestampLifetime = 24L * 86400 * Instant.Second;

    // RFC 9293 §3.7.1, for a peer that does not say.
    private int DefaultSegmentSize => _configuration.Local.Address.IsV4 ? 536 : 1220;

    /// <summary>Takes a segment whose addresses and ports are this connection's.</summary>
    /// <returns>Why it was refused, as a whole or for its data; none when it was not.</returns>
    public DropReason HandleSegment(Instant now, in TcpSegment segment)
    {
        _drop = DropReason.None;
        _counts.HandleReceived(now, segment.Payload.Length, segment.Ack);

        // A damaged option list counts for what stood before the damage.
        _ = TcpOptions.TryParse(segment.Options, out TcpOptions options);
        switch (State)
        {
            case TcpState.Closed:
                _drop = DropReason.NoConnection;
                break;
            case TcpState.SynSent:
                HandleInSynSent(now, segment);
                break;
            default:
                HandleSynchronized(now, segment, options);
                break;
        }

        return _drop;
    }

    /// <summary>
    /// Whether a SYN for the addresses and ports of this connection, which waits in TIME-WAIT, is new enough to begin
    /// another one (RFC 6191 §2). If so this one is closed, and the SYN is its owner's to accept.
    /// </summary>
    public bool TryReuse(in TcpSegment syn)
    {
        if (State != TcpState.TimeWait || !syn.Syn || syn.Ack || syn.Rst)
        {
            return false;
        }

        _ = TcpOptions.TryParse(syn.Options, out TcpOptions options);
        bool beyond = SequenceNumbers.Unwrap(syn.SequenceNumber, _peerInitialSequence, _receiver.Next) >= _receiver.Next;
        int newer = _writer.Timestamps ? SequenceNumbers.Difference(options.TimestampValue, _recentTimestamp) : 1;
        bool accepted = options.HasTimestamps ? newer > 0 || (newer == 0 && beyond) : beyond;
        if (accepted)
        {
            Finish(TcpCloseReason.None);
        }

        return accepted;
    }

    private void HandleInSynSent(Instant now, in TcpSegment segment)
    {
        // RFC 9293 §3.10.7.3. Only our SYN is out, and what Fast Open put into it.
        long ack = SequenceNumbers.Unwrap(segment.AcknowledgmentNumber, _configuration.InitialSequenceNumber, 1);
        bool acceptable = segment.Ack && ack >= 1 && ack <= 1 + _synData;
        if (segment.Ack && !acceptable)
        {
            _drop = DropReason.BadAcknowledgment;
            Refuse(segment);
            return;
        }

        if (segment.Rst)
        {
            if (acceptable)
            {
                _ = _user.ExamineOptions(segment, 0);
                Finish(TcpCloseReason.Refused);
                return;
            }

            _drop = DropReason.BadReset;
            return;
        }

        if (!segment.Syn)
        {
            _drop = DropReason.Unexpected;
            return;
        }

        switch (_user.ExamineOptions(segment, 0))
        {
            case SegmentVerdict.Reset:
                _drop = DropReason.ProtocolViolation;
                TakeSyn(now, segment);
                _resetDue = true;
                Finish(TcpCloseReason.Aborted);
                return;
            case SegmentVerdict.Drop:
                _drop = DropReason.TooEarly;
                return;
            default:
                break;
        }

        TakeSyn(now, segment);
        if (!acceptable)
        {
            // Simultaneous open: our SYN goes again, now with an ACK.
            Enter(TcpState.SynReceived);
            _sender.HandleAck(now, 0, 0, segment.Window, maybeDuplicate: false);
            _sender.RepeatAll();
            return;
        }

        _userDeadline = Instant.Never;
        _sender.HandleAck(now, ack, 0, segment.Window, maybeDuplicate: false);
        SettleSynData(now);
        _user.HandleAcknowledged(ack);
        _receiver.RequestAck();
        Enter(TcpState.Established);
    }

    private void HandleSynchronized(Instant now, in TcpSegment segment, in TcpOptions options)
    {
        long offset = SequenceNumbers.Unwrap(segment.SequenceNumber, _peerInitialSequence, _receiver.Next);
        if (segment.Rst)
        {
            HandleReset(now, segment, offset);
        }
        else if (IsCrossedSynAck(segment, offset))
        {
            HandleAcceptable(now, segment, options, offset);
        }
        else if (IsOldByTimestamp(now, segment, options) || !_receiver.IsAcceptable(offset, segment.SequenceLength))
        {
            HandleUnacceptable(now, segment, offset);
        }
        else if (segment.Syn)
        {
            HandleSynInWindow(now, segment, offset);
        }
        else if (segment.Ack)
        {
            HandleAcceptable(now, segment, options, offset);
        }
        else
        {
            _drop = DropReason.Unexpected;
        }
    }

    /// <summary>RFC 5961 §3.2: only the exact sequence number resets, anything else in the window is challenged.</summary>
    private void HandleReset(Instant now, in TcpSegment segment, long offset)
    {
        if (!_receiver.IsInWindow(offset))
        {
            _drop = DropReason.BadReset;
            return;
        }

        if (offset != _receiver.Next)
        {
            _drop = DropReason.BadReset;
            Challenge(now);
            return;
        }

        _ = _user.ExamineOptions(segment, offset);
        Finish(State switch
        {
            TcpState.TimeWait => TcpCloseReason.None,
            TcpState.SynReceived when _activeOpen => TcpCloseReason.Refused,
            _ => TcpCloseReason.ResetByPeer,
        });
    }

    private void HandleUnacceptable(Instant now, in TcpSegment segment, long offset)
    {
        bool inWindow = _receiver.IsAcceptable(offset, segment.SequenceLength);
        _drop = inWindow ? DropReason.OldTimestamp : DropReason.OutsideWindow;

        // The peer's SYN again: our SYN/ACK was lost, and its own timer repeats it.
        if (State == TcpState.SynReceived && segment.Syn && offset == 0)
        {
            return;
        }

        if (State == TcpState.TimeWait)
        {
            if (segment.Syn)
            {
                // Not new enough for another connection: dropped in silence (RFC 6191 §2).
                return;
            }

            RestartTimeWait(now, segment);
        }

        if (segment.SequenceLength == 0)
        {
            // Two ends that answer each other's empty segments must not do so for ever.
            Challenge(now);
            return;
        }

        _receiver.HandleDuplicate(offset, Math.Min(offset + segment.Payload.Length, _receiver.Next));
        _receiver.RequestAck();
    }

    /// <summary>RFC 9293 §3.10.7.4, fourth: an old or forged SYN. A passive opener goes back to LISTEN, others ask.</summary>
    private void HandleSynInWindow(Instant now, in TcpSegment segment, long offset)
    {
        _drop = DropReason.UnexpectedSyn;

        // The peer's SYN again, with data that was not taken (RFC 7413 §2.1).
        if (State == TcpState.SynReceived && offset == 0 && !segment.Ack)
        {
            return;
        }

        if (State == TcpState.SynReceived && !_activeOpen)
        {
            Finish(TcpCloseReason.ResetByPeer);
        }
        else if (State != TcpState.TimeWait)
        {
            Challenge(now);
        }
    }

    private void HandleAcceptable(Instant now, in TcpSegment segment, in TcpOptions options, long offset)
    {
        long ack = SequenceNumbers.Unwrap(segment.AcknowledgmentNumber, _configuration.InitialSequenceNumber, _sender.Una);
        if (State == TcpState.SynReceived && (ack <= 0 || ack > _sender.Next))
        {
            _drop = DropReason.BadAcknowledgment;
            Refuse(segment);
            return;
        }

        if (ack > _sender.Next || ack < _sender.Una - _sender.LargestWindow)
        {
            // RFC 5961 §5.2: an acknowledgement that no peer in its right mind sends.
            _drop = DropReason.BadAcknowledgment;
            Challenge(now);
            return;
        }

        SegmentVerdict verdict = _user.ExamineOptions(segment, offset);
        if (verdict == SegmentVerdict.Drop)
        {
            _drop = DropReason.TooEarly;
            return;
        }

        if (verdict == SegmentVerdict.Reset)
        {
            _drop = DropReason.ProtocolViolation;
            Abort();
            return;
        }

        TakeTimestamp(now, options, offset);
        _keepAlive.HandleHeard(now);
        HandleMarks(segment, offset);
        HandleAcknowledgment(now, segment, options, ack, offset, verdict == SegmentVerdict.AcceptSignal);
        if (State is TcpState.Closed or TcpState.TimeWait)
        {
            RestartTimeWait(now, segment);
            return;
        }

        if (_notReceiving && segment.Payload.Length > 0 && offset + segment.Payload.Length > _receiver.Next)
        {
            _drop = DropReason.AfterEnd;
            Abort();
        }
        else if (segment.Payload.Length > 0 || segment.Fin)
        {
            _drop = _receiver.HandleData(now, offset, segment.Payload, segment.Fin);
            if (_receiver.FinReceived)
            {
                HandlePeerFin(now);
            }
        }
    }

    /// <summary>Congestion marks and the urgent pointer.</summary>
    private void HandleMarks(in TcpSegment segment, long offset)
    {
        if (_ecn.HandleSegment(segment))
        {
            _sender.HandleEcnEcho();
        }

        if ((segment.Flags & TcpFlags.Urg) != 0)
        {
            UrgentEdge = Math.Max(UrgentEdge, offset + segment.UrgentPointer);
        }
    }

    private void HandleAcknowledgment(
        Instant now, in TcpSegment segment, in TcpOptions options, long ack, long offset, bool signal)
    {
        TakeSackBlocks(now, options, ack);
        long window = (long)segment.Window << (segment.Syn ? 0 : _peerWindowShift);
        bool bare = segment.SequenceLength == 0 && !signal;
        (long before, int head, int timeouts) = (_sender.Una, _sender.HeadLength, _sender.Timeouts);
        bool moved = _sender.HandleAck(now, ack, offset, window, bare);
        if (State == TcpState.SynReceived)
        {
            if (_activeOpen)
            {
                SettleSynData(now);
            }

            Enter(TcpState.Established);
        }

        if (!moved)
        {
            return;
        }

        if (_pathMtu.HandleAcknowledged((int)Math.Min(head, _sender.Una - before), timeouts, out int size))
        {
            EnlargeSegmentSize(size);
        }

        if (_sender.Una < _sender.Next)
        {
            ArmUserTimeout(now);
        }
        else
        {
            _userDeadline = Instant.Never;
        }

        _user.HandleAcknowledged(Math.Max(1, _sender.FinAcknowledged ? _sender.Una - 1 : _sender.Una));
        if (_sender.FinAcknowledged)
        {
            HandleFinAcknowledged(now);
        }
    }

    private void HandleFinAcknowledged(Instant now)
    {
        switch (State)
        {
            case TcpState.FinWait1:
                Enter(TcpState.FinWait2);
                LimitFinWait(now);
                break;
            case TcpState.Closing:
                EnterTimeWait(now);
                break;
            case TcpState.LastAck:
                Finish(TcpCloseReason.None);
                break;
            default:
                break;
        }
    }

    private void LimitFinWait(Instant now)
    {
        if (State == TcpState.FinWait2 && _notReceiving)
        {
            _timeWaitDeadline = now + _configuration.TimeWait;
        }
    }

    private void HandlePeerFin(Instant now)
    {
        switch (State)
        {
            case TcpState.Established:
                Enter(TcpState.CloseWait);
                break;
            case TcpState.FinWait1:
                Enter(TcpState.Closing);
                break;
            case TcpState.FinWait2:
                EnterTimeWait(now);
                break;
            default:
                break;
        }
    }

    private void EnterTimeWait(Instant now)
    {
        _sender.Stop();
        _keepAlive.Stop();
        (_timeWaitDeadline, _userDeadline) = (now + _configuration.TimeWait, Instant.Never);
        Enter(TcpState.TimeWait);
    }

    private void RestartTimeWait(Instant now, in TcpSegment segment)
    {
        if (State == TcpState.TimeWait && segment.Fin)
        {
            _timeWaitDeadline = now + _configuration.TimeWait;
            _receiver.RequestAck();
        }
    }

    /// <summary>The SYN/ACK of a peer that opened at the same time: its SYN is old, its ACK is what we wait for.</summary>
    private bool IsCrossedSynAck(in TcpSegment segment, long offset) => State == TcpState.SynReceived && _activeOpen
        && segment.Syn && segment.Ack && offset == 0 && segment.SequenceLength == 1;

    /// <summary>PAWS (RFC 7323 §5): a segment older than what came, unless that is too long ago to tell.</summary>
    private bool IsOldByTimestamp(Instant now, in TcpSegment segment, in TcpOptions options) =>
        _writer.Timestamps && options.HasTimestamps
            && SequenceNumbers.IsBefore(options.TimestampValue, _recentTimestamp)
            && now - _recentTimestampAt <= TimestampLifetime;

    /// <summary>RFC 7323 §4.3: the timestamp to echo is that of the segment that the next ACK is due to.</summary>
    private void TakeTimestamp(Instant now, in TcpOptions options, long offset)
    {
        if (options.HasTimestamps && offset <= _receiver.Acknowledged)
        {
            (_recentTimestamp, _recentTimestampAt) = (options.TimestampValue, now);
        }
    }

    private void Challenge(Instant now)
    {
        if (_challenges.TryTake(now))
        {
            _receiver.RequestAck();
        }
    }

    /// <summary>Answers an acknowledgement of something that was never sent with a RST that its sender takes.</summary>
    private void Refuse(in TcpSegment segment)
    {
        if (!segment.Rst)
        {
            _refused = unchecked(segment.AcknowledgmentNumber - _configuration.InitialSequenceNumber);
        }
    }

    private void TakeSyn(Instant now, in TcpSegment syn)
    {
        _ = TcpOptions.TryParse(syn.Options, out TcpOptions options);
        _peerInitialSequence = syn.SequenceNumber;
        _receiver.HandleSyn();
        _sender.SegmentSize = Math.Clamp(
            options.MaximumSegmentSize ?? DefaultSegmentSize, LeastSegmentSize, _configuration.MaximumSegmentSize);
        _sender.HandleSegmentSizeKnown();
        _sender.SackPermitted = _configuration.SelectiveAcks && options.SackPermitted;
        _windowScaling = options.WindowScale.HasValue;
        _peerWindowShift = options.WindowScale ?? 0;
        (_recentTimestamp, _recentTimestampAt) = (options.TimestampValue, now);
        _givenCookie = options.FastOpen is { IsEmpty: false } cookie ? cookie : null;
        _ecn.HandlePeerSyn(syn.Flags);
        _keepAlive.Turn(now, _keepAlive.Wanted);
        _writer.HandlePeerSyn(options);
    }
}
