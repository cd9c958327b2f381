using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>
/// One TCP connection of a Multipath TCP connection, as that connection's user: it gives each segment its options, maps
/// data onto the subflow's sequence numbers and back (RFC 8684 §3.3).
/// </summary>
public sealed partial class Subflow : ITcpUser
{
    private readonly MptcpConnection _connection;
    private readonly SubflowHandshake _handshake;
    private readonly SubflowReceiver _receiver;
    private readonly OptionPacker _packer;
    private readonly SendMappings _sent = new();
    private ConnectionEventCode _end;
    private long _bytesSent;
    private SequenceRun _run;
    private long _preparedTo = 1;

    // Whether the mappings in flight go up in data sequence too: they do unless another subflow's data is among them.
    private bool _dataAscends;

    internal Subflow(
        MptcpConnection connection, int number, TcpConfiguration configuration, int path, SubflowHandshake handshake)
    {
        _connection = connection;
        _handshake = handshake;
        _receiver = new SubflowReceiver(connection, this);
        _packer = new OptionPacker(connection, this);
        (Number, Path) = (number, path);
        Signals = new SubflowSignals(connection, this);
        Silence = new SilenceWatch(this);
        Standing = new PathStanding(connection.Now);
        Connection = new TcpConnection(configuration, this);
    }

    /// <summary>Its number in the connection, from 0 for the initial one.</summary>
    public int Number { get; }

    /// <summary>The number of the link that it uses, as the owner of the stack counts them.</summary>
    public int Path { get; }

    /// <summary>Our address and port.</summary>
    public IpEndpoint Local => Connection.Configuration.Local;

    /// <summary>The peer's address and port.</summary>
    public IpEndpoint Remote => Connection.Configuration.Remote;

    /// <inheritdoc/>
    public bool HasData => _connection.HasDataFor(this);

    /// <inheritdoc/>
    public long Unsent => _connection.UnsentOn(this);

    /// <inheritdoc/>
    public int DataOptionsLength => _connection.IsPlain ? _connection.Plain.OptionsLength
        : FirstDataIsCapable ? (_connection.ChecksumInUse ? 24 : 22)
        : 4 + (_receiver.PeerUses64Bits ? 8 : 4) + 8 + 4 + 2 + (_connection.ChecksumInUse ? 2 : 0);

    /// <inheritdoc/>
    public int SynOptionsLength => _connection.IsPlain ? 0 : MpCapableOption.SynLength;

    /// <inheritdoc/>
    public int ReceiveWindow => Math.Max(0, _connection.ReceiveWindow - _receiver.HeldBytes);

    /// <summary>What can be said of it now.</summary>
    public SubflowInfo Info => new()
    {
        Number = Number,
        Local = Local,
        Remote = Remote,
        State = Connection.State,
        CloseReason = Connection.CloseReason,
        BytesSent = _bytesSent + SentInSyn,
        BytesReceived = _receiver.BytesReceived + ReceivedInSyn,
        SmoothedRtt = Connection.SmoothedRtt,
        CongestionWindow = Connection.CongestionWindow,
        Retransmissions = Connection.Retransmissions,
        Timeouts = Connection.AllTimeouts,
        SoftErrors = Connection.SoftErrors,
        LocalId = LocalId,
        RemoteId = RemoteId,
        OpenedByPeer = OpenedByPeer,
        AskedBackup = AskedBackup,
        PeerAskedBackup = PeerAskedBackup,
        ResetSent = ResetReason,
        ResetReceived = ResetReceived,
        Bottleneck = _connection.BottleneckOf(this),
    };

    /// <inheritdoc/>
    public bool NeedsWholeOptions => IsUsable && Signals.MaySend(_connection.Now) && _connection.NeedsWholeOptions;

    internal TcpConnection Connection { get; }

    /// <summary>What its queues take, in bytes.</summary>
    internal long Memory => Connection.QueueMemory + _sent.Memory + _receiver.Memory;

    internal SubflowSignals Signals { get; }

    internal Instant NextTimeout => IsAlive
        ? Instant.Min(Instant.Min(Connection.NextTimeout, Signals.NextTimeout), Instant.Min(Silence.NextProbe, Avoidance.Deadline))
        : Instant.Never;

    internal bool OpenedByPeer => _handshake.IsResponder;

    /// <summary>Whether it is the peer's join, of which the third ACK has not come.</summary>
    internal bool AwaitsProof => Number > 0 && OpenedByPeer && !_handshake.Complete;

    /// <summary>Bytes of payload in our SYN, as far as the peer took them once it has answered.</summary>
    internal int SentInSyn { get; private set; }

