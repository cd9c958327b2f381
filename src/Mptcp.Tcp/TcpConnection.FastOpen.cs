using Mptcp.Wire;

namespace Mptcp.Tcp;

/// <content>Fast Open (RFC 7413): data in the SYN, at both ends.</content>
public sealed partial class TcpConnection
{
    // MSS, SACK permitted, timestamps, window scale, and kind and length of the Fast Open option.
    private const int SynOptionsLength = 4 + 2 + 10 + 4 + 2;
    private FastOpenCookie? _givenCookie;
    private int _synData;
    private int _synDataTaken;
    private bool _synRepeated;

    /// <summary>
    /// Whether Fast Open was performed: the peer took data of our SYN, or we took its SYN by its cookie (RFC 7413 §4.2).
    /// </summary>
    public bool FastOpened { get; private set; }

    /// <summary>What an active open has learnt, once it is established.</summary>
    public FastOpenOutcome FastOpenOutcome =>
        new(_givenCookie, _sender.SegmentSize, _synData, _synDataTaken, _synRepeated || _sender.Timeouts > 0);

    // The server may answer before the handshake is done (RFC 7413 §3); the congestion window bounds it as ever.
    private bool MayAnswerEarly => FastOpened && !_activeOpen && State == TcpState.SynReceived;

    private bool MaySendData =>
        MayAnswerEarly || (SynAcknowledged && State is not (TcpState.SynSent or TcpState.SynReceived));

    // An early answer goes again only after the handshake: until then nobody has shown to be there (RFC 7413 §5.2).
    private bool HoldsRepeats => MayAnswerEarly && !_sender.SynIsLost;

    /// <summary>Our first SYN, with data if the peer's cookie is known.</summary>
    private SentRange MakeSyn()
    {
        var syn = new SentRange { Syn = true };
        if (State == TcpState.SynSent && _configuration.FastOpen is { Cookie: { IsEmpty: false } cookie } known)
        {
            int options = (SynOptionsLength + _user.SynOptionsLength + cookie.Length + 3) & ~3;
            if (options <= TcpPacket.MaxOptionsLength)
            {
                syn.Length = _user.Prepare(1, SynSegmentSize(known.PeerSegmentSize) - options);
            }
        }

        _synData = syn.Length;
        return syn;
    }

    /// <summary>RFC 7413 §4.1.3: what is beyond the typical size may be fragmented, or confuse a box on the path.</summary>
    private int SynSegmentSize(int peerSegmentSize)
    {
        int typical = _configuration.Local.Address.IsV4 ? 1460 : 1440;
        int known = peerSegmentSize > 0 ? Math.Max(peerSegmentSize, LeastSegmentSize) : DefaultSegmentSize;
        return Math.Min(Math.Min(known, typical), _configuration.MaximumSegmentSize);
    }

    /// <summary>The Fast Open option of a segment: in the first SYN or SYN/ACK only, as a box may drop it (RFC 7413 §4.2).</summary>
    private FastOpenCookie? FastOpenOption(in SentRange range)
    {
        FastOpenCookie? cookie = range is { Syn: true, Transmissions: 1 } ? _configuration.FastOpen?.Cookie : null;

        // A cookie without data has no use.
        return _activeOpen && cookie is { IsEmpty: false } && _synData == 0 ? null : cookie;
    }

    /// <summary>The data of a SYN whose cookie is valid is the user's at once. Data beyond the window comes again.</summary>
    private void TakeSynData(Instant now, in TcpSegment syn)
    {
        if (_configuration.FastOpen is not { TakeData: true } || syn.Fin)
        {
            return;
        }

        FastOpened = true;
        if (!syn.Payload.IsEmpty)
        {
            _receiver.AllowBeforeAnswer(_user.ReceiveWindow);
            _receiver.HandleData(now, 1, syn.Payload, fin: false);
        }
    }

    /// <summary>Our SYN is acknowledged: what the peer did not take of its data is new data again (RFC 7413 §4.2.2).</summary>
    private void SettleSynData(Instant now)
    {
        _synRepeated = _sender.Retransmissions > 0;
        if (_synData == 0)
        {
            return;
        }

        _synDataTaken = (int)(_sender.Una - 1);
        FastOpened = _synDataTaken > 0;
        if (_synDataTaken < _synData)
        {
            _sender.TakeBack(now);
            _user.HandleNotTaken(_sender.Una);
        }
    }
}
