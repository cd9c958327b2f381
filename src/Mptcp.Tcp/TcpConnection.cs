using Mptcp.Wire;

namespace Mptcp.Tcp;

/// <summary>
/// One TCP connection as a sans-IO state machine (RFC 9293). Not thread-safe: its owner calls it from one thread. After
/// any input, drain <see cref="TryTransmit"/>, then read <see cref="NextTimeout"/>. Sequence numbers inside are 64-bit
/// and count from the initial one (docs/decisions/0002).
/// </summary>
public sealed partial class TcpConnection
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
    private Instant _recentTimestampAt;
    private ChallengeBudget _challenges;
    private EcnState _ecn;
    private KeepAlive _keepAlive;
    private PathMtu _pathMtu;
    private bool _activeOpen;
    private bool _closing;
    private bool _notReceiving;
    private long? _refused;
    private Instant _userDeadline = Instant.Never;
    private bool _resetDue;
    private DropReason _drop;
    private Instant _timeWaitDeadline = Instant.Never;
    private Instant _repeatedAckDeadline = Instant.Never;
    private int _repeatedAcks;

    /// <summary>Makes a closed connection; <see cref="Connect"/> or <see cref="Accept"/> starts it.</summary>
    public TcpConnection(TcpConfiguration configuration, ITcpUser user)
    {
        _configuration = configuration;
        _user = user;
        _sender = new TcpSender(user, configuration);
        _receiver = new TcpReceiver(user, configuration.DelayedAck);
        _writer = new SegmentWriter(configuration, user);
        _challenges = new ChallengeBudget(configuration.ChallengeAcksPerSecond);
        _ecn = new EcnState(configuration.Ecn);
        _keepAlive = new KeepAlive(configuration);
        _pathMtu = new PathMtu(configuration.Local.Address.IsV4);
        (NoDelay, Corked, UserTimeout, TrafficClass) =
            (configuration.NoDelay, configuration.Corked, configuration.UserTimeout, configuration.TrafficClass);
    }

    /// <summary>Where it stands.</summary>
    public TcpState State { get; private set; }

    /// <summary>Why it is closed.</summary>
    public TcpCloseReason CloseReason { get; private set; }

    /// <summary>While true no payload leaves (PRE_ESTABLISHED, RFC 8684 §3.2).</summary>
    public bool HoldData { get; set; }

    /// <summary>The addresses and ports.</summary>
    public TcpConfiguration Configuration => _configuration;

    /// <summary>Whether the congestion window still doubles with each round trip.</summary>
    public bool InSlowStart => _sender.InSlowStart;

    /// <summary>The smoothed round-trip time in nanoseconds; 0 before the first sample.</summary>
    public long SmoothedRtt => _sender.SmoothedRtt;

    /// <summary>The last round trip that was measured, in nanoseconds, and when; 0 before the first.</summary>
    public (long RoundTrip, Instant At) LatestRoundTrip => _sender.LatestRoundTrip;

    /// <summary>RTTVAR in nanoseconds (RFC 6298); 0 before the first sample.</summary>
    public long RttVariation => _sender.RttVariation;

    /// <summary>The least round-trip time of the last ten seconds in nanoseconds; 0 before the first sample.</summary>
    public long MinimumRtt => _sender.MinimumRtt;

    /// <summary>The greatest rate of delivery of the last ten round trips, in bytes per second; 0 before the first.</summary>
    public long DeliveryRate => _sender.DeliveryRate;

    /// <summary>
    /// What arrived while the segment that was acknowledged last was on its way, in bytes per second; 0 before the first. What is in
    /// flight divided by it is when the next one will be acknowledged, if the path stays as it is (Little's law).
    /// </summary>
    public long LatestDeliveryRate => _sender.LatestDeliveryRate;

    /// <summary>When something last proved to have arrived, or, after an idle time, left.</summary>
    public Instant LastProgress => _sender.LastProgress;

    /// <summary>The retransmission timeout in nanoseconds, back-off included (RFC 6298).</summary>
    public long RetransmissionTimeout => _sender.RetransmissionTimeout;

    /// <summary>The congestion window in bytes.</summary>
    public long CongestionWindow => _sender.CongestionWindow;

    /// <summary>Bytes sent and neither acknowledged nor judged lost.</summary>
    public long BytesInFlight => _sender.BytesInFlight;

    /// <summary>Segments sent again.</summary>
    public long Retransmissions => _sender.Retransmissions;

    /// <summary>Consecutive retransmission timeouts without progress.</summary>
    public int Timeouts => _sender.Timeouts;

    /// <summary>What its lists have grown by, in bytes; the payload is the user's.</summary>
    public long QueueMemory => _sender.QueueMemory + _receiver.QueueMemory;

    /// <summary>Retransmission timeouts since it began.</summary>
    public long AllTimeouts => _sender.AllTimeouts;

    /// <summary>Recoveries that turned out to have been needless and were taken back.</summary>
    public long SpuriousRecoveries => _sender.SpuriousRecoveries;

    /// <summary>Tail loss probes sent (RFC 8985 §7).</summary>
    public long LossProbes => _sender.LossProbes;

    /// <summary>The payload of one segment before options, agreed at the handshake.</summary>
    public int SegmentSize => _sender.SegmentSize;

    /// <summary>The shift of the windows that the peer announces, but for its SYN's.</summary>
    public byte PeerWindowShift => _peerWindowShift;

    /// <summary>Whether small segments leave at once (Nagle's algorithm off, RFC 9293 §3.7.4).</summary>
    public bool NoDelay { get; set; }

    /// <summary>While true only full segments leave, until the user closes or says otherwise.</summary>
    public bool Corked { get; set; }

    /// <summary>How long data may stay unacknowledged, in nanoseconds (RFC 5482); 0 is without limit of its own.</summary>
    public long UserTimeout { get; set; }

    /// <summary>The traffic class of further packets, its two ECN bits zero.</summary>
    public byte TrafficClass { get; set; }

    /// <summary>Whether a silent peer is probed.</summary>
    public bool KeepsAlive => _keepAlive.On;

    /// <summary>Whether both ends agreed on explicit congestion notification.</summary>
    public bool EcnAgreed => _ecn.Agreed;

    /// <summary>
    /// The offset behind the last byte that the peer called urgent, counted as payload is; 0 when it never did. Urgent
    /// data is data like any other (RFC 6093).
    /// </summary>
    public long UrgentEdge { get; private set; }

    /// <summary>ICMP errors that say something for the moment only (RFC 9293 §3.9.2.2).</summary>
    public int SoftErrors { get; private set; }

    /// <summary>When <see cref="HandleTimeout"/> wants to be called.</summary>
    public Instant NextTimeout => State == TcpState.Closed
        ? Instant.Never
        : Instant.Min(
            Instant.Min(Instant.Min(_sender.NextTimeout, _receiver.AckDeadline), _keepAlive.Deadline),
            Instant.Min(
                Instant.Min(_timeWaitDeadline, _repeatedAckDeadline), Instant.Min(_userDeadline, _pathMtu.Deadline)));

    /// <summary>Active open: a SYN will leave.</summary>
    /// <exception cref="InvalidOperationException">The remote address is not that of one host (RFC 9293 §3.9.2.3).</exception>
    public void Connect()
    {
        if (_configuration.Remote.Address.IsMulticastOrBroadcast)
        {
            throw new InvalidOperationException("A connection needs the address of one host.");
        }

        _activeOpen = true;
        Enter(TcpState.SynSent);
    }

    /// <summary>Passive open, by the SYN that a listener took.</summary>
    public void Accept(Instant now, in TcpSegment syn)
    {
        TakeSyn(now, syn);
        _sender.HandleAck(now, 0, 0, syn.Window, maybeDuplicate: false);
        Enter(TcpState.SynReceived);
        TakeSynData(now, syn);
    }

    /// <summary>Puts another congestion controller in the place of the one in use; it goes on from the same window.</summary>
    /// <param name="make">Makes one for a segment size in bytes, as in <see cref="TcpConfiguration.CongestionControl"/>.</param>
    public void SwitchCongestionControl(Func<int, ICongestionController> make) => _sender.SwitchController(make);

    /// <summary>No more data will come from the user: a FIN follows what it still has.</summary>
    public void Close() => _closing = true;

    /// <summary>
    /// No more data is wanted: what arrives from now on is answered with a RST, so that the peer learns that it is lost
    /// (RFC 9293 §3.6.1). A peer that does not close its direction is waited for no longer than TIME-WAIT lasts.
    /// </summary>
    public void StopReceiving(Instant now)
    {
        _notReceiving = true;
        LimitFinWait(now);
    }

    /// <summary>Sends a RST, where the peer can still lose something by the end, and forgets everything.</summary>
    public void Abort()
    {
        _resetDue = State is TcpState.SynReceived or TcpState.Established or TcpState.CloseWait
            or TcpState.FinWait1 or TcpState.FinWait2;
        Finish(TcpCloseReason.Aborted);
    }

    /// <summary>Turns the probing of a silent peer on or off.</summary>
    public void SetKeepAlive(Instant now, bool on) => _keepAlive.Turn(now, on);

    /// <summary>Sends an ACK soon, whatever has arrived: a window update, or options of the user.</summary>
    public void RequestAck() => _receiver.RequestAck();

    /// <summary>
    /// The path is known to carry segments again: what timed out goes again now, and does not wait for the timer, which has
    /// backed off.
    /// </summary>
    public void HandlePathBack(Instant now) => _sender.HandlePathBack(now);

    /// <summary>Sends a segment that the peer answers with an ACK and its window, whether or not something is in flight.</summary>
    public void RequestProbe() => _sender.RequestProbe();

    /// <summary>Repeats a pure ACK with the user's options until told to stop (third ACK of MP_JOIN, RFC 8684 §3.2).</summary>
    public void StartAckRetransmission(Instant now) => _repeatedAckDeadline = now + RttEstimator.InitialRto;

    /// <summary>Ends what <see cref="StartAckRetransmission"/> began.</summary>
    public void StopAckRetransmission() => _repeatedAckDeadline = Instant.Never;

    /// <summary>
    /// Whether ICMP quotes a segment of ours that is on its way: other quotes are old or made up (RFC 5927 §4.1).
    /// </summary>
    public bool IsInFlight(uint sequenceNumber)
    {
        long offset = SequenceNumbers.Unwrap(sequenceNumber, _configuration.InitialSequenceNumber, _sender.Una);
        return offset >= _sender.Una && offset < _sender.Next;
    }

    /// <summary>A router, by ICMP, cannot pass on a packet longer than <paramref name="mtu"/> (RFC 1191, RFC 8201).</summary>
    public void HandlePathMtu(Instant now, int mtu)
    {
        if (State is not (TcpState.Closed or TcpState.SynSent or TcpState.SynReceived))
        {
            int headers = TcpPacket.PayloadOffset(_configuration.Local.Address.IsV4, optionsLength: 0);
            ReduceSegmentSize(now, _pathMtu.SizeOf(mtu, headers));
        }
    }

    /// <summary>
    /// ICMP says that the peer cannot be reached. A hard error ends an attempt to connect; once the connection stands
    /// every error counts as a soft one, as anybody can send ICMP (RFC 5461 §4, RFC 9293 §3.9.2.2).
    /// </summary>
    public void HandleUnreachable(bool hard)
    {
        if (hard && State is TcpState.SynSent or TcpState.SynReceived)
        {
            Finish(TcpCloseReason.Unreachable);
            return;
        }

        SoftErrors++;
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
            if (++_repeatedAcks == _configuration.SynTransmissions)
            {
                Finish(TcpCloseReason.TimedOut);
                return;
            }

            _receiver.RequestAck();
            StartAckRetransmission(now);
        }

        _receiver.HandleTimeout(now);
        if (_keepAlive.HandleTimeout(now, dataOut: _sender.Una < _sender.Next))
        {
            _sender.RequestProbe();
        }

        int timeouts = _sender.Timeouts;
        _sender.HandleTimeout(now);
        HandleSegmentSizeTimeout(now, _sender.Timeouts > timeouts);
        int limit = State is TcpState.SynSent or TcpState.SynReceived
            ? _configuration.SynTransmissions
            : _configuration.DataTransmissions;
        if (_sender.Timeouts >= limit || _sender.UnansweredProbes > limit || _userDeadline <= now || _keepAlive.Exhausted)
        {
            Finish(TcpCloseReason.TimedOut);
        }
    }

    private void HandleSegmentSizeTimeout(Instant now, bool silent)
    {
        if (_pathMtu.TryForget(now, out int agreed))
        {
            EnlargeSegmentSize(agreed);
        }

        if (silent && State is not (TcpState.SynSent or TcpState.SynReceived))
        {
            ReduceSegmentSize(now, _pathMtu.AfterTimeout(_sender.Timeouts, _sender.SegmentSize, _sender.HeadLength));
        }
    }

    private void EnlargeSegmentSize(int size)
    {
        _sender.SegmentSize = size;
        _sender.RepeatLimit = _pathMtu.Deadline == Instant.Never ? int.MaxValue : size - _writer.LargestDataOptions;
    }

    private void ReduceSegmentSize(Instant now, int size)
    {
        if (size < _sender.SegmentSize)
        {
            _pathMtu.HandleReduced(now, before: _sender.SegmentSize);
            _sender.SegmentSize = size;
            _sender.RepeatLimit = size - _writer.LargestDataOptions;
            _sender.RepeatAll();
        }
    }

    private void Finish(TcpCloseReason reason)
    {
        if (State == TcpState.Closed && CloseReason != TcpCloseReason.None)
        {
            return;
        }

        CloseReason = reason;
        _sender.Stop();
        (_timeWaitDeadline, _repeatedAckDeadline, _userDeadline) = (Instant.Never, Instant.Never, Instant.Never);
        _keepAlive.Stop();
        Enter(TcpState.Closed);
    }

    private void Enter(TcpState state)
    {
        State = state;
        _user.HandleStateChanged(state, CloseReason);
    }
}
