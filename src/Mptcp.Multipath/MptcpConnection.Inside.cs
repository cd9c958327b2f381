using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <content>What the subflows and their handshakes see of their connection.</content>
public sealed partial class MptcpConnection
{
    // What subflows may take to exchange their FINs once the data is complete; a path may be dark by then.
    private const long LingerTime = 60 * Instant.Second;

    // What the lists of a quiet connection take is part of its initial memory.
    private const long QuietQueues = 16 * 1024;

    // So much behind a hole that its sender may have run out of memory or window.
    private const int LongWait = 32 * 1024;

    internal Instant Now { get; private set; }

    internal ulong LocalKey => _keys.Local;

    internal ulong RemoteKey => _keys.Remote;

    internal uint RemoteToken => _keys.RemoteToken;

    internal DataSequenceSpace ReceiveSpace => _keys.Receive;

    internal DssWriter Dss => _dss;

    internal bool ChecksumInUse => _dss.ChecksumInUse;

    internal bool RefusesChecksums => _settings.ChecksumRefused;

    internal MpCapableFlags CapableFlags =>
        _settings.CapableFlags | (ChecksumInUse ? MpCapableFlags.ChecksumRequired : MpCapableFlags.None);

    internal int ReceiveWindow => _received.Window;

    internal int BottleneckOf(Subflow subflow) => _coupling.BottleneckOf(subflow.Number);

    /// <summary>Whether there was ever more than one subflow.</summary>
    internal bool HasJoined => _joined;

    internal long ReceivedNext => _received.Next;

    /// <summary>The right edge of the window, as a data offset.</summary>
    internal long ReceiveEdge => _received.Next + _received.Window;

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

    internal void HandleDenyInitialAddress() => _paths.DenyInitialRemote = true;

    /// <summary>Bytes at the front of our stream that left in the SYN.</summary>
    internal int SentInSyn => _initial.SentInSyn;

    internal bool AnswersEarly => _settings.AnswerEarly;

    internal void OweAck() => _initial.AckOwed = true;

    internal void HandleInitialWindow(long window) => _sender.HandleDataAck(1 + SentInSyn, window);

    internal void HandleConfirmed()
    {
        _confirmed = true;
        _paths.HandleConfirmed();
        RunPathCommands();
    }

    /// <summary>The third ACK of a join leaves: from here on the peer may send data there.</summary>
    internal void HandleJoinOffered() => _joinOffers++;

    internal void HandleJoined(Subflow subflow)
    {
        (_joined, _fallbackDue) = (true, null);
        subflow.HandleJoined();
        HandleRejoined();
        _events.Add(ConnectionEventKind.SubflowEstablished, subflow, ConnectionEventCode.Joined);
        _subflows.ReinjectSuspects(_sender);
    }

    internal bool HasDataFor(Subflow subflow)
    {
        if (IsPlain)
        {
            return _sender.Unscheduled > 0;
        }

        if (_closed || (!subflow.IsUsable && !subflow.IsEarly))
        {
            return false;
        }

        return !_subflows.IsIdleBackup(subflow) && !_subflows.IsFull(subflow)
            && (_sender.HasReinjection(subflow) || (HasNewFor(subflow) && !_subflows.IsSpared(subflow, Sample)));
    }

    /// <summary>What waits to be sent, for Nagle's algorithm: what has to go again does not wait for company.</summary>
    internal long UnsentOn(Subflow subflow) =>
        !IsPlain && (_sender.HasReinjection(subflow) || HasCopyFor(subflow)) ? long.MaxValue : _sender.Unscheduled;

    /// <summary>Gives a subflow data for one segment: what another one failed to deliver first, then new data.</summary>
    internal int TakeData(Subflow subflow, int limit, out long dataOffset)
    {
        if (IsPlain)
        {
            dataOffset = _sender.Next;
            return _sender.TakePlain(limit);
        }

        int length = _sender.TakeReinjection(subflow, limit, out dataOffset);
        if (length > 0 || _subflows.IsSpared(subflow, Sample))
        {
            return length;
        }

        if (!HasCopyFor(subflow))
        {
            length = _sender.TakeNew(limit, out dataOffset);
        }
        else
        {
            dataOffset = Math.Max(subflow.GivenTo, _sender.Una);
            length = (int)Math.Min(_sender.Next - dataOffset, limit);
        }

        subflow.GivenTo = dataOffset + length;
        return length;
    }

    /// <summary>Gives data to the SYN of the initial subflow, without a mapping (RFC 8684 Appendix B).</summary>
    internal int TakeForSyn(int limit) => _sender.TakePlain(limit);

