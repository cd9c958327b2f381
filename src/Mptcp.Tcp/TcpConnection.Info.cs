using Mptcp.Wire;

namespace Mptcp.Tcp;

/// <content>What can be said of it, and what may change while it runs.</content>
public sealed partial class TcpConnection
{
    private SegmentCounts _counts;

    /// <summary>What can be said of it now.</summary>
    public TcpInfo Info => _sender.Describe(new TcpInfo
    {
        State = State,
        Timestamps = _writer.Timestamps,
        WindowScaling = _windowScaling,
        Ecn = _ecn.Agreed,
        FastOpened = FastOpened,
        PeerWindowShift = _windowScaling ? _peerWindowShift : (byte)0,
        WindowShift = _windowScaling ? _configuration.WindowScale : (byte)0,
        DelayedAck = _configuration.DelayedAck,
        SegmentSize = _sender.SegmentSize - _writer.LargestDataOptions,
        PeerSegmentSize = _receiver.LargestSegment,
        AnnouncedSegmentSize = _configuration.MaximumSegmentSize,
        PathMtu = _sender.SegmentSize + TcpPacket.PayloadOffset(_configuration.Local.Address.IsV4, optionsLength: 0),
        ReceiveWindow = Math.Max(0, _receiver.AnnouncedEdge - _receiver.Next),
        BytesReceived = Math.Max(0, _receiver.Next - 1 - (_receiver.FinReceived ? 1 : 0)),
        BytesNotSent = _user.HasData ? _user.Unsent : 0,
        Counts = _counts,
    });

    /// <summary>
    /// Takes from a configuration what may change while the connection runs: Nagle's algorithm and cork, user timeout,
    /// traffic class, keep-alive and its times.
    /// </summary>
    public void Follow(Instant now, TcpConfiguration wanted)
    {
        (NoDelay, Corked, UserTimeout, TrafficClass) = (wanted.NoDelay, wanted.Corked, wanted.UserTimeout, wanted.TrafficClass);
        if (_sender.Una < _sender.Next && State != TcpState.Closed)
        {
            ArmUserTimeout(now);
        }

        _keepAlive.Follow(now, wanted, running: State is >= TcpState.Established and not TcpState.TimeWait);
    }
}
