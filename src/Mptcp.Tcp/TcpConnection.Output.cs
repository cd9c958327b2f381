using Mptcp.Wire;

namespace Mptcp.Tcp;

/// <content>What leaves.</content>
public sealed partial class TcpConnection
{
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

        if (_refused is { } refused)
        {
            _refused = null;
            length = Write(now, buffer, new SentRange { Start = refused }, TcpFlags.Rst);
            return true;
        }

        length = 0;
        if (State == TcpState.SynSent && _closing && !_user.HasData && _synData == 0)
        {
            // Nothing to deliver: the attempt is over (RFC 9293 §3.10.4).
            Finish(TcpCloseReason.Aborted);
        }

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
        SentRange range = default;
        if (!HoldsRepeats && _sender.TryRetransmit(now, out range))
        {
            length = WriteAgain(now, buffer, range);
            return true;
        }

        if (_sender.Next == 0)
        {
            range = MakeSyn();
        }
        else if (!MaySendData || !TryPrepareNew(now, out range))
        {
            bool repeats = !HoldsRepeats && _sender.TryProbeTail(now, out range);
            length = repeats ? WriteAgain(now, buffer, range) : 0;
            _sender.UpdateProbe(now);
            return repeats;
        }

        if (_sender.Una == _sender.Next)
        {
            ArmUserTimeout(now);
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

    private int WriteAgain(Instant now, Span<byte> buffer, SentRange range)
    {
        // A box may have dropped the SYN for its data (RFC 7413 §4.2.2).
        range.Length = range.Syn ? 0 : range.Length;
        return Write(now, buffer, range, FlagsOf(range));
    }

    private bool TryPrepareNew(Instant now, out SentRange range)
    {
        range = new SentRange { Start = _sender.Next };
        if (_sender.FinSent || !(MayAnswerEarly || State is TcpState.Established or TcpState.CloseWait))
        {
            return false;
        }

        int full = _sender.SegmentSize - _writer.LargestDataOptions - _writer.SackRoom(_receiver);
        int allowance = HoldData ? 0 : _sender.NewDataAllowance(now, full);
        range.Length = allowance > 0 && !WaitsForMore(full) ? _user.Prepare(range.Start, allowance) : 0;
        range.Fin = range.Length == 0 && _closing && !_user.HasData && !HoldData && !MayAnswerEarly;
        return range.Length > 0 || range.Fin;
    }

    /// <summary>Nagle (RFC 9293 §3.7.4): a small segment waits while something is unacknowledged; corked, it always does.</summary>
    private bool WaitsForMore(int full) =>
        (Corked || (!NoDelay && Math.Max(_sender.Una, 1) < _sender.Next)) && !_closing && _user.Unsent < full;

    private bool TryTransmitProbe(Instant now, Span<byte> buffer, out int length)
    {
        length = 0;
        if (!_sender.ProbeDue || !SynAcknowledged)
        {
            return false;
        }

        // A FIN on its way asks as well; an answer to both would meet nobody when the first has ended the connection.
        if (_sender is { FinSent: true, FinAcknowledged: false })
        {
            _sender.HandleProbeSent();
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
        flags |= range.Syn
            ? TcpFlags.Syn | _ecn.SynFlags(isAnswer: State == TcpState.SynReceived, range.Transmissions)
            : TcpFlags.None;
        flags |= range.Fin ? TcpFlags.Fin : TcpFlags.None;
        return range is { Length: > 0, Syn: false } && !_user.HasData ? flags | TcpFlags.Psh : flags;
    }

    private int Write(Instant now, Span<byte> buffer, in SentRange range, TcpFlags flags)
    {
        bool syn = (flags & TcpFlags.Syn) != 0;
        int shift = _windowScaling && !syn ? _configuration.WindowScale : 0;
        int window = Math.Min(_user.ReceiveWindow >> shift, ushort.MaxValue);
        bool ack = (flags & TcpFlags.Ack) != 0;
        byte trafficClass = TrafficClass;
        if (_ecn.Agreed)
        {
            AddEcn(range, ref flags, ref trafficClass);
        }

        var context = new SegmentContext(
            now, flags, (ushort)window,
            ack ? unchecked(_peerInitialSequence + (uint)_receiver.Next) : 0, _recentTimestamp, trafficClass,
            FastOpenOption(range));
        int length = _writer.Write(buffer, range, context, _receiver, _peerInitialSequence, _sender.SegmentSize);
        _counts.HandleSent(now, range.Length);
        if (ack)
        {
            _receiver.HandleAckSent(window << shift);
        }

        return length;
    }

    private void AddEcn(in SentRange range, ref TcpFlags flags, ref byte trafficClass)
    {
        if ((flags & (TcpFlags.Syn | TcpFlags.Rst)) != 0)
        {
            return;
        }

        flags |= _ecn.AckFlags;

        // Only new data is marked: neither ACKs nor repeats nor probes (RFC 3168 §6.1.4 to §6.1.6).
        if (range.Length > 0 && range.Transmissions == 1)
        {
            trafficClass |= _sender.RespondsToEcn ? EcnState.Capable : (byte)0;
            flags |= _sender.WindowReducedDue ? TcpFlags.Cwr : TcpFlags.None;
            _sender.WindowReducedDue = false;
        }
    }

    private void ArmUserTimeout(Instant now) => _userDeadline = UserTimeout > 0 ? now + UserTimeout : Instant.Never;
}
