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
    private int _largestSegment = 1;
    private (long Left, long Right) _duplicate;
    private long _finOffset = -1;

    /// <summary>RCV.NXT, counted from the peer's initial sequence number. The SYN is 0.</summary>
    public long Next { get; private set; }

    /// <summary>The greatest right edge that was ever announced: what lies below it is accepted.</summary>
    public long AnnouncedEdge { get; private set; }

    /// <summary>RCV.NXT as last told to the peer (Last.ACK.sent, RFC 7323 §4.3).</summary>
    public long Acknowledged { get; private set; }

    /// <summary>The SACK blocks that an ACK would carry if it had the room.</summary>
    public int SackBlocks => Math.Min(4, _beyond.Count + (_duplicate.Right > 0 ? 1 : 0));

    /// <summary>What the list of ranges has grown by, in bytes.</summary>
    public long QueueMemory => _beyond.Memory;

    /// <summary>The largest payload that arrived, 1 before any.</summary>
    public int LargestSegment => _largestSegment;

    public bool AckNow { get; private set; }

    public Instant AckDeadline { get; private set; } = Instant.Never;

    public bool FinReceived { get; private set; }

    public bool AckPending => AckNow || AckDeadline != Instant.Never;

    public void HandleSyn()
    {
        Next = 1;
        AnnouncedEdge = 1;
        Acknowledged = 1;
    }

    /// <summary>The SYN carries data, before any window was announced (RFC 7413).</summary>
    public void AllowBeforeAnswer(int window) => AnnouncedEdge = Next + window;

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
        Acknowledged = Next;
        AckNow = false;
        AckDeadline = Instant.Never;
        _unacknowledgedBytes = 0;
    }

    /// <summary>
    /// RFC 9293 §3.10.7.4, first: is any of the segment inside the window? An empty segment just at the right edge is
    /// taken as well: it is what a sender that filled the window acknowledges with. So is one at RCV.NXT where the window
    /// is closed: its data goes, its acknowledgement counts.
    /// </summary>
    public bool IsAcceptable(long offset, int sequenceLength) => sequenceLength == 0
        ? offset >= Next && offset <= AnnouncedEdge
        : (offset < AnnouncedEdge && offset + sequenceLength > Next) || IsNextAtClosedWindow(offset);

    /// <summary>Whether a RST is worth an answer: inside the window, or next where the window is closed.</summary>
    public bool IsInWindow(long offset) => offset == Next || (offset > Next && offset < AnnouncedEdge);

    /// <summary>Payload that had arrived before came again: the next ACK says so (D-SACK, RFC 2883).</summary>
    public void HandleDuplicate(long left, long right)
    {
        if (left > 0 && right > left)
        {
            _duplicate = (left, right);
        }
    }

    /// <summary>Takes payload and FIN of a segment that is acceptable. Returns why not, if it could not.</summary>
    public DropReason HandleData(Instant now, long offset, ReadOnlySpan<byte> payload, bool fin)
    {
        if (FinReceived)
        {
            // Nothing follows a FIN; what claims to is ignored (RFC 9293 §3.10.7.4, seventh).
            AckNow = true;
            return DropReason.AfterEnd;
        }

        long end = offset + payload.Length;
        long edge = _finOffset >= 0 ? Math.Min(AnnouncedEdge, _finOffset) : AnnouncedEdge;
        int beforeWindow = (int)Math.Clamp(Next - offset, 0, payload.Length);
        int beyondWindow = (int)Math.Clamp(end - edge, 0, payload.Length - beforeWindow);
        ReadOnlySpan<byte> fresh = payload[beforeWindow..^beyondWindow];
        if (fin && beyondWindow == 0 && _finOffset < 0)
        {
            _finOffset = end;
        }

        HandleDuplicate(offset, offset + beforeWindow);
        bool hole = _beyond.Count > 0 || offset > Next || beforeWindow > 0 || beyondWindow > 0;
        if (fresh.Length > 0 && !TryKeep(offset + beforeWindow, fresh))
        {
            AckNow = true;
            return DropReason.TooManyHoles;
        }

        bool closes = _finOffset == Next;
        FinReceived |= closes;
        sink.HandleInOrder(Next, FinReceived);
        if (closes)
        {
            Next++;
        }

        ScheduleAck(now, hole || closes || _beyond.Count > 0, payload.Length);
        return DropReason.None;
    }

    /// <summary>The blocks of the next ACK: a duplicate first and once, then what lies beyond, the latest first.</summary>
    public int TakeSackBlocks(Span<SackBlock> blocks, uint origin)
    {
        int count = 0;
        if (_duplicate.Right > 0 && blocks.Length > 0)
        {
            blocks[count++] = new SackBlock(
                unchecked(origin + (uint)_duplicate.Left), unchecked(origin + (uint)_duplicate.Right));
            _duplicate = default;
        }

        return count + _beyond.CopyTo(blocks[count..], origin);
    }

    private bool IsNextAtClosedWindow(long offset) => offset == Next && AnnouncedEdge <= Next;

    private bool TryKeep(long left, ReadOnlySpan<byte> fresh)
    {
        long right = left + fresh.Length;
        (long Left, long Right) known = _beyond.FirstOverlap(left, right);
        if (!_beyond.Add(left, right))
        {
            return false;
        }

        HandleDuplicate(known.Left, known.Right);
        sink.HandlePayload(left, fresh);
        Next = _beyond.Advance(Next);
        return true;
    }

    private void ScheduleAck(Instant now, bool immediately, int length)
    {
        // The peer's full segment is what it has sent at most: options and path MTU may make it smaller than its MSS.
        _largestSegment = Math.Max(_largestSegment, length);
        _unacknowledgedBytes += length;
        if (immediately || _quickAcks > 0 || _unacknowledgedBytes >= 2 * _largestSegment)
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