    /// <summary>Bytes of payload that the peer's SYN brought.</summary>
    internal int ReceivedInSyn { get; private set; }

    internal byte LocalId { get; init; }

    /// <summary>Which it is of several between the same addresses.</summary>
    internal int Lane { get; init; }

    /// <summary>When a segment of the peer's last came on it.</summary>
    internal Instant LastHeard { get; set; }

    /// <summary>When the peer may next be reminded of it.</summary>
    internal Instant NextReminder { get; set; }

    /// <summary>Its place among those whose windows grow together; null for one by itself.</summary>
    internal CouplingSeat? Seat { get; set; }

    /// <summary>Whether policy wants no data on it as long as another one works.</summary>
    internal bool Avoided { get; set; }

    /// <summary>Whether the peer does the same.</summary>
    internal AvoidanceWatch Avoidance { get; } = new();

    /// <summary>Its weight, or 0.</summary>
    internal int Weight { get; set; }

    /// <summary>One past the last byte of the data that it was given in order.</summary>
    internal long GivenTo { get; set; }

    /// <summary>Payload that it was given, each byte once.</summary>
    internal long BytesSent => _bytesSent;

    internal PathPair Pair => new(Local.Address, Remote, Lane);

    /// <summary>When it could first carry data; null for one that never could.</summary>
    internal Instant? JoinedAt { get; private set; }

    /// <summary>How its path stands.</summary>
    internal PathStanding Standing { get; }

    internal byte RemoteId { get; set; }

    /// <summary>Whether we asked the peer to use it only when no other is left (RFC 8684 §3.3.8).</summary>
    internal bool AskedBackup
    {
        get;
        set
        {
            field = value;
            NoteBackup();
        }
    }

    /// <summary>Whether the peer asked us.</summary>
    internal bool PeerAskedBackup
    {
        get;
        set
        {
            field = value;
            NoteBackup();
        }
    }

    /// <summary>Whether it is used only when no other is: who asks the peer to spare a path spares it as well.</summary>
    internal bool IsBackup => AskedBackup || PeerAskedBackup;

    /// <summary>Whether it is silent although others get on: what it holds goes on other subflows.</summary>
    internal bool Suspect => Silence.Suspect;

    internal SilenceWatch Silence { get; }

    /// <summary>The round trip without a queue.</summary>
    internal RoundTripFloor Floor { get; } = new();

    /// <summary>Whether its queue is to run empty, so that its round trip is seen anew.</summary>
    internal bool IsDraining => Floor.IsDraining(_connection.Now);

    /// <summary>Whether it is expected to deliver what it is given.</summary>
    internal bool IsTrusted => !Suspect && !Signals.InDoubt && !LinkDown;

    /// <summary>Whether its link is known to carry nothing now.</summary>
    internal bool LinkDown
    {
        get;
        set
        {
            field = value;
            NoteSilence(value || Suspect);
        }
    }

    internal bool Closing { get; private set; }

    /// <summary>Whether the next pure ACK is to carry the DATA_FIN.</summary>
    internal bool FinDue { get; private set; }

    internal SubflowHandshake Handshake => _handshake;

    /// <summary>Whether its DATA_ACKs have 64 bits, as the peer's data sequence numbers.</summary>
    internal bool AcksWide => _receiver.PeerUses64Bits;

    /// <summary>Where the peer's data stopped to be trusted, as a data offset, for the MP_FAIL of its RST.</summary>
    internal long? FailedAt { get; set; }

    /// <summary>Whether the peer has mapped nothing on it.</summary>
    internal bool IsUnmapped => _receiver.IsUnmapped;

    /// <summary>Whether the peer has sent data on it.</summary>
    internal bool HasBrought => _receiver.BytesReceived > 0;

    internal string EndDetail { get; private set; } = "";

    internal MpTcpRstOption? ResetReason { get; private set; }

    internal MpTcpRstOption? ResetReceived { get; set; }

    /// <summary>Whether a RST said that this path is not to be tried again (RFC 8684 §3.6, flag T).</summary>
    internal bool IsPathRefused { get; set; }

    /// <summary>Whether it may carry new data.</summary>
    internal bool IsUsable => !Closing && Connection.State is TcpState.Established or TcpState.CloseWait && HasJoined;

    /// <summary>Whether it may answer a Fast Open before its handshake is done.</summary>
    internal bool IsEarly => _connection.AnswersEarly && Connection is { FastOpened: true, State: TcpState.SynReceived };

    /// <summary>Whether its handshake is done, whatever came of it later.</summary>
    internal bool HasJoined => _handshake.Complete || _connection.IsPlain || _connection.IsConfirming(this);

