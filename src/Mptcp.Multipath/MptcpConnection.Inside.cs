using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <content>What the subflows and their handshakes see of their connection.</content>
public sealed partial class MptcpConnection
{
    private const int EventLimit = 256;
    private readonly byte[] _scratch = new byte[ushort.MaxValue];

    internal Instant Now { get; private set; }

    internal ulong LocalKey => _keys.Local;

    internal ulong RemoteKey => _keys.Remote;

    internal uint RemoteToken => _keys.RemoteToken;

    internal DataSequenceSpace SendSpace => _keys.Send;

    internal DataSequenceSpace ReceiveSpace => _keys.Receive;

    /// <summary>Whether mappings carry checksums: either end's wish is enough (RFC 8684 §3.1).</summary>
    internal bool ChecksumInUse { get; private set; }

    internal MpCapableFlags CapableFlags =>
        MpCapableFlags.HmacSha256 | (ChecksumInUse || _settings.ChecksumRequired ? MpCapableFlags.ChecksumRequired : 0);

    internal int ReceiveWindow => _received.Window;

    private bool CanJoin => _confirmed && !IsPlain && !_closed && !_fastClosed && _alive.Count < _settings.MaxSubflows;

    /// <summary>Whether this is the initiator's first subflow, before the peer has shown that options survive.</summary>
    internal bool IsConfirming(Subflow subflow) =>
        _isInitiator && !_confirmed && !IsPlain && _keys.RemoteKnown && subflow == _initial;

    internal void HandleRemoteKey(ulong key, bool checksumRequired)
    {
        _keys.SetRemote(key);
        ChecksumInUse |= checksumRequired || _settings.ChecksumRequired;
    }

    internal void HandleInitialWindow(long window) => _sender.HandleDataAck(1, window);

    internal void HandleConfirmed()
    {
        _confirmed = true;
        if (!_isInitiator && _settings.AnnounceAddresses)
        {
            foreach ((byte id, IpAddress address) in _pathManager.Further())
            {
                _signals.Announce(Now, id, address);
            }
        }
    }

    internal void HandleJoined(Subflow subflow)
    {
        Tell(ConnectionEventKind.SubflowEstablished, subflow, "joined");
        ReinjectSuspects();
    }

    /// <summary>From here on this is plain TCP, whose sequence numbers are those of the data (RFC 8684 §3.7).</summary>
    internal void FallBack(string reason)
    {
        IsPlain = true;
        Unregister();
        Tell(ConnectionEventKind.Fallback, _initial, reason);
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

        if (!subflow.IsUsable)
        {
            return false;
        }

        return _sender.HasReinjection(subflow) || (_sender.Unscheduled > 0 && !IsSpared(subflow));
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
        return length > 0 || IsSpared(subflow) ? length : _sender.TakeNew(limit, out dataOffset);
    }

    internal ushort ChecksumOf(long dataOffset, long subflowOffset, int length)
    {
        if (!ChecksumInUse)
        {
            return 0;
        }

        Span<byte> bytes = _scratch.AsSpan(0, length);
        _sender.CopyTo(dataOffset, bytes);
        return DssChecksum.Compute(
            SendSpace.ToWire64(dataOffset), unchecked((uint)subflowOffset), (ushort)length, InternetChecksum.Accumulate(bytes));
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
            ? SendSpace.FromWire64(dss.DataAck)
            : SendSpace.FromWire32((uint)dss.DataAck, _sender.Una);
        long una = _sender.Una;
        return _sender.HandleDataAck(ack, window) && _sender.Una > una;
    }

    internal DssOption DataAck(bool wide) => new()
    {
        HasDataAck = true,
        DataAck64 = wide,
        DataAck = wide ? ReceiveSpace.ToWire64(_received.Next) : ReceiveSpace.ToWire32(_received.Next),
    };

    /// <summary>The DATA_FIN on a segment without payload: one octet long, no subflow sequence (RFC 8684 §3.3.3).</summary>
    internal DssOption BareFin(bool wideAck)
    {
        ulong number = SendSpace.ToWire64(_sender.FinOffset);
        return DataAck(wideAck) with
        {
            HasMapping = true,
            DataSequence64 = true,
            DataSequenceNumber = number,
            DataLength = 1,
            DataFin = true,
            HasChecksum = ChecksumInUse,
            Checksum = ChecksumInUse ? DssChecksum.Compute(number, 0, 1, 0) : (ushort)0,
        };
    }

