using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <content>What the subflows and their handshakes see of their connection.</content>
public sealed partial class MptcpConnection
{
    // What subflows may take to exchange their FINs once the data is complete; a path may be dark by then.
    private const long LingerTime = 60 * Instant.Second;

    internal Instant Now { get; private set; }

    internal ulong LocalKey => _keys.Local;

    internal ulong RemoteKey => _keys.Remote;

    internal uint RemoteToken => _keys.RemoteToken;

    internal DataSequenceSpace ReceiveSpace => _keys.Receive;

    internal DssWriter Dss => _dss;

    internal bool ChecksumInUse => _dss.ChecksumInUse;

    internal MpCapableFlags CapableFlags =>
        _settings.CapableFlags | (ChecksumInUse ? MpCapableFlags.ChecksumRequired : MpCapableFlags.None);

    internal int ReceiveWindow => _received.Window;

    /// <summary>Whether both streams, DATA_FIN included, have arrived and are acknowledged.</summary>
    private bool IsComplete => _sender.FinAcknowledged && _received.Finished;

    /// <summary>Whether this is the initiator's first subflow, before the peer has shown that options survive.</summary>
    internal bool IsConfirming(Subflow subflow) =>
        _isInitiator && !_confirmed && !IsPlain && _keys.RemoteKnown && subflow == _initial;

    internal void HandleRemoteKey(ulong key, bool checksumRequired)
    {
        _keys.SetRemote(key);
        _dss.ChecksumInUse |= checksumRequired || _settings.ChecksumRequired;
    }

    internal void HandleDenyInitialAddress() => _pathManager.DenyInitialRemote = true;

    /// <summary>Bytes at the front of our stream that left in the SYN.</summary>
    internal int SentInSyn => _initial.SentInSyn;

    internal void OweAck() => _initial.AckOwed = true;

    internal void HandleInitialWindow(long window) => _sender.HandleDataAck(1 + SentInSyn, window);

    internal void HandleConfirmed()
    {
        _confirmed = true;
        _pathManager.HandleConfirmed(_settings.AnnounceAddresses);
        RunPathCommands();
    }

    /// <summary>The third ACK of a join leaves: from here on the peer may send data there.</summary>
    internal void HandleJoinOffered() => _joinOffers++;

    internal void HandleJoined(Subflow subflow)
    {
        _joined = true;
        _events.Add(ConnectionEventKind.SubflowEstablished, subflow, "joined");
        _subflows.ReinjectSuspects(_sender);
    }

    /// <summary>
    /// Falls back in mid-connection, when the peer, or a box on the path, stopped to speak Multipath TCP on the only
    /// subflow (RFC 8684 §3.7). Possible as long as its sequence numbers are those of the data, both ways.
    /// </summary>
    internal bool TryFallBack(Subflow subflow, long inOrder, string reason)
    {
        bool possible = _confirmed && !IsPlain && !_closed && !_joined && _joinOffers == 0 && subflow == _initial && !subflow.Closing
            && subflow.SendsInOrder && inOrder == _received.InOrder;
        if (possible)
        {
            FallBack(reason);
        }

        return possible;
    }

    /// <summary>From here on this is plain TCP, whose sequence numbers are those of the data (RFC 8684 §3.7).</summary>
    internal void FallBack(string reason)
    {
        IsPlain = true;
        Unregister();
        _subflows.Abort(except: _initial);
        _sender.HandleDataAck(_initial.AcknowledgedTo(_sender.Next), 0);
        _events.Add(ConnectionEventKind.Fallback, _initial, reason);
        if (_sender.Closing)
        {
            _initial.Connection.Close();
        }
    }

    internal bool HasDataFor(Subflow subflow)
    {
        if (IsPlain)
        {
            return _sender.Unscheduled > 0;
        }

        if (!subflow.IsUsable && !subflow.IsEarly)
        {
            return false;
        }

        return !_subflows.IsIdleBackup(subflow)
            && (_sender.HasReinjection(subflow) || (_sender.Unscheduled > 0 && !_subflows.IsSpared(subflow)));
    }

    /// <summary>Gives a subflow data for one segment: what another one failed to deliver first, then new data.</summary>
    internal int TakeData(Subflow subflow, int limit, out long dataOffset)
    {
        if (IsPlain)
        {
            dataOffset = _sender.Next;
            return _sender.TakePlain(limit);
        }

        int length = _sender.TakeReinjection(subflow, limit, out dataOffset);
        return length > 0 || _subflows.IsSpared(subflow) ? length : _sender.TakeNew(limit, out dataOffset);
    }

