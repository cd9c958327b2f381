using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>
/// One Multipath TCP connection (RFC 8684), or the plain TCP connection that it fell back to: a byte stream each way
/// over its subflows, sans-IO. Not thread-safe: its owner calls it from one thread. After any input, drain
/// <see cref="TryTransmit"/>, <see cref="TryTakeJoin"/> and <see cref="TryTakeEnded"/>, then read <see cref="NextTimeout"/>.
/// </summary>
public sealed partial class MptcpConnection
{
    // What a late subflow may keep of the send queue, as a part of it, and what is not worth a copy.
    private const int LateShare = 8;
    private const int LittleHeld = 16 * 1024;

    private readonly MptcpSettings _settings;
    private readonly TokenTable<MptcpConnection> _tokens;
    private readonly LocalEndpoints _endpoints;
    private readonly DataSender _sender;
    private readonly DataReceiveQueue _received;
    private readonly ContainedScheduler _scheduler;
    private readonly ConnectionCoupling _coupling;
    private readonly HeadWatch _headWatch;
    private readonly SubflowSet _subflows;
    private readonly EventLog _events;
    private readonly GrowingBuffer _sendBuffer;
    private readonly GrowingBuffer _receiveBuffer;
    private readonly MemoryCharge _queues;
    private readonly Func<long> _release;
    private readonly Func<long> _useful;
    private ConnectionKeys _keys = null!;
    private AddressSignals _signals = null!;
    private PathManagement _paths = null!;
    private DssWriter _dss = null!;
    private Subflow _initial = null!;
    private bool _isInitiator;
    private bool _registered;
    private bool _confirmed;
    private bool _joined;
    private bool _peerAcknowledged;

    // Joins of ours whose third ACK has left, and that the peer may have taken without our knowing.
    private int _joinOffers;

    // Why the connection would have fallen back, but for such a join.
    private ConnectionEventCode? _fallbackDue;
    private bool _established;
    private bool _closed;
    private bool _lingering;
    private bool _unread;
    private bool _peerClosedFirst;
    private Instant _lingerDeadline = Instant.Never;
    private TcpCloseReason _closeReason;
    private DropReason _refused;

    /// <summary>Makes a connection that <see cref="Connect"/> or <see cref="Accept"/> starts.</summary>
    /// <param name="settings">Buffers and preferences.</param>
    /// <param name="tokens">The host's tokens; the connection registers itself there.</param>
    /// <param name="endpoints">The host's addresses and limits; <see cref="HandleEndpointChange"/> tells of changes.</param>
    /// <param name="budget">Where its buffers take their memory from; see <see cref="InitialMemory"/>.</param>
    public MptcpConnection(
        MptcpSettings settings, TokenTable<MptcpConnection> tokens, LocalEndpoints endpoints, MemoryBudget budget)
    {
        (_settings, _tokens, _endpoints) = (settings, tokens, endpoints);
        _events = new EventLog(() => Now);
        _sendBuffer = new GrowingBuffer(settings.SendBuffer, budget);
        _receiveBuffer = new GrowingBuffer(settings.ReceiveBuffer, budget);
        _queues = new MemoryCharge(budget);
        _sender = new DataSender(_sendBuffer);
        _received = new DataReceiveQueue(_receiveBuffer);
        _scheduler = new ContainedScheduler(
            settings.Scheduler(), thrown => NoteFailed(ConnectionEventCode.SchedulerFailed, thrown));
        _subflows = new SubflowSet(_scheduler);
        _coupling = new ConnectionCoupling(settings);
        _headWatch = new HeadWatch(_subflows, _sender, _scheduler);
        _useful = () => _subflows.Capacity;
        _release = () => _subflows.Release(_sender.Una, Math.Max(_sendBuffer.Capacity / LateShare, LittleHeld));
    }

    /// <summary>The memory that a connection takes at its birth, in bytes.</summary>
    public static long InitialMemory => 2 * GrowingBuffer.InitialCapacity;

