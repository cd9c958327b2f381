using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <content>The ways back to plain TCP, and what a wrong checksum leads to (RFC 8684 §3.7).</content>
public sealed partial class MptcpConnection
{
    private readonly FailSignal _fail = new();
    private PlainStream _plain = null!;

    // The initial subflow, or the one that a fallback left.
    private Subflow _single = null!;

    internal PlainStream Plain => _plain;

    /// <summary>Whether data of the peer is held back until it has answered our MP_FAIL.</summary>
    internal bool AwaitsFallback => _fail.Waiting;

    /// <summary>
    /// Falls back in mid-connection, when the peer, or a box on the path, stopped to speak Multipath TCP on the only
    /// subflow (RFC 8684 §3.7). Possible as long as its sequence numbers are those of the data, both ways.
    /// </summary>
    internal bool TryFallBack(Subflow subflow, long inOrder, ConnectionEventCode code)
    {
        if (_fail.Waiting)
        {
            // The peer has answered our MP_FAIL by falling back, and the answer itself was lost.
            return TryFallBack(subflow, ConnectionEventCode.ChecksumFailed, _fail.Shift);
        }

        if (_joined || subflow != _initial || inOrder != _received.InOrder)
        {
            return false;
        }

        if (_joinOffers > 0)
        {
            // A join that is offered may have been taken, so that the peer's data is on two subflows already. It is not if
            // the peer resets the other one.
            _fallbackDue ??= code;
            return false;
        }

        return TryFallBack(subflow, code, receiveShift: 0, unshifted: true);
    }

    /// <summary>Whether only a join that the peer may have taken keeps the initial subflow from falling back.</summary>
    internal bool FallsBackSoon => _fallbackDue is not null && !_joined && _joinOffers > 0;

    private void HandleOfferRefused()
    {
        _joinOffers--;
        if (_joinOffers == 0 && !_joined && _fallbackDue is { } code)
        {
            TryFallBack(_initial, code, receiveShift: 0, unshifted: true);
        }
    }

    /// <summary>Takes an infinite mapping; false when it does not continue what came before it.</summary>
    internal bool TryTakeInfinite(Subflow subflow, long dataOffset, long subflowOffset)
    {
        long shift = dataOffset - subflowOffset;
        if (_fail.Waiting)
        {
            return shift == _fail.Shift && TryFallBack(subflow, ConnectionEventCode.ChecksumFailed, shift);
        }

        // On a new subflow it may reach back before what has arrived meanwhile.
        bool continues = subflow.IsUnmapped
            ? dataOffset <= _received.InOrder
            : subflow.Awaits(_received.InOrder, out long expected) && expected == shift;
        return continues && TryFallBack(subflow, ConnectionEventCode.InfiniteMapping, shift, unshifted: !subflow.IsUnmapped);
    }

    /// <summary>
    /// A mapping failed its checksum. On the only subflow, with all that is in flight in one piece, the peer is asked to
    /// fall back, and true says that what follows is to be kept unseen; otherwise the subflow is reset.
    /// </summary>
    internal bool HandleChecksumFailure(Subflow subflow, long dataOffset, long subflowOffset)
    {
        long shift = dataOffset - subflowOffset;
        bool possible = IsOnly(subflow, pending: true) && subflow.Awaits(_received.InOrder, out long expected) && expected == shift
            && subflow.CanContinue(_sender.Una, _sender.Next, out _);
        if (possible)
        {
            _events.Add(ConnectionEventKind.ChecksumFailed, subflow, ConnectionEventCode.ChecksumFailed, $"from byte {dataOffset} on");
            NoteRefused(DropReason.BadDataChecksum);
            _fail.Begin(Now, dataOffset, shift, subflow.Connection.SmoothedRtt);
            subflow.Connection.RequestAck();
            return true;
        }

        NoteRefused(DropReason.BadDataChecksum);
        subflow.FailedAt = dataOffset;
        subflow.Abort(MpTcpRstReason.MiddleboxInterference, ConnectionEventCode.ChecksumFailed, $"from byte {dataOffset} on");
        return false;
    }

    /// <summary>The peer found a wrong checksum in what it got on this subflow.</summary>
    internal SegmentVerdict HandleFail(Subflow subflow, in MpFailOption option)
    {
        if (_fail.Waiting)
        {
            if (!TryFallBack(subflow, ConnectionEventCode.ChecksumFailed, _fail.Shift))
            {
                return RefuseFallback(subflow);
            }

            _plain.AwaitPeer();
            subflow.Connection.RequestAck();
            return SegmentVerdict.AcceptSignal;
        }

        long failed = _keys.Send.FromWire64(option.DataSequenceNumber);
        if (failed < 1 || failed > _sender.Next)
        {
            _events.Add(ConnectionEventKind.SignalIgnored, subflow, ConnectionEventCode.AckOfUnsent);
            return SegmentVerdict.AcceptSignal;
        }

        if (!subflow.Awaits(_received.InOrder, out long shift) || !TryFallBack(subflow, ConnectionEventCode.PeerChecksumFailed, shift))
        {
            return RefuseFallback(subflow);
        }

        AnswerFail(subflow);
        return SegmentVerdict.AcceptSignal;
    }

    /// <summary>MP_FAIL that comes again after the fallback: the answer to it was lost.</summary>
    internal void HandleRepeatedFail(Subflow subflow)
    {
        if (_confirmed && subflow == _single)
        {
            AnswerFail(subflow);
        }
    }

