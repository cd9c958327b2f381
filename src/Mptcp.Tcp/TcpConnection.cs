using Mptcp.Wire;

namespace Mptcp.Tcp;

/// <summary>
/// One TCP connection as a sans-IO state machine (RFC 9293). Not thread-safe: its owner calls it from one thread. After
/// any input, drain <see cref="TryTransmit"/>, then read <see cref="NextTimeout"/>. Sequence numbers inside are 64-bit
/// and count from the initial one (docs/decisions/0002).
/// </summary>
public sealed class TcpConnection
{
    private readonly TcpConfiguration _configuration;
    private readonly ITcpUser _user;
    private readonly TcpSender _sender;
    private readonly TcpReceiver _receiver;
    private readonly SegmentWriter _writer;
    private uint _peerInitialSequence;
    private byte _peerWindowShift;
    private bool _windowScaling;
    private uint _recentTimestamp;
    private bool _closing;
    private bool _resetDue;
    private Instant _timeWaitDeadline = Instant.Never;
    private Instant _repeatedAckDeadline = Instant.Never;

    /// <summary>Makes a closed connection; <see cref="Connect"/> or <see cref="Accept"/> starts it.</summary>
    public TcpConnection(TcpConfiguration configuration, ITcpUser user)
    {
        _configuration = configuration;
        _user = user;
        _sender = new TcpSender(user, configuration);
        _receiver = new TcpReceiver(user, configuration.DelayedAck);
        _writer = new SegmentWriter(configuration, user);
    }

    /// <summary>Where it stands.</summary>
    public TcpState State { get; private set; }

    /// <summary>Why it is closed.</summary>
    public TcpCloseReason CloseReason { get; private set; }

    /// <summary>While true no payload leaves (PRE_ESTABLISHED, RFC 8684 §3.2).</summary>
    public bool HoldData { get; set; }

    /// <summary>The addresses and ports.</summary>
    public TcpConfiguration Configuration => _configuration;

    /// <summary>The smoothed round-trip time in nanoseconds; 0 before the first sample.</summary>
    public long SmoothedRtt => _sender.SmoothedRtt;

    /// <summary>The congestion window in bytes.</summary>
    public long CongestionWindow => _sender.CongestionWindow;

    /// <summary>Bytes sent and neither acknowledged nor judged lost.</summary>
    public long BytesInFlight => _sender.BytesInFlight;

    /// <summary>Segments sent again.</summary>
    public long Retransmissions => _sender.Retransmissions;

    /// <summary>Consecutive retransmission timeouts without progress.</summary>
    public int Timeouts => _sender.Timeouts;

    /// <summary>The payload of one segment before options, agreed at the handshake.</summary>
    public int SegmentSize => _sender.SegmentSize;

    /// <summary>The shift of the windows that the peer announces, but for its SYN's.</summary>
    public byte PeerWindowShift => _peerWindowShift;

    /// <summary>When <see cref="HandleTimeout"/> wants to be called.</summary>
    public Instant NextTimeout => State == TcpState.Closed
        ? Instant.Never
        : Instant.Min(
            Instant.Min(_sender.NextTimeout, _receiver.AckDeadline),
            Instant.Min(_timeWaitDeadline, _repeatedAckDeadline));

    /// <summary>Active open: a SYN will leave.</summary>
    public void Connect()
    {
        Enter(TcpState.SynSent);
    }

    /// <summary>Passive open, by the SYN that a listener took.</summary>
    public void Accept(Instant now, in TcpSegment syn)
    {
        TakeSyn(syn);
        _sender.HandleAck(now, 0, 0, syn.Window, maybeDuplicate: false);
        Enter(TcpState.SynReceived);
    }

    /// <summary>Puts another congestion controller in the place of the one in use; it goes on from the same window.</summary>
    /// <param name="make">Makes one for a segment size in bytes, as in <see cref="TcpConfiguration.CongestionControl"/>.</param>
    public void SwitchCongestionControl(Func<int, ICongestionController> make) => _sender.SwitchController(make);

    /// <summary>No more data will come from the user: a FIN follows what it still has.</summary>
    public void Close() => _closing = true;

    /// <summary>Sends a RST and forgets everything.</summary>
    public void Abort()
    {
        _resetDue = State is not (TcpState.Closed or TcpState.SynSent or TcpState.TimeWait);
        Finish(TcpCloseReason.Aborted);
    }