    /// <summary>
    /// Where the byte stream stands, in TCP's names (RFC 8684 Appendix D): FIN is DATA_FIN here. TIME-WAIT says that both
    /// directions are complete and the subflows still exchange their FINs.
    /// </summary>
    public TcpState State => this switch
    {
        { _closed: true } => TcpState.Closed,
        { IsPlain: true } => _single.Connection.State,
        { _established: false } => _isInitiator ? TcpState.SynSent : TcpState.SynReceived,
        { _sender.Closing: false } => _received.Finished ? TcpState.CloseWait : TcpState.Established,
        { _sender.FinAcknowledged: false } => !_received.Finished ? TcpState.FinWait1
            : _peerClosedFirst ? TcpState.LastAck : TcpState.Closing,
        _ => _received.Finished ? TcpState.TimeWait : TcpState.FinWait2,
    };

    /// <summary>Why it is closed.</summary>
    public TcpCloseReason CloseReason => _closed ? _closeReason : TcpCloseReason.None;

    /// <summary>Whether it is one plain TCP connection (RFC 8684 §3.7).</summary>
    public bool IsPlain { get; private set; }

    /// <summary>Whether both ends are known to speak Multipath TCP.</summary>
    public bool IsMultipath => _confirmed && !IsPlain;

    /// <summary>Whether its handshake was ever done.</summary>
    public bool WasEstablished => _established;

    /// <summary>Our end of the initial subflow.</summary>
    public IpEndpoint Local => _initial.Local;

    /// <summary>The peer's end of the initial subflow.</summary>
    public IpEndpoint Remote => _initial.Remote;

    /// <summary>Whether data of a SYN was taken, or a SYN by its cookie (RFC 7413): it may be used in SYN-RECEIVED.</summary>
    public bool FastOpened => _initial.Connection.FastOpened;

    /// <summary>What <see cref="Connect"/> with Fast Open has learnt.</summary>
    public FastOpenOutcome FastOpenOutcome => _initial.Connection.FastOpenOutcome;

    /// <summary>Bytes that <see cref="Read"/> would give.</summary>
    public int Readable => _received.Readable;

    /// <summary>Whether the whole stream of the peer was read.</summary>
    public bool EndOfStream => _received.Finished && _received.Readable == 0;

    /// <summary>Bytes written and not acknowledged by the peer's DATA_ACK.</summary>
    public long Unacknowledged => _sender.Unacknowledged;

    /// <summary>Whether no subflow has anything left to exchange.</summary>
    public bool SubflowsFinished => _subflows.AllFinished && !_break.Waiting;

    /// <summary>Whether nothing of it is left to send or to wait for.</summary>
    public bool IsOver => _closed && _subflows.Count == 0;

    /// <summary>When <see cref="HandleTimeout"/> wants to be called.</summary>
    public Instant NextTimeout => IsPlain
        ? _subflows.NextTimeout
        : Instant.Min(
            Instant.Min(Instant.Min(_subflows.NextTimeout, _break.NextTimeout), Instant.Min(_lingerDeadline, _fail.NextTimeout)),
            Instant.Min(
                Instant.Min(Instant.Min(_sender.NextTimeout, _headWatch.Deadline), _fastClose.NextTimeout),
                Instant.Min(_signals.NextTimeout, _paths.NextTimeout)));

    /// <summary>Opens the initial subflow.</summary>
    /// <param name="now">The time.</param>
    /// <param name="configuration">Its addresses, ports and first sequence number.</param>
    /// <param name="link">The link that it uses, for <see cref="Subflow.Path"/>.</param>
    public Subflow Connect(Instant now, TcpConfiguration configuration, int link)
    {
        Now = now;
        _isInitiator = true;
        IsPlain = !_settings.Multipath;
        Register(configuration, _settings.ChecksumRequired);
        _single = _initial = Add(configuration, link, new CapableInitiator(this), 0);
        _initial.Connection.Connect();
        return _initial;
    }