    /// <summary>The initiator's first data: keys and mapping in one option (RFC 8684 §3.1).</summary>
    internal MpCapableOption CapableData(in SendMapping mapping) => new()
    {
        Version = MpCapableOption.Version1,
        Flags = CapableFlags,
        SenderKey = LocalKey,
        ReceiverKey = RemoteKey,
        DataLength = (ushort)mapping.Length,
        Checksum = ChecksumInUse ? mapping.Checksum : null,
    };

    internal bool TryWriteSignal(ref TcpOptionWriter writer) => _confirmed && _signals.TryWrite(ref writer);

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

    internal void HandleAddressSignals(Subflow subflow, in SegmentOptions options)
    {
        if (options.AddAddress is { } added && _signals.Handle(added))
        {
            var remote = new IpEndpoint(added.Address, added.Port ?? _pathManager.InitialRemote.Port);
            _pathManager.HandleAnnounced(added.AddressId, remote);
            Tell(new ConnectionEvent(ConnectionEventKind.AddressAnnounced, subflow.Number, subflow.Local, remote, "announced by the peer"));
        }

        if (options.RemoveAddress is { } removed)
        {
            for (int i = 0; i < removed.Count; i++)
            {
                HandleRemovedAddress(removed.Get(i));
            }
        }
    }