    /// <summary>Sends an ACK soon, whatever has arrived: a window update, or options of the user.</summary>
    public void RequestAck() => _receiver.RequestAck();

    /// <summary>Sends a segment that the peer answers with an ACK and its window, whether or not something is in flight.</summary>
    public void RequestProbe() => _sender.RequestProbe();

    /// <summary>Repeats a pure ACK with the user's options until told to stop (third ACK of MP_JOIN, RFC 8684 §3.2).</summary>
    public void StartAckRetransmission(Instant now) => _repeatedAckDeadline = now + RttEstimator.InitialRto;

    /// <summary>Ends what <see cref="StartAckRetransmission"/> began.</summary>
    public void StopAckRetransmission() => _repeatedAckDeadline = Instant.Never;

    /// <summary>Takes a segment whose addresses and ports are this connection's.</summary>
    public void HandleSegment(Instant now, in TcpSegment segment)
    {
        // A damaged option list counts for what stood before the damage.
        _ = TcpOptions.TryParse(segment.Options, out TcpOptions options);
        switch (State)
        {
            case TcpState.Closed:
                break;
            case TcpState.SynSent:
                HandleInSynSent(now, segment, options);
                break;
            default:
                HandleSynchronized(now, segment, options);
                break;
        }
    }

    /// <summary>Runs what is due at <paramref name="now"/>.</summary>
    public void HandleTimeout(Instant now)
    {
        if (_timeWaitDeadline <= now)
        {
            Finish(TcpCloseReason.None);
            return;
        }

        if (_repeatedAckDeadline <= now)
        {
            _receiver.RequestAck();
            StartAckRetransmission(now);
        }

        _receiver.HandleTimeout(now);
        _sender.HandleTimeout(now);
        int limit = State is TcpState.SynSent or TcpState.SynReceived
            ? _configuration.SynTransmissions
            : _configuration.DataTransmissions;
        if (_sender.Timeouts >= limit)
        {
            Finish(TcpCloseReason.TimedOut);
        }
    }

    /// <summary>
    /// Writes the next IP packet into <paramref name="buffer"/> (at least the MTU). False when nothing may leave now.
    /// </summary>
    public bool TryTransmit(Instant now, Span<byte> buffer, out int length)
    {
        if (_resetDue)
        {
            _resetDue = false;
            length = Write(now, buffer, new SentRange { Start = _sender.Next }, TcpFlags.Rst | TcpFlags.Ack);
            return true;
        }

        length = 0;
        if (State is TcpState.Closed)
        {
            return false;
        }

        return TryTransmitRange(now, buffer, out length)
            || TryTransmitProbe(now, buffer, out length)
            || TryTransmitAck(now, buffer, out length);
    }


    private bool SynAcknowledged => _sender.Una > 0;

    private bool TryTransmitRange(Instant now, Span<byte> buffer, out int length)
    {
        length = 0;
        if (_sender.TryRetransmit(now, out SentRange range))
        {
            length = Write(now, buffer, range, FlagsOf(range));
            return true;
        }

        if (_sender.Next == 0)
        {
            range = new SentRange { Syn = true };
        }
        else if (!SynAcknowledged || State is TcpState.SynSent or TcpState.SynReceived || !TryPrepareNew(now, out range))
        {
            _sender.UpdateProbe(now);
            return false;
        }

        _sender.HandleSent(now, range);
        range.Transmissions = 1;
        length = Write(now, buffer, range, FlagsOf(range));
        if (range.Fin)
        {
            Enter(State == TcpState.CloseWait ? TcpState.LastAck : TcpState.FinWait1);
        }

        return true;
    }

    private bool TryPrepareNew(Instant now, out SentRange range)
    {
        range = new SentRange { Start = _sender.Next };
        if (_sender.FinSent || State is not (TcpState.Established or TcpState.CloseWait))
        {
            return false;
        }

        int allowance = HoldData ? 0 : _sender.NewDataAllowance(now, _sender.SegmentSize - _writer.LargestDataOptions);
        range.Length = allowance > 0 ? _user.Prepare(range.Start, allowance) : 0;
        range.Fin = range.Length == 0 && _closing && !_user.HasData && !HoldData;
        return range.Length > 0 || range.Fin;
    }