    /// <summary>Takes the initial subflow that a SYN proposes, as Multipath TCP if the SYN says so.</summary>
    /// <param name="now">The time.</param>
    /// <param name="syn">The SYN.</param>
    /// <param name="configuration">Its addresses, ports and our first sequence number.</param>
    /// <param name="link">The link that it uses, for <see cref="Subflow.Path"/>.</param>
    /// <param name="key">Our key, where the peer has it already; null draws one.</param>
    public Subflow Accept(
        Instant now, in TcpSegment syn, TcpConfiguration configuration, int link, ulong? key = null)
    {
        Now = now;
        SegmentOptions options = SegmentOptions.Parse(syn.Options);
        ConnectionEventCode refusal = CapableResponder.Refusal(options, _settings.ChecksumRefused);
        IsPlain = !_settings.Multipath || refusal != ConnectionEventCode.None;
        bool checksumRequired = options.Capable is { ChecksumRequired: true };
        Register(configuration, checksumRequired || _settings.ChecksumRequired, key);
        _paths.DenyInitialRemote = options.Capable is { DenyJoinInitialAddress: true };
        _single = _initial = Add(configuration, link, new CapableResponder(this), 0);
        if (IsPlain && _settings.Multipath)
        {
            _events.Add(ConnectionEventKind.Fallback, _initial, refusal == ConnectionEventCode.None ? ConnectionEventCode.KeyTaken : refusal);
        }

        _initial.Connection.Accept(now, syn);
        if (FastOpened && !IsPlain)
        {
            HandleInitialWindow(syn.Window);
        }

        return _initial;
    }

    /// <summary>Opens the further subflow that <see cref="TryTakeJoin"/> asked for.</summary>
    public Subflow Join(Instant now, in JoinRequest request, TcpConfiguration configuration, int link)
    {
        Now = now;
        byte id = _paths.IdOf(request.From);
        bool backup = request.From.IsBackup;
        Subflow subflow = Add(configuration, link, new JoinInitiator(this, _tokens.DrawNonce(), id, backup), id, request.Lane);
        (subflow.RemoteId, subflow.AskedBackup, subflow.Weight) = (request.RemoteId, backup, request.From.Weight);
        Counters.Add(MptcpCounter.JoinOpened);
        subflow.Connection.Connect();
        return subflow;
    }

    /// <summary>Takes the further subflow that a SYN with MP_JOIN for this connection's token proposes.</summary>
    /// <param name="now">The time.</param>
    /// <param name="syn">The SYN.</param>
    /// <param name="configuration">Its addresses, ports and our first sequence number.</param>
    /// <param name="link">The link that it uses, for <see cref="Subflow.Path"/>.</param>
    /// <param name="refusal">What the RST says (RFC 8684 §3.2, §3.6) that is the answer when this returns null.</param>
    public Subflow? AcceptJoin(
        Instant now, in TcpSegment syn, TcpConfiguration configuration, int link, out MpTcpRstOption refusal)
    {
        Now = now;
        refusal = new MpTcpRstOption(Transient: false, MpTcpRstReason.MptcpSpecificError);
        if (SegmentOptions.Parse(syn.Options).JoinSyn is not { } join || RefusesJoin(configuration, ref refusal))
        {
            return null;
        }

        LocalEndpoint endpoint = _paths.EndpointOf(configuration.Local);
        byte id = _paths.IdOf(endpoint);
        bool backup = endpoint.IsBackup;
        var handshake = new JoinResponder(this, join, _tokens.DrawNonce(), id, backup);
        Subflow subflow = Add(configuration, link, handshake, id);
        (subflow.RemoteId, subflow.PeerAskedBackup, subflow.AskedBackup) = (join.AddressId, join.Backup, backup);
        ApplyPolicy(subflow, endpoint);
        _paths.HandleJoinTaken(id);
        Counters.Add(MptcpCounter.JoinTaken);
        subflow.Connection.Accept(now, syn);
        return subflow;
    }

