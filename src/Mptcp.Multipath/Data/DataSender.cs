using System.Runtime.CompilerServices;
using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// The sending end of the data sequence space: what was written, scheduled and acknowledged, the window that the peer
/// gives the connection, what has to go again on another subflow, and the data-level timer (RFC 8684 §3.3.4, §3.3.6).
/// </summary>
internal sealed class DataSender(GrowingBuffer buffer)
{
    private const long LeastTimeout = 300 * Instant.Millisecond;
    private const int Timeouts = 15;
    private readonly DataSendQueue _queue = new(buffer);
    private readonly List<Reinjection> _reinjections = [];
    private Instant _deadline = Instant.Never;
    private int _backoff;

    private record struct Reinjection(long Start, long End, Subflow? Source);

    /// <summary>The first byte that the peer has not acknowledged by a DATA_ACK.</summary>
    public long Una { get; private set; } = 1;

    /// <summary>The first byte that no subflow was given.</summary>
    public long Next { get; private set; } = 1;

    /// <summary>One past the last byte that the peer's window lets out; it never moves back.</summary>
    public long Edge { get; private set; } = 1;

    /// <summary>Whether the application has written its last byte.</summary>
    public bool Closing { get; set; }

    /// <summary>Whether the DATA_FIN has left; it takes the sequence number after the last byte.</summary>
    public bool FinSent { get; private set; }

    /// <summary>Whether the peer has acknowledged everything, DATA_FIN included.</summary>
    public bool FinAcknowledged { get; private set; }

    /// <summary>Where the DATA_FIN stands.</summary>
    public long FinOffset => _queue.Written;

    /// <summary>The memory of its lists, in bytes.</summary>
    public long Memory => (long)_reinjections.Capacity * Unsafe.SizeOf<Reinjection>();

    /// <summary>Bytes written and not acknowledged.</summary>
    public long Unacknowledged => _queue.Written - Una;

    /// <summary>Bytes written that no subflow was given.</summary>
    public long Unscheduled => _queue.Written - Next;

    /// <summary>Whether the peer has not acknowledged the data for as long as a subflow would wait for it.</summary>
    public bool GivesUp => Outstanding && _backoff > Timeouts;

    /// <summary>Bytes that were given to a further subflow.</summary>
    public long Reinjected { get; private set; }

    /// <summary>When <see cref="IsDue"/> becomes true.</summary>
    public Instant NextTimeout => _deadline;

    private bool Blocked => Unscheduled > 0 && Next >= Edge;

    private bool Outstanding => Una < Next || (FinSent && !FinAcknowledged);

    /// <summary>Whether no new segment can leave: all is on its way, or the peer's window has no room for one.</summary>
    public bool IsIdle(int segmentSize) => Edge - Next < segmentSize || Unscheduled == 0;

    /// <summary>Takes what there is room for, after <paramref name="release"/> said what nobody needs any more.</summary>
    /// <param name="bytes">What to send.</param>
    /// <param name="release">Up to where the queue may let go.</param>
    /// <param name="useful">What the subflows can keep in flight together; the queue grows to twice that.</param>
    public int Write(ReadOnlySpan<byte> bytes, Func<long> release, Func<long> useful)
    {
        if (_queue.Room < bytes.Length)
        {
            _queue.Release(release());
        }

        if (_queue.Room < bytes.Length && _queue.CanGrow)
        {
            _queue.Grow(2 * useful());
        }

        return _queue.Write(bytes);
    }

    /// <summary>What <see cref="Write"/> would take now, after <paramref name="release"/>, without growing.</summary>
    public int Room(Func<long> release)
    {
        _queue.Release(release());
        return _queue.Room;
    }

    public void CopyTo(long offset, Span<byte> destination) => _queue.CopyTo(offset, destination);

    /// <summary>Everything scheduled so far, and the close, is what a DATA_FIN can follow.</summary>
    public bool FinDue => Closing && !FinSent && Unscheduled == 0;

    public void HandleFinSent() => FinSent = true;

    /// <summary>Gives new bytes to a subflow: at most <paramref name="limit"/>, and within the peer's window.</summary>
    public int TakeNew(int limit, out long offset)
    {
        offset = Next;
        int count = (int)Math.Clamp(Math.Min(Unscheduled, Edge - Next), 0, limit);
        Next += count;
        return count;
    }

    /// <summary>Gives bytes to the one subflow of a plain TCP connection, whose own window is the only one.</summary>
    public int TakePlain(int limit)
    {
        int count = (int)Math.Min(Unscheduled, limit);
        Next += count;
        return count;
    }

    /// <summary>What was given to the SYN from <paramref name="offset"/> on was not taken.</summary>
    public void TakeBack(long offset) => Next = offset;

    /// <summary>A DATA_ACK with a window. False when it acknowledges what was never sent.</summary>
    public bool HandleDataAck(long ack, long window)
    {
        if (ack > Next + (FinSent ? 1 : 0))
        {
            return false;
        }

        Edge = Math.Max(Edge, ack + window);
        if (ack > Una)
        {
            FinAcknowledged = FinSent && ack == FinOffset + 1;
            Una = Math.Min(ack, FinOffset);
            (_deadline, _backoff) = (Instant.Never, 0);
        }
        else if (FinSent && ack == FinOffset + 1)
        {
            FinAcknowledged = true;
        }

        return true;
    }

    /// <summary>Bytes are to go again, on another subflow than <paramref name="source"/>, or on any if it is null.</summary>
    public void Reinject(long start, long end, Subflow? source)
    {
        if (end > Una)
        {
            _reinjections.Add(new Reinjection(start, end, source));
        }
    }

    /// <summary>Whether there is something for this subflow that another one failed to deliver.</summary>
    public bool HasReinjection(Subflow subflow)
    {
        for (int i = 0; i < _reinjections.Count; i++)
        {
            if (_reinjections[i].Source != subflow && _reinjections[i].End > Una)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Gives a subflow what another one failed to deliver; 0 when there is nothing.</summary>
    public int TakeReinjection(Subflow subflow, int limit, out long offset)
    {
        for (int i = 0; i < _reinjections.Count;)
        {
            (long start, long end, Subflow? source) = _reinjections[i];
            start = Math.Max(start, Una);
            if (start >= end)
            {
                _reinjections.RemoveAt(i);
            }
            else if (source == subflow)
            {
                i++;
            }
            else
            {
                int count = (int)Math.Min(end - start, limit);
                offset = start;
                Reinjected += count;
                _reinjections[i] = new Reinjection(start + count, end, source);
                return count;
            }
        }

        offset = 0;
        return 0;
    }

    /// <summary>The data-level timer begins anew: there was nobody who could have answered.</summary>
    public void Restart()
    {
        (_deadline, _backoff) = (Instant.Never, 0);
        _reinjections.Clear();
    }

    /// <summary>Arms the data-level timer if there is something to wait for.</summary>
    public void UpdateDeadline(Instant now, long roundTrip)
    {
        if (!Outstanding && !Blocked)
        {
            (_deadline, _backoff) = (Instant.Never, 0);
        }
        else if (_deadline == Instant.Never)
        {
            long timeout = Math.Clamp(4 * roundTrip, LeastTimeout, RttEstimator.MaximumRto) << Math.Min(_backoff, 16);
            _deadline = now + Math.Min(timeout, RttEstimator.MaximumRto);
        }
    }

    /// <summary>Whether the data-level timer went off; it is to be armed again.</summary>
    public bool IsDue(Instant now)
    {
        if (_deadline > now)
        {
            return false;
        }

        _backoff++;
        _deadline = Instant.Never;
        return true;
    }
}