    private bool TryTransmitProbe(Instant now, Span<byte> buffer, out int length)
    {
        length = 0;
        if (!_sender.ProbeDue)
        {
            return false;
        }

        // An old sequence number makes the peer answer with its window and takes no sequence space.
        _sender.HandleProbeSent();
        length = Write(now, buffer, new SentRange { Start = _sender.Una - 1 }, TcpFlags.Ack);
        return true;
    }

    private bool TryTransmitAck(Instant now, Span<byte> buffer, out int length)
    {
        length = 0;
        if (!_receiver.AckNow || State == TcpState.SynSent)
        {
            return false;
        }

        length = Write(now, buffer, new SentRange { Start = _sender.Next }, TcpFlags.Ack);
        return true;
    }

    private TcpFlags FlagsOf(in SentRange range)
    {
        TcpFlags flags = State == TcpState.SynSent ? TcpFlags.None : TcpFlags.Ack;
        flags |= range.Syn ? TcpFlags.Syn : TcpFlags.None;
        flags |= range.Fin ? TcpFlags.Fin : TcpFlags.None;
        return range.Length > 0 && !_user.HasData ? flags | TcpFlags.Psh : flags;
    }

    private int Write(Instant now, Span<byte> buffer, in SentRange range, TcpFlags flags)
    {
        bool syn = (flags & TcpFlags.Syn) != 0;
        int shift = _windowScaling && !syn ? _configuration.WindowScale : 0;
        int window = Math.Min(_user.ReceiveWindow >> shift, ushort.MaxValue);
        bool ack = (flags & TcpFlags.Ack) != 0;
        var context = new SegmentContext(
            now, flags, (ushort)window,
            ack ? unchecked(_peerInitialSequence + (uint)_receiver.Next) : 0, _recentTimestamp);
        int length = _writer.Write(buffer, range, context, _receiver, _peerInitialSequence);
        if (ack)
        {
            _receiver.HandleAckSent(window << shift);
        }

        return length;
    }

    private void HandleInSynSent(Instant now, in TcpSegment segment, in TcpOptions options)
    {
        // RFC 9293 §3.10.7.3. Only our SYN is out, so the one acceptable acknowledgement is 1.
        bool acceptable = segment.Ack && segment.AcknowledgmentNumber == unchecked(_configuration.InitialSequenceNumber + 1);
        if (segment.Ack && !acceptable)
        {
            return;
        }

        if (segment.Rst)
        {
            if (acceptable)
            {
                Finish(TcpCloseReason.Refused);
            }

            return;
        }

        if (!segment.Syn)
        {
            return;
        }

        switch (_user.ExamineOptions(segment, 0))
        {
            case SegmentVerdict.Reset:
                TakeSyn(segment);
                _resetDue = true;
                Finish(TcpCloseReason.Aborted);
                return;
            case SegmentVerdict.Drop:
                return;
            default:
                break;
        }

        TakeSyn(segment);
        if (!acceptable)
        {
            // Simultaneous open: our SYN goes again, now with an ACK.
            Enter(TcpState.SynReceived);
            _receiver.RequestAck();
            return;
        }

        _sender.HandleAck(now, 1, 0, segment.Window, maybeDuplicate: false);
        _receiver.RequestAck();
        Enter(TcpState.Established);
    }

    private void HandleSynchronized(Instant now, in TcpSegment segment, in TcpOptions options)
    {
        long offset = SequenceNumbers.Unwrap(segment.SequenceNumber, _peerInitialSequence, _receiver.Next);
        if (IsOldByTimestamp(segment, options) || !_receiver.IsAcceptable(offset, segment.SequenceLength))
        {
            if (!segment.Rst)
            {
                RepeatSynOrAck(segment, offset);
            }

            return;
        }

        if (segment.Rst)
        {
            // RFC 5961 §3.2: only the exact sequence number resets, anything else in the window is challenged.
            if (offset == _receiver.Next)
            {
                _ = _user.ExamineOptions(segment, offset);
                Finish(State == TcpState.TimeWait ? TcpCloseReason.None : TcpCloseReason.ResetByPeer);
            }
            else
            {
                _receiver.RequestAck();
            }

            return;
        }

        if (segment.Syn || !segment.Ack)
        {
            // RFC 5961 §4.2 for a SYN; a segment without ACK has no place here.
            _receiver.RequestAck();
            return;
        }

        HandleAcceptable(now, segment, options, offset);
    }