    internal void HandleReset(Subflow subflow, in SegmentOptions options)
    {
        if (options.FastClose is { } fastClose && !IsPlain && fastClose.ReceiverKey == LocalKey)
        {
            HandleFastClose(subflow);
        }

        subflow.ClosedBecause = options.Reset is { } reset ? $"reset by the peer, reason {reset.Reason}" : "reset by the peer";
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
            Tell(ConnectionEventKind.SubflowEstablished, subflow, "initial");
        }
        else if (state == TcpState.Closed)
        {
            string why = subflow.ClosedBecause.Length > 0 ? subflow.ClosedBecause : reason switch
            {
                TcpCloseReason.None => "closed in order",
                TcpCloseReason.Refused => "refused",
                TcpCloseReason.TimedOut => "no answer",
                TcpCloseReason.ResetByPeer => "reset by the peer",
                _ => "aborted",
            };
            Tell(ConnectionEventKind.SubflowClosed, subflow, why);
            HandleEnd(subflow, reason);
        }
    }

    private void HandleEnd(Subflow subflow, TcpCloseReason reason)
    {
        if (!IsPlain)
        {
            subflow.ReinjectAll(_sender);
        }

        if (_alive.Exists(other => other.IsAlive))
        {
            return;
        }

        bool complete = IsPlain || (_sender.FinAcknowledged && _received.Finished);
        Fail(complete ? reason : reason == TcpCloseReason.None ? TcpCloseReason.ResetByPeer : reason);
        Unregister();
    }

    private void HandleRemovedAddress(byte id)
    {
        _pathManager.HandleRemoved(id);
        for (int i = 0; i < _alive.Count; i++)
        {
            if (_alive[i].RemoteId == id && _alive[i].IsAlive)
            {
                _alive[i].Abort(MpTcpRstReason.Unspecified, "the peer removed the address");
            }
        }
    }

    /// <summary>Whether a subflow gets no new data because a better one is there.</summary>
    private bool IsSpared(Subflow subflow) =>
        (subflow.Suspect && _alive.Exists(other => other is { IsUsable: true, Suspect: false }))
        || (subflow.Backup && _alive.Exists(other => other is { IsUsable: true, Suspect: false, Backup: false }));

    private Subflow Add(TcpConfiguration configuration, int link, SubflowHandshake handshake, byte localId)
    {
        var subflow = new Subflow(this, _subflows++, configuration, link, handshake) { LocalId = localId };
        _alive.Add(subflow);
        return subflow;
    }

    private void Register(int path, IpEndpoint remote)
    {
        // Plain TCP needs no token, but the same shape costs less than a second one.
        _keys = new ConnectionKeys(IsPlain ? 0 : _tokens.Register(this));
        _registered = !IsPlain;
        _signals = new AddressSignals(_keys);
        _pathManager = new PathManager(_paths, path, remote);
    }

    private void Unregister()
    {
        if (_registered)
        {
            _registered = false;
            _tokens.Release(_keys.Local);
        }
    }

    private void Fail(TcpCloseReason reason)
    {
        if (!_closed)
        {
            (_closed, _closeReason) = (true, reason);
        }
    }

    private void AbortAll(Subflow? except)
    {
        for (int i = 0; i < _alive.Count; i++)
        {
            if (_alive[i] != except && _alive[i].IsAlive)
            {
                _alive[i].Connection.Abort();
            }
        }

        Unregister();
    }

    /// <summary>A retransmission timeout makes a subflow suspect: what it holds goes on the others.</summary>
    private void NoticeSilence(Subflow subflow)
    {
        if (!subflow.Suspect && !IsPlain && subflow.IsUsable && subflow.Connection.Timeouts > 0)
        {
            subflow.Suspect = true;
            Tell(ConnectionEventKind.SubflowSuspect, subflow, "no answer within the retransmission timeout");
            ReinjectSuspects();
        }
    }

    private void ReinjectSuspects()
    {
        if (!_alive.Exists(subflow => subflow is { IsUsable: true, Suspect: false }))
        {
            return;
        }

        for (int i = 0; i < _alive.Count; i++)
        {
            if (_alive[i].Suspect)
            {
                _alive[i].ReinjectAll(_sender);
            }
        }
    }

    /// <summary>
    /// The data-level timer (RFC 8684 §3.3.6): a DATA_FIN goes again, data that no subflow holds any more goes again, and
    /// a window that stays closed is asked for.
    /// </summary>
    private void Revive()
    {
        if (_sender is { FinSent: true, FinAcknowledged: false })
        {
            RequestFin();
        }

        long lowest = _sender.Next;
        for (int i = 0; i < _alive.Count; i++)
        {
            lowest = Math.Min(lowest, _alive[i].LowestHeld());
        }

        _sender.Reinject(_sender.Una, lowest, source: null);
        for (int i = 0; i < _alive.Count; i++)
        {
            if (_alive[i].IsUsable && _sender.Una == _sender.Next)
            {
                _alive[i].Connection.RequestProbe();
            }
        }
    }

    /// <summary>How far the send queue may let go: what a subflow may still send again stays, or is copied by it.</summary>
    private long Release()
    {
        long below = _sender.Una;
        for (int i = 0; !IsPlain && i < _alive.Count; i++)
        {
            if (_alive[i].Suspect)
            {
                _alive[i].Detach(below);
            }
            else if (_alive[i].IsAlive)
            {
                below = Math.Min(below, _alive[i].LowestHeld());
            }
        }

        return below;
    }

    /// <summary>What follows from any input, whichever it was.</summary>
    private void Settle()
    {
        if (IsPlain || _closed)
        {
            return;
        }

        if (_sender.FinAcknowledged && _received.Finished)
        {
            for (int i = 0; i < _alive.Count; i++)
            {
                _alive[i].Close();
            }
        }

        long roundTrip = 0;
        for (int i = 0; i < _alive.Count; i++)
        {
            roundTrip = Math.Max(roundTrip, _alive[i].Connection.SmoothedRtt);
        }

        _sender.UpdateDeadline(Now, roundTrip);
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
            RequestFin();
        }

        if (_signals.HasPending && _alive.Find(subflow => subflow.IsUsable) is { } carrier)
        {
            carrier.Connection.RequestAck();
        }
    }

    private void RequestFin()
    {
        for (int i = 0; i < _alive.Count; i++)
        {
            if (_alive[i].IsUsable)
            {
                _alive[i].RequestFin();
            }
        }
    }

    private void RequestAckEverywhere()
    {
        for (int i = 0; i < _alive.Count; i++)
        {
            if (_alive[i].Connection.State is TcpState.Established or TcpState.CloseWait)
            {
                _alive[i].Connection.RequestAck();
            }
        }
    }

    private void SortByRank()
    {
        for (int i = 1; i < _alive.Count; i++)
        {
            Subflow subflow = _alive[i];
            long rank = RankOf(subflow);
            int at = i;
            for (; at > 0 && RankOf(_alive[at - 1]) > rank; at--)
            {
                _alive[at] = _alive[at - 1];
            }

            _alive[at] = subflow;
        }
    }

    private long RankOf(Subflow subflow) => _settings.Scheduler.Rank(new SubflowSample(
        subflow.Number,
        subflow.Connection.SmoothedRtt,
        subflow.Connection.CongestionWindow,
        subflow.Connection.BytesInFlight));

    private void Tell(ConnectionEventKind kind, Subflow subflow, string reason) =>
        Tell(new ConnectionEvent(kind, subflow.Number, subflow.Local, subflow.Remote, reason));

    private void Tell(in ConnectionEvent told)
    {
        // Nobody may be listening: the oldest go.
        if (_events.Count == EventLimit)
        {
            _events.Dequeue();
        }

        _events.Enqueue(told);
    }
}
