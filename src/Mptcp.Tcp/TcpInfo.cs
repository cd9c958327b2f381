namespace Mptcp.Tcp;

/// <summary>What can be said of a connection at one moment. Times are nanoseconds, sizes bytes, rates bytes per second.</summary>
public readonly record struct TcpInfo
{
    /// <summary>Where it stands.</summary>
    public required TcpState State { get; init; }

    /// <summary>Whether lost segments are being repaired after duplicate ACKs.</summary>
    public bool InFastRecovery { get; init; }

    /// <summary>Whether they are after a retransmission timeout.</summary>
    public bool InTimeoutRecovery { get; init; }

    /// <summary>Consecutive retransmission timeouts.</summary>
    public int Timeouts { get; init; }

    /// <summary>Probes of a closed window that wait for an answer.</summary>
    public int Probes { get; init; }

    /// <summary>Whether both ends use timestamps (RFC 7323).</summary>
    public bool Timestamps { get; init; }

    /// <summary>Whether the peer takes SACK blocks (RFC 2018).</summary>
    public bool Sack { get; init; }

    /// <summary>Whether windows are scaled (RFC 7323).</summary>
    public bool WindowScaling { get; init; }

    /// <summary>Whether explicit congestion notification was agreed (RFC 3168).</summary>
    public bool Ecn { get; init; }

    /// <summary>Whether the data of a SYN was taken (RFC 7413).</summary>
    public bool FastOpened { get; init; }

    /// <summary>The shift of the peer's windows.</summary>
    public byte PeerWindowShift { get; init; }

    /// <summary>The shift of ours.</summary>
    public byte WindowShift { get; init; }

    /// <summary>The retransmission timeout, back-off included.</summary>
    public long RetransmissionTimeout { get; init; }

    /// <summary>How long an ACK may wait.</summary>
    public long DelayedAck { get; init; }

    /// <summary>The payload of a full segment, the options of every segment taken off.</summary>
    public int SegmentSize { get; init; }

    /// <summary>The largest segment that arrived.</summary>
    public int PeerSegmentSize { get; init; }

    /// <summary>The largest segment that we announced to take.</summary>
    public int AnnouncedSegmentSize { get; init; }

    /// <summary>The largest packet that is sent, headers included.</summary>
    public int PathMtu { get; init; }

    /// <summary>Segments that are not acknowledged.</summary>
    public int Unacknowledged { get; init; }

    /// <summary>Of them, those that have arrived beyond a hole.</summary>
    public int Sacked { get; init; }

    /// <summary>Of them, those judged lost.</summary>
    public int Lost { get; init; }

    /// <summary>Of them, those sent again and still on their way.</summary>
    public int Retransmitted { get; init; }

    /// <summary>The congestion window.</summary>
    public long CongestionWindow { get; init; }

    /// <summary>The slow start threshold; <see cref="long.MaxValue"/> before the first loss.</summary>
    public long SlowStartThreshold { get; init; }

    /// <summary>SRTT; 0 before the first sample.</summary>
    public long SmoothedRtt { get; init; }

    /// <summary>RTTVAR.</summary>
    public long RttVariation { get; init; }

    /// <summary>The least round trip lately; 0 before the first sample.</summary>
    public long MinimumRtt { get; init; }

    /// <summary>The pacing rate; 0 where nothing is paced.</summary>
    public long PacingRate { get; init; }

    /// <summary>The delivery rate of the last sample.</summary>
    public long DeliveryRate { get; init; }

    /// <summary>Whether the application was the reason that it was not more.</summary>
    public bool RateIsApplicationLimited { get; init; }

    /// <summary>The window that the peer offers.</summary>
    public long SendWindow { get; init; }

    /// <summary>The window that we offer.</summary>
    public long ReceiveWindow { get; init; }

    /// <summary>Payload acknowledged by the peer.</summary>
    public long BytesAcknowledged { get; init; }

    /// <summary>Payload that arrived in order.</summary>
    public long BytesReceived { get; init; }

    /// <summary>Payload sent, repeats included.</summary>
    public long BytesSent { get; init; }

    /// <summary>Payload sent again.</summary>
    public long BytesRetransmitted { get; init; }

    /// <summary>Payload written and not sent.</summary>
    public long BytesNotSent { get; init; }

    /// <summary>Segments sent again.</summary>
    public long Retransmissions { get; init; }

    /// <summary>All retransmission timeouts.</summary>
    public long AllTimeouts { get; init; }

    /// <summary>What came and went.</summary>
    public SegmentCounts Counts { get; init; }
}

/// <summary>The segments of one connection, counted and timed.</summary>
public struct SegmentCounts
{
    /// <summary>Segments sent.</summary>
    public long Sent { get; private set; }

    /// <summary>Of them, those with payload.</summary>
    public long DataSent { get; private set; }

    /// <summary>Segments that arrived.</summary>
    public long Received { get; private set; }

    /// <summary>Of them, those with payload.</summary>
    public long DataReceived { get; private set; }

    /// <summary>When the last payload left; the origin of time before the first.</summary>
    public Instant LastDataSent { get; private set; }

    /// <summary>When the last payload arrived.</summary>
    public Instant LastDataReceived { get; private set; }

    /// <summary>When the last acknowledgement arrived.</summary>
    public Instant LastAckReceived { get; private set; }

    internal void HandleSent(Instant now, int payload)
    {
        Sent++;
        if (payload > 0)
        {
            DataSent++;
            LastDataSent = now;
        }
    }

    internal void HandleReceived(Instant now, int payload, bool ack)
    {
        Received++;
        if (payload > 0)
        {
            DataReceived++;
            LastDataReceived = now;
        }

        LastAckReceived = ack ? now : LastAckReceived;
    }
}