    /// <summary>Whether it is a join of ours whose third ACK has left, and that the peer has not confirmed.</summary>
    internal bool AwaitsFourthAck => _handshake is JoinInitiator { Complete: false } && Connection.State != TcpState.SynSent;

    internal bool IsAlive => Connection.State != TcpState.Closed;

    /// <summary>Whether a pure ACK is wanted again, because the last one carried a signal in place of a DATA_ACK.</summary>
    internal bool AckOwed { get; set; }

    private bool FirstDataIsCapable => _connection.IsConfirming(this) && _sent.Count == 0 && _bytesSent == 0;

    /// <summary>It can carry data from now on.</summary>
    internal void HandleJoined()
    {
        JoinedAt = _connection.Now;
        Standing.Take(_connection.Now, PathStep.Joined);
        NoteBackup();
    }

    /// <summary>It has become silent, or is so no more.</summary>
    internal void NoteSilence(bool silent)
    {
        Standing.Take(_connection.Now, silent ? PathStep.Silenced : PathStep.Answered);
        NoteBackup();
    }

    private void NoteBackup() => Standing.Take(_connection.Now, IsBackup ? PathStep.Spared : PathStep.Used);

    /// <summary>Whether it is in TIME-WAIT and gives way to a new connection that this SYN begins (RFC 6191 §2).</summary>
    public bool TryReuse(in TcpSegment segment) => Connection.TryReuse(segment);

    /// <inheritdoc/>
    public int Prepare(long offset, int limit)
    {
        if (Connection.State == TcpState.SynSent)
        {
            SentInSyn = _connection.TakeForSyn(limit);
            _preparedTo = offset + SentInSyn;
            return SentInSyn;
        }

        int length = _connection.TakeData(this, limit, out long dataOffset);
        if (length > 0 && _connection.IsPlain)
        {
            _connection.Plain.HandlePrepared(offset);
        }
        else if (length > 0)
        {
            _run.Add(dataOffset, offset, length);
            _dataAscends = _sent.Count == 0 || (_dataAscends && dataOffset >= _sent[_sent.Count - 1].DataEnd);
            uint sequence = unchecked((uint)(offset - SentInSyn));
            _sent.Add(new SendMapping
            {
                SubflowSequence = sequence,
                SubflowOffset = offset,
                DataOffset = dataOffset,
                Length = length,
                SentAt = _connection.Now,
                Checksum = _connection.Dss.ChecksumOf(dataOffset, sequence, length),
                InCapable = FirstDataIsCapable,
                WideAck = _receiver.PeerUses64Bits,
            });
        }

        _bytesSent += length;
        _preparedTo = offset + length;
        NoteSent(length);
        return length;
    }

    /// <inheritdoc/>
    public void HandleNotTaken(long offset)
    {
        SentInSyn = (int)(offset - 1);
        _preparedTo = offset;
        _connection.HandleNotTaken(offset);
    }

    /// <inheritdoc/>
    public void CopyPayload(long offset, Span<byte> destination)
    {
        if (destination.IsEmpty)
        {
            return;
        }

        int index = _sent.Find(offset);
        if (index < 0)
        {
            _connection.CopyPlain(offset, destination);
            return;
        }

        ref SendMapping mapping = ref _sent[index];
        long within = offset - mapping.SubflowOffset;
        if (mapping.Detached is { } copy)
        {
            copy.AsSpan((int)within, destination.Length).CopyTo(destination);
        }
        else
        {
            _connection.CopySent(mapping.DataOffset + within, destination);
        }
    }

    /// <inheritdoc/>
    public void HandleAcknowledged(long offset)
    {
        _sent.RemoveBelow(offset);
        if (_connection.IsPlain)
        {
            _connection.HandlePlainAcknowledged(offset);
        }
    }

    /// <inheritdoc/>
    public void HandlePayload(long offset, ReadOnlySpan<byte> payload)
    {
        if (Connection.State == TcpState.SynReceived)
        {
            // No mapping can come with it (RFC 8684 Appendix B.2).
            ReceivedInSyn = payload.Length;
            _connection.HandleSynData(offset, payload);
        }
        else
        {
            _receiver.HandlePayload(offset, payload);
        }
    }

    /// <inheritdoc/>
    public void HandleInOrder(long offset, bool fin)
    {
        _receiver.HandleInOrder(offset);
        Signals.HandleProgress();
        if (fin)
        {
            _connection.HandleSubflowFin(this, offset);
        }
    }