    /// <summary>
    /// The options of a segment after the fallback: none, but for those that tell the peer of it. True when another ACK has
    /// to follow.
    /// </summary>
    internal bool WritePlainOptions(Subflow subflow, in SegmentDescription segment, ref TcpOptionWriter writer)
    {
        if (subflow != _single || !_confirmed || (segment.Flags & TcpFlags.Syn) != 0)
        {
            return false;
        }

        bool written = !segment.HasData && _fail.TryWrite(_keys.Receive, ref writer);
        if (!written && !_plain.TryWrite(segment, ref writer) && !segment.HasData && _plain.AcknowledgesData)
        {
            _dss.Ack(wide: true).TryWrite(ref writer);
        }

        return !segment.HasData && (_fail.Due || _plain.BareMappingDue);
    }

    /// <summary>MP_FAIL on a pure ACK: once for each time it is due, else where nothing else wants the place.</summary>
    internal bool TryWriteFail(bool due, ref TcpOptionWriter writer) =>
        _fail.Due == due && _fail.TryWrite(_keys.Receive, ref writer);

    /// <summary>From here on this is plain TCP whose numbers are those of the data: the handshake was not one of ours.</summary>
    internal void FallBack(ConnectionEventCode code) => FallBack(_initial, code, sendShift: 0, receiveShift: 0);

    /// <summary>Whether a mapping agrees with the sequence numbers that count since the fallback.</summary>
    internal bool IsWherePlainHasIt(long dataOffset, long subflowOffset) =>
        !_keys.RemoteKnown || dataOffset == subflowOffset + _plain.ReceiveShift;

    internal void HandlePlainData(long offset, ReadOnlySpan<byte> bytes) => _received.Add(offset + _plain.ReceiveShift, bytes);

    internal void CopyPlain(long offset, Span<byte> destination) => _sender.CopyTo(offset + _plain.SendShift, destination);

    internal void HandlePlainAcknowledged(long offset) => _sender.HandleDataAck(offset + _plain.SendShift, 0);

    /// <param name="subflow">The subflow.</param>
    /// <param name="pending">Whether one counts whose third ACK has left, so that the peer may use it.</param>
    private bool IsOnly(Subflow subflow, bool pending)
    {
        for (int i = 0; i < _subflows.Count; i++)
        {
            Subflow other = _subflows.Alive[i];
            if (other != subflow && other.IsAlive && (other.HasJoined || (pending && other.AwaitsFourthAck)))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// Falls back if all that is in flight is in one piece; a peer that nobody told of it, as by MP_FAIL, takes the numbers
    /// of the subflow for those of the data, so that they have to be the same.
    /// </summary>
    private bool TryFallBack(Subflow subflow, ConnectionEventCode code, long receiveShift, bool unshifted = false)
    {
        long una = _sender.Una;
        if (!_confirmed || IsPlain || _closed || subflow.Closing || !IsOnly(subflow, pending: false)
            || !subflow.CanContinue(una, _sender.Next, out long sendShift) || (unshifted && sendShift != 0))
        {
            return false;
        }

        FallBack(subflow, code, sendShift, receiveShift);
        if (code != ConnectionEventCode.InfiniteMapping)
        {
            _plain.TellPeer(una, subflow.SentInSyn, ChecksumInUse);
        }

        return true;
    }

    /// <summary>From here on this is plain TCP (RFC 8684 §3.7).</summary>
    private void FallBack(Subflow subflow, ConnectionEventCode code, long sendShift, long receiveShift)
    {
        IsPlain = true;
        _single = subflow;
        _plain.SetShifts(sendShift, receiveShift);
        _fail.Settle();
        Unregister();
        _subflows.Abort(except: subflow, ConnectionEventCode.FallbackElsewhere);
        HandlePlainAcknowledged(subflow.AcknowledgedTo(_sender.Next - sendShift));
        _received.ForgetFin();
        subflow.DeliverHeld();
        _events.Add(ConnectionEventKind.Fallback, subflow, code);
        if (_sender.Closing)
        {
            subflow.Connection.Close();
        }
    }

    private void AnswerFail(Subflow subflow)
    {
        _fail.Answer(_received.InOrder);
        _plain.Repeat();
        subflow.Connection.RequestAck();
    }

    private SegmentVerdict RefuseFallback(Subflow subflow)
    {
        subflow.FailedAt = _received.InOrder;
        return subflow.Refuse(MpTcpRstReason.MiddleboxInterference, ConnectionEventCode.FallbackImpossible);
    }

    private void HandleFailTimeout()
    {
        if (!_fail.HandleTimeout(Now) || !_fail.Waiting)
        {
            return;
        }

        for (int i = 0; i < _subflows.Count; i++)
        {
            Subflow subflow = _subflows.Alive[i];
            if (_fail.Exhausted && subflow.IsAlive)
            {
                subflow.FailedAt = _fail.DataOffset;
                subflow.Abort(MpTcpRstReason.MiddleboxInterference, ConnectionEventCode.ChecksumFailed, "and the peer did not answer");
            }
            else if (subflow.IsUsable)
            {
                subflow.Connection.RequestAck();
            }
        }

        if (_fail.Exhausted)
        {
            _fail.Settle();
        }
    }
}