    /// <summary>The token that a SYN with MP_JOIN names; false when it has none.</summary>
    public static bool TryGetToken(in TcpSegment syn, out uint token)
    {
        MpJoinSynOption? join = SegmentOptions.Parse(syn.Options).JoinSyn;
        token = join.GetValueOrDefault().Token;
        return join is not null;
    }

    /// <summary>Whether a SYN proposes what this host speaks, and the flags of the answer to it (RFC 8684 §3.1).</summary>
    public static bool IsProposal(in TcpSegment syn, MptcpSettings settings, out MpCapableFlags answer)
    {
        SegmentOptions options = SegmentOptions.Parse(syn.Options);
        bool checksum = settings.ChecksumRequired || options.Capable is { ChecksumRequired: true };
        answer = MpCapableFlags.HmacSha256 | (checksum ? MpCapableFlags.ChecksumRequired : MpCapableFlags.None);
        return settings.Multipath && CapableResponder.Refusal(options, settings.ChecksumRefused) == ConnectionEventCode.None;
    }

    /// <summary>Writes the proposal of a SYN whose third ACK, or first data, this is; nothing when there was none.</summary>
    public static void TryWriteProposal(in TcpSegment ack, ref TcpOptionWriter writer)
    {
        if (SegmentOptions.Parse(ack.Options).Capable is { ReceiverKey: not null } capable)
        {
            new MpCapableOption { Version = capable.Version, Flags = capable.Flags }.TryWrite(ref writer);
        }
    }

    /// <summary>Takes as many bytes as there is room for; returns how many.</summary>
    public int Write(ReadOnlySpan<byte> bytes) => _sender.Closing || _closed ? 0 : _sender.Write(bytes, _release, _useful);

    /// <summary>Hands out bytes that arrived in order; returns how many.</summary>
    /// <param name="destination">Where to.</param>
    /// <param name="announces">Whether the peer is to hear of the room that this leaves: nothing else makes a read send.</param>
    public int Read(Span<byte> destination, out bool announces)
    {
        int count = _received.Read(destination);
        announces = count > 0 && !_closed && (_received.Tune(Now, _subflows.LargestRtt) | _received.WindowUpdateDue);
        if (announces)
        {
            // Any of these ACKs may be lost, and every subflow keeps its own view of the window.
            _subflows.RequestAck();
        }

        return count;
    }

    /// <summary>No more bytes will be written: a DATA_FIN follows those that were.</summary>
    public void CompleteWrites()
    {
        _peerClosedFirst |= _received.Finished && !_sender.Closing;
        _sender.Closing = true;
        if (IsPlain)
        {
            _single.Connection.Close();
        }
    }

    /// <summary>Takes a segment of one of the subflows.</summary>
    /// <returns>Why it was refused, as a whole or in part; none when it was not.</returns>
    public DropReason HandleSegment(Instant now, Subflow subflow, in TcpSegment segment)
    {
        (Now, _refused) = (now, DropReason.None);
        subflow.LastHeard = now;
        DropReason reason = subflow.Connection.HandleSegment(now, segment);
        if (subflow.Connection.LatestRoundTrip is var (roundTrip, at) && at == now && roundTrip > 0)
        {
            subflow.Floor.Add(now, roundTrip, subflow.Connection);
            _coupling.HandleRoundTrip(now, subflow, roundTrip);
        }

        if (subflow.Silence.HandleArrival(now))
        {
            subflow.NoteSilence(subflow.LinkDown);

            // Others may have stayed silent, and had nobody to hand their data to.
            _subflows.ReinjectSuspects(_sender);
        }

        Settle();
        return reason == DropReason.None ? _refused : reason;
    }