    /// <inheritdoc/>
    public void WriteOptions(in SegmentDescription segment, ref TcpOptionWriter writer)
    {
        _connection.HandleWindowAnnounced();
        if (segment.HasData)
        {
            Signals.HandleProgress();
            if (segment.Transmission > 1 && _connection.HasFasterThan(this))
            {
                ReinjectAt(segment.Offset);
            }
        }

        // What is written may itself owe an ACK.
        bool owed = _packer.Write(segment, ref writer);
        AckOwed |= owed;
    }

    /// <inheritdoc/>
    public SegmentVerdict ExamineOptions(in TcpSegment segment, long offset)
    {
        SegmentOptions options = SegmentOptions.Parse(segment.Options);
        if (segment.Rst)
        {
            _connection.HandleReset(this, options);
            return SegmentVerdict.Accept;
        }

        Signals.HandleHeard(_connection.Now);
        if (!_handshake.Complete && !_connection.IsPlain)
        {
            SegmentVerdict verdict = _handshake.Examine(this, segment, offset, options);
            if (verdict != SegmentVerdict.Accept || !_handshake.Complete)
            {
                return verdict;
            }
        }

        _handshake.Notice(this, options);
        if (_connection.IsPlain)
        {
            if (options.Fail is not null)
            {
                _connection.HandleRepeatedFail(this);
            }

            _connection.Plain.HandleArrival(!segment.Payload.IsEmpty, options.Dss);

            return segment.Payload.IsEmpty || _receiver.AgreesWithPlain(offset, options)
                ? SegmentVerdict.Accept
                : Refuse(MpTcpRstReason.MiddleboxInterference, ConnectionEventCode.FallbackImpossible);
        }

        return _receiver.Examine(segment, offset, options);
    }

    /// <inheritdoc/>
    public void HandleStateChanged(TcpState state, TcpCloseReason reason)
    {
        if (state == TcpState.Established)
        {
            _handshake.HandleEstablished(this);
        }

        _connection.HandleSubflowState(this, state, reason);
    }

    /// <summary>Whether a segment acknowledges everything below <paramref name="offset"/>, by this subflow's numbers.</summary>
    internal bool Acknowledges(in TcpSegment segment, long offset) => segment.Ack
        && SequenceNumbers.Unwrap(segment.AcknowledgmentNumber, Connection.Configuration.InitialSequenceNumber, offset) >= offset;

    /// <summary>Whether a segment acknowledges data for the first time.</summary>
    internal bool AcknowledgesNew(in TcpSegment segment) => _sent.Count > 0 && Acknowledges(segment, _sent[0].SubflowEnd);

    /// <summary>Whether the data in flight can go on from here without mappings, and by how much it is ahead of the subflow.</summary>
    internal bool CanContinue(long una, long next, out long shift) => _run.Continues(una, next, _preparedTo, out shift);

    /// <summary>Whether the peer's data can do so, where <paramref name="next"/> is the first that is missing.</summary>
    internal bool Awaits(long next, out long shift) => _receiver.Awaits(next, out shift);

    /// <summary>What was held back goes into the stream, as plain TCP has it.</summary>
    internal void DeliverHeld() => _receiver.DeliverHeld();

    /// <summary>The first offset that it has not delivered; <paramref name="next"/> when it has delivered all.</summary>
    internal long AcknowledgedTo(long next) =>
        Connection.State == TcpState.SynSent ? 1 : _sent.Count > 0 ? _sent[0].SubflowOffset : next;

    /// <summary>The SYN/ACK says how much of the SYN's data was taken; the rest will be mapped (RFC 8684 Appendix B.3).</summary>
    internal void HandleSynDataTaken(in TcpSegment synAck)
    {
        long ack = SequenceNumbers.Unwrap(synAck.AcknowledgmentNumber, Connection.Configuration.InitialSequenceNumber, 1);
        SentInSyn = synAck.Ack ? (int)Math.Clamp(ack - 1, 0, SentInSyn) : 0;
        _connection.HandleSynDataTaken();
    }

    /// <summary>Writes the mapping of the segment at <paramref name="offset"/>; false when there is none.</summary>
    internal bool TryWriteMapping(long offset, ref TcpOptionWriter writer)
    {
        int index = _sent.Find(offset);
        if (index < 0)
        {
            return false;
        }

        ref SendMapping mapping = ref _sent[index];
        return mapping.InCapable
            ? _connection.Dss.CapableMapping(mapping, _connection.CapableFlags).TryWrite(ref writer)
            : _connection.Dss.Mapping(mapping).TryWrite(ref writer);
    }

    internal void HandleFinSent() => FinDue = false;

    /// <summary>The DATA_FIN is to leave on this subflow.</summary>
    internal void RequestFin()
    {
        FinDue = true;
        Connection.RequestAck();
    }
}