    /// <summary>Whether another subflow would deliver a segment sooner than this one.</summary>
    internal bool HasFasterThan(Subflow subflow) => !IsPlain && !_scheduler.Duplicates && _subflows.HasFasterThan(subflow);

    internal void Reinject(long start, long end, Subflow source) => _sender.Reinject(start, end, source);

    internal void HandleNotTaken(long offset) => _sender.TakeBack(offset);

    internal void HandleSynDataTaken() => _keys.SetSentInSyn(SentInSyn);

    internal void HandleSynData(long offset, ReadOnlySpan<byte> bytes)
    {
        _keys.ReceivedInSyn = bytes.Length;
        _received.Add(offset, bytes);
    }

    internal void CopySent(long dataOffset, Span<byte> destination) => _sender.CopyTo(dataOffset, destination);

    internal void HandleData(Subflow by, long dataOffset, ReadOnlySpan<byte> bytes)
    {
        if (_received.Refusal(dataOffset + bytes.Length) is not ConnectionEventCode.None and ConnectionEventCode refusal)
        {
            _events.Count(refusal);
        }

        long before = _received.InOrder;
        if (!_received.Add(dataOffset, bytes))
        {
            NoteRefused(DropReason.OutsideDataWindow);
        }

        if (_received.InOrder - before >= bytes.Length + LongWait)
        {
            // The peer may have stopped for want of this, and the subflow that brought it may be a slow one.
            _subflows.AcknowledgeOnFaster(by);
        }

        _subflows.RemindSilent(Now, by);
    }

    /// <summary>Something of the segment that is being handled was refused.</summary>
    internal void NoteRefused(DropReason reason) => _refused = reason;

    /// <summary>Whether the host has memory for a queue to grow by this much.</summary>
    internal bool HasMemory(long bytes) => _queues.HasRoom(bytes);

    internal void HandleWindowAnnounced() => _received.HandleWindowAnnounced();

    internal void HandleSubflowFin(Subflow subflow, long offset)
    {
        if (IsPlain)
        {
            _received.HandleFin(offset + _plain.ReceiveShift);
        }
        else
        {
            // The end of a subflow says nothing of the data (RFC 8684 §3.3.3): this one closes as well, others go on.
            subflow.Close();
        }
    }

    internal void HandleDataFin(Subflow subflow, long dataOffset)
    {
        if (!_received.HandleFin(dataOffset))
        {
            _events.Add(ConnectionEventKind.SignalIgnored, subflow, ConnectionEventCode.DataFinContradicts);
        }

        subflow.Connection.RequestAck();
    }

    internal long FromWire(in DssOption dss) => dss.DataSequence64
        ? ReceiveSpace.FromWire64(dss.DataSequenceNumber)
        : ReceiveSpace.FromWire32((uint)dss.DataSequenceNumber, _received.Next);

    /// <summary>Takes a DATA_ACK; true when it brought something new.</summary>
    internal bool HandleDataAck(Subflow subflow, in DssOption dss, long window)
    {
        long ack = dss.DataAck64
            ? _keys.Send.FromWire64(dss.DataAck)
            : _keys.Send.FromWire32((uint)dss.DataAck, _sender.Una);
        _peerAcknowledged = true;
        long una = _sender.Una;
        bool plausible = _sender.HandleDataAck(ack, window);
        if (!plausible)
        {
            NoteRefused(DropReason.BadDataAck);
            _events.Add(ConnectionEventKind.SignalIgnored, subflow, ConnectionEventCode.AckOfUnsent);
        }

        return plausible && _sender.Una > una;
    }

    internal void WriteResetOptions(Subflow subflow, ref TcpOptionWriter writer)
    {
        if (IsPlain || !_keys.RemoteKnown)
        {
            return;
        }

        if (_fastClose.OnResets)
        {
            WriteFastClose(ref writer);
        }
        else
        {
            if (subflow.FailedAt is { } failed)
            {
                new MpFailOption(ReceiveSpace.ToWire64(failed)).TryWrite(ref writer);
            }

            subflow.ResetReason?.TryWrite(ref writer);
        }
    }

    internal void HandleSubflowState(Subflow subflow, TcpState state, TcpCloseReason reason)
    {
        if (state == TcpState.Established && subflow == _initial)
        {
            _established = true;
            subflow.HandleJoined();
            _events.Add(ConnectionEventKind.SubflowEstablished, subflow, ConnectionEventCode.Initial);
        }
        else if (state == TcpState.Closed)
        {
            // A RST counts only at the next sequence number, here the first: the peer had sent nothing on it.
            if (reason == TcpCloseReason.ResetByPeer && subflow.AwaitsFourthAck)
            {
                HandleOfferRefused();
            }

            _events.Add(ConnectionEventKind.SubflowClosed, subflow, subflow.CodeOfEnd(reason), subflow.EndDetail);
            subflow.Seat?.Leave();
            HandlePathEnd(subflow, reason);
            HandleEnd(subflow, reason);
        }
    }