    /// <summary>Takes an ICMP error about a segment of one of the subflows; one about nothing in flight is not believed.</summary>
    /// <returns>Why it was refused; none when it was not.</returns>
    public DropReason HandleIcmp(Instant now, Subflow subflow, in IcmpMessage message)
    {
        Now = now;
        bool inFlight = subflow.Connection.IsInFlight(message.SequenceNumber);
        if (inFlight)
        {
            if (message.Kind == IcmpKind.PacketTooBig)
            {
                subflow.Connection.HandlePathMtu(now, message.Mtu);
            }
            else
            {
                subflow.Connection.HandleUnreachable(message.IsHard);
            }
        }

        Settle();
        return inFlight ? DropReason.None : DropReason.IcmpNotInFlight;
    }

    /// <summary>Tells the time to verbs that have none, such as <see cref="CompleteWrites"/>; it does not go back.</summary>
    public void HandleTime(Instant now) => Now = now > Now ? now : Now;

    /// <summary>Runs what is due at <paramref name="now"/>.</summary>
    public void HandleTimeout(Instant now)
    {
        Now = now;
        for (int i = 0; i < _subflows.Count; i++)
        {
            Subflow subflow = _subflows.Alive[i];
            if (subflow.Connection.NextTimeout <= now)
            {
                subflow.Connection.HandleTimeout(now);
            }

            NoticeSilence(subflow);
            subflow.Signals.HandleTimeout(now);
            HandleAvoidance(subflow);
        }

        if (!IsPlain)
        {
            _signals.HandleTimeout(now);
            _paths.HandleTimeout(now);
            _headWatch.HandleTimeout(now, Sample);
            HandleFailTimeout();
            HandleBreakTimeout();
            HandleFastCloseTimeout();
            if (_sender.IsDue(now))
            {
                Revive();
            }

            if (_lingerDeadline <= now)
            {
                HandleLingerTimeout();
            }
        }

        Settle();
    }

    /// <summary>
    /// Writes the next IP packet into <paramref name="buffer"/> (at least the largest MTU) and says whose it is. False
    /// when nothing may leave now.
    /// </summary>
    public bool TryTransmit(Instant now, Span<byte> buffer, out int length, out Subflow? subflow)
    {
        Now = now;
        RequestSignals();
        _subflows.Sort();
        for (int i = 0; i < _subflows.Count; i++)
        {
            subflow = _subflows.Alive[i];
            if (subflow.Connection.TryTransmit(now, buffer, out length))
            {
                if (subflow.AckOwed)
                {
                    subflow.AckOwed = false;
                    subflow.Connection.RequestAck();
                }

                Settle();
                return true;
            }

            if (!subflow.IsAlive)
            {
                _subflows.Retire(i--);
            }
        }

        Settle();
        (length, subflow) = (0, null);
        return false;
    }

    /// <summary>Gives the memory back, once it <see cref="IsOver"/>. What has arrived can still be read.</summary>
    public void ReleaseMemory()
    {
        _sendBuffer.Release();
        _receiveBuffer.Release();
        _queues.Release();
    }

    /// <summary>The next subflow that should be opened.</summary>
    public bool TryTakeJoin(out JoinRequest request)
    {
        request = default;
        return MayOpen && (_break.Waiting || !(_sender.FinSent && _received.Finished)) && _paths.TryNext(_subflows.Alive, out request);
    }

    /// <summary>A subflow that is over: its addresses and ports are free.</summary>
    public bool TryTakeEnded(out Subflow? subflow) => _subflows.TryTakeEnded(out subflow);

    /// <summary>How often something happened, by its code.</summary>
    public int CountOf(ConnectionEventCode code) => _events.CountOf(code);

    /// <summary>Replaces the list's content by what happened how often, by code.</summary>
    public void CopyCounts(List<(ConnectionEventCode Code, int Count)> destination) => _events.CopyCounts(destination);

    /// <summary>The next event that was not taken yet.</summary>
    public bool TryTakeEvent(out ConnectionEvent taken) => _events.TryTake(out taken);

    /// <summary>Replaces the list's content by the subflows, those that have ended included, by number.</summary>
    public void CopySubflows(List<SubflowInfo> destination) => _subflows.CopyTo(destination);
}
