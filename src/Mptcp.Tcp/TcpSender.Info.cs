namespace Mptcp.Tcp;

/// <content>What can be said of it.</content>
internal sealed partial class TcpSender
{
    private long _bytesSent;
    private long _bytesRetransmitted;

    /// <summary>Adds what this half knows.</summary>
    public TcpInfo Describe(in TcpInfo info) => info with
    {
        InFastRecovery = InFastRecovery,
        InTimeoutRecovery = InRecovery && _recoveryByTimeout,
        Timeouts = _timeouts,
        Probes = _unansweredProbes,
        Sack = SackPermitted,
        RetransmissionTimeout = _rtt.Rto,
        Unacknowledged = _scoreboard.Count,
        Sacked = _scoreboard.SackedRanges,
        Lost = _scoreboard.LostRanges,
        Retransmitted = _scoreboard.RepeatedRanges,
        CongestionWindow = _congestion.Window,
        SlowStartThreshold = _congestion.SlowStartThreshold,
        SmoothedRtt = _rtt.Smoothed,
        RttVariation = _rtt.Variation,
        MinimumRtt = _rtt.Minimum,
        PacingRate = _congestion.PacingRate(_rtt.Smoothed),
        DeliveryRate = _delivery.Rate,
        RateIsApplicationLimited = _delivery.RateIsApplicationLimited,
        SendWindow = Window,
        BytesAcknowledged = Math.Max(0, Una - 1 - (FinAcknowledged ? 1 : 0)),
        BytesSent = _bytesSent,
        BytesRetransmitted = _bytesRetransmitted,
        Retransmissions = Retransmissions,
        AllTimeouts = AllTimeouts,
    };

    private void CountSent(int bytes, bool again)
    {
        _bytesSent += bytes;
        _bytesRetransmitted += again ? bytes : 0;
    }
}