    private void HandleAcceptable(Instant now, in TcpSegment segment, in TcpOptions options, long offset)
    {
        long ack = SequenceNumbers.Unwrap(segment.AcknowledgmentNumber, _configuration.InitialSequenceNumber, _sender.Una);
        if (ack > _sender.Next || (State == TcpState.SynReceived && ack <= 0))
        {
            _receiver.RequestAck();
            return;
        }

        SegmentVerdict verdict = _user.ExamineOptions(segment, offset);
        if (verdict == SegmentVerdict.Drop)
        {
            return;
        }

        if (verdict == SegmentVerdict.Reset)
        {
            Abort();
            return;
        }

        if (options.HasTimestamps && offset <= _receiver.Next)
        {
            _recentTimestamp = options.TimestampValue;
        }

        HandleAcknowledgment(now, segment, options, ack, offset, verdict == SegmentVerdict.AcceptSignal);
        if (State is TcpState.Closed or TcpState.TimeWait)
        {
            RestartTimeWait(now, segment);
            return;
        }

        if (segment.SequenceLength > 0)
        {
            _receiver.HandleData(now, offset, segment.Payload, segment.Fin, _sender.SegmentSize);
            if (_receiver.FinReceived)
            {
                HandlePeerFin(now);
            }
        }
    }

    private void HandleAcknowledgment(
        Instant now, in TcpSegment segment, in TcpOptions options, long ack, long offset, bool signal)
    {
        for (int i = 0; i < options.SackCount; i++)
        {
            SackBlock block = options.GetSack(i);
            long left = SequenceNumbers.Unwrap(block.Left, _configuration.InitialSequenceNumber, _sender.Una);
            long right = SequenceNumbers.Unwrap(block.Right, _configuration.InitialSequenceNumber, _sender.Una);
            if (left < right && right <= _sender.Next && left >= _sender.Una)
            {
                _sender.HandleSack(left, right);
            }
        }

        long window = (long)segment.Window << (segment.Syn ? 0 : _peerWindowShift);
        bool bare = segment.SequenceLength == 0 && !signal;
        bool moved = _sender.HandleAck(now, ack, offset, window, bare);
        if (State == TcpState.SynReceived)
        {
            Enter(TcpState.Established);
        }

        if (!moved)
        {
            return;
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
        _timeWaitDeadline = now + _configuration.TimeWait;
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

    private void RepeatSynOrAck(in TcpSegment segment, long offset)
    {
        // The peer's SYN again: our SYN/ACK was lost, and its own timer repeats it. Anything else gets an ACK.
        if (State != TcpState.SynReceived || !segment.Syn || offset != 0)
        {
            _receiver.RequestAck();
        }
    }

    private bool IsOldByTimestamp(in TcpSegment segment, in TcpOptions options) =>
        // PAWS (RFC 7323 §5.3). A RST is judged by its sequence number alone.
        _writer.Timestamps && options.HasTimestamps && !segment.Rst
            && SequenceNumbers.IsBefore(options.TimestampValue, _recentTimestamp);

    private void TakeSyn(in TcpSegment syn)
    {
        _ = TcpOptions.TryParse(syn.Options, out TcpOptions options);
        _peerInitialSequence = syn.SequenceNumber;
        _receiver.HandleSyn();
        _sender.SegmentSize = Math.Clamp(
            options.MaximumSegmentSize ?? 536, 88, _configuration.MaximumSegmentSize);
        _sender.HandleSegmentSizeKnown();
        _sender.SackPermitted = options.SackPermitted;
        _windowScaling = options.WindowScale.HasValue;
        _peerWindowShift = options.WindowScale ?? 0;
        _recentTimestamp = options.TimestampValue;
        _writer.HandlePeerSyn(options);
    }

    private void Finish(TcpCloseReason reason)
    {
        if (State == TcpState.Closed && CloseReason != TcpCloseReason.None)
        {
            return;
        }

        CloseReason = reason;
        _sender.Stop();
        (_timeWaitDeadline, _repeatedAckDeadline) = (Instant.Never, Instant.Never);
        Enter(TcpState.Closed);
    }

    private void Enter(TcpState state)
    {
        State = state;
        _user.HandleStateChanged(state, CloseReason);
    }
}