    /// <summary>Gives data to the SYN of the initial subflow, without a mapping (RFC 8684 Appendix B).</summary>
    internal int TakeForSyn(int limit) => _sender.TakePlain(limit);

    internal void HandleNotTaken(long offset) => _sender.TakeBack(offset);

    internal void HandleSynDataTaken() => _keys.SetSentInSyn(SentInSyn);

    internal void HandleSynData(long offset, ReadOnlySpan<byte> bytes)
    {
        _keys.ReceivedInSyn = bytes.Length;
        _received.Add(offset, bytes);
    }

    internal void CopySent(long dataOffset, Span<byte> destination) => _sender.CopyTo(dataOffset, destination);

    internal void HandleData(long dataOffset, ReadOnlySpan<byte> bytes) => _received.Add(dataOffset, bytes);

    internal void HandleWindowAnnounced() => _received.HandleWindowAnnounced();

    internal void HandlePlainAcknowledged(long offset) => _sender.HandleDataAck(offset, 0);

    internal void HandleSubflowFin(Subflow subflow, long offset)
    {
        if (IsPlain)
        {
            _received.HandleFin(offset);
        }
        else
        {
            // The end of a subflow says nothing of the data (RFC 8684 §3.3.3): this one closes as well, others go on.
            subflow.Close();
        }
    }

    internal void HandleDataFin(Subflow subflow, long dataOffset)
    {
        _received.HandleFin(dataOffset);
        subflow.Connection.RequestAck();
    }

    internal long FromWire(in DssOption dss) => dss.DataSequence64
        ? ReceiveSpace.FromWire64(dss.DataSequenceNumber)
        : ReceiveSpace.FromWire32((uint)dss.DataSequenceNumber, _received.Next);

    /// <summary>Takes a DATA_ACK; true when it brought something new.</summary>
    internal bool HandleDataAck(in DssOption dss, long window)
    {
        long ack = dss.DataAck64
            ? _keys.Send.FromWire64(dss.DataAck)
            : _keys.Send.FromWire32((uint)dss.DataAck, _sender.Una);
        _peerAcknowledged = true;
        long una = _sender.Una;
        return _sender.HandleDataAck(ack, window) && _sender.Una > una;
    }

    internal void WriteResetOptions(Subflow subflow, ref TcpOptionWriter writer)
    {
        if (IsPlain || !_keys.RemoteKnown)
        {
            return;
        }

        if (_fastClosed)
        {
            new MpFastCloseOption(RemoteKey).TryWrite(ref writer);
        }
        else if (subflow.ResetReason is { } reason)
        {
            reason.TryWrite(ref writer);
        }
    }

    internal void HandleReset(Subflow subflow, in SegmentOptions options)
    {
        if (options.FastClose is { } fastClose && !IsPlain && fastClose.ReceiverKey == LocalKey)
        {
            HandleFastClose(subflow);
        }

        subflow.ResetReceived = options.Reset;
        string how = subflow.Connection.State == TcpState.SynSent ? "refused" : "reset by the peer";
        subflow.ClosedBecause = options.Reset is { } reset ? $"{how}, reason {reset.Reason}" : how;
    }

    /// <summary>The peer ends everything; each other subflow is answered with a RST (RFC 8684 §3.5).</summary>
    internal void HandleFastClose(Subflow by)
    {
        Fail(TcpCloseReason.ResetByPeer);
        AbortAll(except: by);
    }

    internal void HandleChecksumFailure(Subflow subflow, long dataOffset) => subflow.Abort(
        MpTcpRstReason.MiddleboxInterference, $"a box on the path changed the data at {dataOffset}: its checksum is wrong");

    internal void HandleSubflowState(Subflow subflow, TcpState state, TcpCloseReason reason)
    {
        if (state == TcpState.Established && subflow == _initial)
        {
            _established = true;
            _events.Add(ConnectionEventKind.SubflowEstablished, subflow, "initial");
        }
        else if (state == TcpState.Closed)
        {
            // A RST counts only at the next sequence number, here the first: the peer had sent nothing on it.
            _joinOffers -= reason == TcpCloseReason.ResetByPeer && subflow.AwaitsFourthAck ? 1 : 0;
            string why = subflow.ClosedBecause.Length > 0 ? subflow.ClosedBecause : reason switch
            {
                TcpCloseReason.None => "closed in order",
                TcpCloseReason.Refused => "refused",
                TcpCloseReason.TimedOut => "no answer",
                TcpCloseReason.Unreachable => "unreachable, says the network",
                TcpCloseReason.ResetByPeer => "reset by the peer",
                _ => "aborted",
            };
            _events.Add(ConnectionEventKind.SubflowClosed, subflow, why);
            HandleTransientReset(subflow);
            HandleEnd(subflow, reason);
        }
    }