    private Subflow Add(TcpConfiguration configuration, int link, SubflowHandshake handshake, byte localId, int lane = 0)
    {
        CouplingSeat? seat = _coupling.Seat(_subflows.NextNumber, configuration.CongestionControl);
        configuration = seat is null ? configuration : configuration with { CongestionControl = seat.Take };
        var subflow = new Subflow(this, _subflows.NextNumber, configuration, link, handshake)
        {
            LocalId = localId,
            Lane = lane,
            Seat = seat,
        };
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
        _paths = new PathManagement(
            _endpoints, _settings, configuration.Local, configuration.Remote, _isInitiator,
            thrown => NoteFailed(ConnectionEventCode.PathManagerFailed, thrown));
        _plain = new PlainStream(_keys);
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
        _subflows.Abort(except, _fastClose.Begun ? ConnectionEventCode.Aborted : ConnectionEventCode.FastClosed);
        Unregister();
    }

    private void Fail(TcpCloseReason reason)
    {
        if (!_closed)
        {
            (_closed, _closeReason) = (true, reason);
        }
    }

    /// <summary>
    /// Silence for longer than its round trip explains, or a retransmission timeout, makes a subflow suspect: what it holds
    /// goes on the others, and it is probed.
    /// </summary>
    private void NoticeSilence(Subflow subflow)
    {
        subflow.Silence.HandleTimeout(Now);
        if (!subflow.Suspect && !IsPlain && subflow.HasJoined
            && (subflow.Connection.Timeouts > 0 || _subflows.SilenceDeadline(subflow) <= Now))
        {
            subflow.Silence.Begin(Now);
            subflow.NoteSilence(silent: true);
            _events.Add(ConnectionEventKind.SubflowSuspect, subflow, ConnectionEventCode.Silent);
            _subflows.ReinjectSuspects(_sender);
        }

        // Its probes ask a state on the way that may be gone for good; a SYN makes it anew.
        if (subflow.Silence.IsGivenUp(Now) && _subflows.AnyTrusted && subflow.LowestOwed(_sender.Una) == long.MaxValue)
        {
            subflow.Abort(MpTcpRstReason.UnacceptablePerformance, ConnectionEventCode.StayedSilent, transient: true);
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

        // Where a fallback is due the subflow's sequence has to stay that of the data.
        if (_fallbackDue is null)
        {
            _sender.Reinject(_sender.Una, _subflows.LowestOwed(_sender.Una, _sender.Next), source: null);
        }

        if (_sender.Una == _sender.Next)
        {
            _subflows.RequestProbe();
        }
    }

    private ConnectionSample Sample => new(_sender.Unscheduled, _sender.Edge - _sender.Una)
    {
        Reinjected = _sender.Reinjected,
        Now = Now,
    };

    private bool HasNewFor(Subflow subflow) => _sender.Unscheduled > 0 || HasCopyFor(subflow);

    /// <summary>Whether the scheduler wants every byte on every subflow, and others were given some that this one was not.</summary>
    private bool HasCopyFor(Subflow subflow) =>
        _scheduler.Duplicates && Math.Max(subflow.GivenTo, _sender.Una) < _sender.Next;

    private void NoteFailed(ConnectionEventCode code, Exception thrown) => _events.Add(new ConnectionEvent(
        ConnectionEventKind.PlugInFailed, -1, default, default, code, $"{thrown.GetType().Name}: {thrown.Message}"));

    /// <summary>What follows from any input, whichever it was.</summary>
    private void Settle()
    {
        _queues.Set(Math.Max(0, _subflows.Memory + _sender.Memory + _received.Memory - QuietQueues));
        if (IsPlain || _closed)
        {
            return;
        }

        _headWatch.Look(Sample);
        if (IsComplete)
        {
            _subflows.Close();
            if (!_lingering)
            {
                (_lingering, _lingerDeadline) = (true, Now + LingerTime);
            }
        }
        else if (_unread && _sender.FinAcknowledged && _lingerDeadline == Instant.Never)
        {
            _lingerDeadline = Now + LingerTime;
        }

        // Until the handshake is done, what a Fast Open has sent is TCP's to repeat.
        if (!_break.Waiting && (_established || _sender.Una == _sender.Next))
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
