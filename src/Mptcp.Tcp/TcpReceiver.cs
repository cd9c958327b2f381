using Mptcp.Wire;

namespace Mptcp.Tcp;

/// <summary>The RCV half of the transmission control block: what has arrived, and when it has to be acknowledged.</summary>
internal sealed class TcpReceiver(ITcpDataSink sink, long delayedAck)
{
    // The peer's slow start needs every ACK it can get; after that every second segment is enough (RFC 9293 §3.8.6.3).
    private const int QuickAcks = 16;
    private readonly ReceiveRanges _beyond = new();
    private int _quickAcks = QuickAcks;
    private int _unacknowledgedBytes;
    private long _finOffset = -1;

    /// <summary>RCV.NXT, counted from the peer's initial sequence number. The SYN is 0.</summary>
    public long Next { get; private set; }

    /// <summary>The greatest right edge that was ever announced: what lies below it is accepted.</summary>
    public long AnnouncedEdge { get; private set; }

    public bool AckNow { get; private set; }

    public Instant AckDeadline { get; private set; } = Instant.Never;

    public bool FinReceived { get; private set; }

    public bool AckPending => AckNow || AckDeadline != Instant.Never;

    public void HandleSyn()
    {
        Next = 1;
        AnnouncedEdge = 1;
    }

    public void RequestAck() => AckNow = true;

    public void HandleTimeout(Instant now)
    {
        if (AckDeadline <= now)
        {
            AckNow = true;
            AckDeadline = Instant.Never;
        }
    }

    /// <summary>An ACK with this window is leaving.</summary>
    public void HandleAckSent(int announcedWindow)
    {
        AnnouncedEdge = Math.Max(AnnouncedEdge, Next + announcedWindow);
        AckNow = false;
        AckDeadline = Instant.Never;
        _unacknowledgedBytes = 0;
    }

    /// <summary>
    /// RFC 9293 §3.10.7.4, first: is any of the segment inside the window? An empty segment just at the right edge is
    /// taken as well: it is what a sender that filled the window acknowledges with.
    /// </summary>
    public bool IsAcceptable(long offset, int sequenceLength) => sequenceLength == 0
        ? offset >= Next && offset <= AnnouncedEdge
        : offset < AnnouncedEdge && offset + sequenceLength > Next;

    /// <summary>Takes payload and FIN of a segment that is acceptable.</summary>
    public void HandleData(Instant now, long offset, ReadOnlySpan<byte> payload, bool fin, int segmentSize)
    {
        long end = offset + payload.Length;
        int beforeWindow = (int)Math.Clamp(Next - offset, 0, payload.Length);
        int beyondWindow = (int)Math.Clamp(end - AnnouncedEdge, 0, payload.Length - beforeWindow);
        ReadOnlySpan<byte> fresh = payload[beforeWindow..^beyondWindow];
        if (fin && beyondWindow == 0)
        {
            _finOffset = end;
        }

        bool hole = _beyond.Count > 0 || offset > Next || beforeWindow > 0;
        if (fresh.Length > 0)
        {
            long left = offset + beforeWindow;
            if (!_beyond.Add(left, left + fresh.Length))
            {
                AckNow = true;
                return;
            }

            sink.HandlePayload(left, fresh);
            Next = _beyond.Advance(Next);
        }

        bool closes = _finOffset == Next && !FinReceived;
        if (closes)
        {
            FinReceived = true;
        }

        sink.HandleInOrder(Next, FinReceived);
        if (closes)
        {
            Next++;
        }

        ScheduleAck(now, hole || closes || _beyond.Count > 0, payload.Length, segmentSize);
    }

    public int CopySackBlocks(Span<SackBlock> blocks, uint origin) => _beyond.CopyTo(blocks, origin);

    private void ScheduleAck(Instant now, bool immediately, int length, int segmentSize)
    {
        _unacknowledgedBytes += length;
        if (immediately || _quickAcks > 0 || _unacknowledgedBytes >= 2 * segmentSize)
        {
            _quickAcks = Math.Max(0, _quickAcks - 1);
            AckNow = true;
        }
        else if (AckDeadline == Instant.Never)
        {
            AckDeadline = now + delayedAck;
        }
    }
}