    private void HandleEnd(Subflow subflow, TcpCloseReason reason)
    {
        if (!IsPlain)
        {
            subflow.ReinjectAll(_sender);
        }

        if (_subflows.AnyAlive)
        {
            return;
        }

        // Of a stream that is complete both ways, how the last subflow ends is of no interest. Of one that is not, only the
        // user's own abort, which came here before, is an abort.
        Fail(IsPlain ? reason
            : IsComplete ? TcpCloseReason.None
            : reason is TcpCloseReason.None or TcpCloseReason.Aborted ? TcpCloseReason.ResetByPeer : reason);
        Unregister();
    }

    private Subflow Add(TcpConfiguration configuration, int link, SubflowHandshake handshake, byte localId)
    {
        var subflow = new Subflow(this, _subflows.NextNumber, configuration, link, handshake) { LocalId = localId };
        _subflows.Add(subflow);
        return subflow;
    }

    private void Register(TcpConfiguration configuration, bool checksumRequired, ulong? key = null)
    {
        // A key that another connection took meanwhile leaves plain TCP (RFC 8684 §3.1); that needs no token, but the same
        // shape costs less than a second one.
        IsPlain = IsPlain || (key is { } chosen && !_tokens.TryRegister(chosen, this));
        _keys = new ConnectionKeys(IsPlain ? 0 : key ?? _tokens.Register(this));
        _registered = !IsPlain;
        _signals = new AddressSignals(_keys, Counters);
        _pathManager = new PathManager(_endpoints, configuration.Local, configuration.Remote, _isInitiator);
        _dss = new DssWriter(_keys, _sender, _received) { ChecksumInUse = checksumRequired };
    }

    private void Unregister()
    {
        if (_registered)
        {
            _registered = false;
            _tokens.Release(_keys.Local);
        }
    }

    private void AbortAll(Subflow? except)
    {
        _subflows.Abort(except);
        Unregister();
    }

    private void Fail(TcpCloseReason reason)
    {
        if (!_closed)
        {
            (_closed, _closeReason) = (true, reason);
        }
    }

    /// <summary>A retransmission timeout makes a subflow suspect: what it holds goes on the others.</summary>
    private void NoticeSilence(Subflow subflow)
    {
        if (!subflow.Suspect && !IsPlain && subflow.HasJoined && subflow.Connection.Timeouts > 0)
        {
            subflow.Suspect = true;
            _events.Add(ConnectionEventKind.SubflowSuspect, subflow, "no answer within the retransmission timeout");
            _subflows.ReinjectSuspects(_sender);
        }
    }

    /// <summary>
    /// The data-level timer (RFC 8684 §3.3.6): a DATA_FIN goes again, data that no subflow holds any more goes again, and
    /// a window that stays closed is asked for.
    /// </summary>
    private void Revive()
    {
        if (_sender.GivesUp)
        {
            Fail(TcpCloseReason.TimedOut);
            AbortAll(except: null);
            return;
        }

        if (_sender is { FinSent: true, FinAcknowledged: false })
        {
            _subflows.RequestFin();
        }

        _sender.Reinject(_sender.Una, _subflows.LowestOwed(_sender.Una, _sender.Next), source: null);
        if (_sender.Una == _sender.Next)
        {
            _subflows.RequestProbe();
        }
    }

    /// <summary>What follows from any input, whichever it was.</summary>
    private void Settle()
    {
        if (IsPlain || _closed)
        {
            return;
        }

        if (IsComplete)
        {
            _subflows.Close();
            if (!_lingering)
            {
                (_lingering, _lingerDeadline) = (true, Now + LingerTime);
            }
        }

        // Until the handshake is done, what a Fast Open has sent is TCP's to repeat.
        if (_established || _sender.Una == _sender.Next)
        {
            _sender.UpdateDeadline(Now, _subflows.LargestRtt);
        }
    }

    private void RequestSignals()
    {
        if (IsPlain || _closed)
        {
            return;
        }

        if (_sender.FinDue && _established)
        {
            _sender.HandleFinSent();
            _subflows.RequestFin();
        }

        _subflows.RequestSignals(Now, HasSignals);
    }
}
