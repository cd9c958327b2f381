using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// The receiving end of the data sequence space: reassembly of what the subflows bring, and the one receive window of
/// the connection. Offsets count from the peer's initial data sequence number (first byte 1).
/// </summary>
internal sealed class DataReceiveQueue(GrowingBuffer bytes)
{
    private const int SmallWindow = 2 * 1460;

    // More islands than a window of segments from many paths makes are an attack on memory and time.
    private const int IslandLimit = 16_384;
    private readonly IntervalSet _beyond = new();
    private long _inOrder = 1;
    private long _read = 1;
    private long _announcedEdge = 1 + bytes.Capacity;
    private long _finOffset = -1;
    private Instant _measuredSince;
    private long _readBefore = 1;

    /// <summary>The next byte that is expected, the DATA_FIN aside.</summary>
    public long InOrder => _inOrder;

    /// <summary>The next byte that is expected; the DATA_FIN counts as one (RFC 8684 §3.3.3).</summary>
    public long Next => Finished ? _inOrder + 1 : _inOrder;

    /// <summary>Whether the peer's whole stream, DATA_FIN included, has arrived.</summary>
    public bool Finished => _finOffset == _inOrder;

    /// <summary>The memory of its lists, in bytes.</summary>
    public long Memory => _beyond.Memory;

    /// <summary>Bytes that <see cref="Read"/> would give.</summary>
    public int Readable => (int)(_inOrder - _read);

    /// <summary>The window to announce, relative to <see cref="Next"/>. Its right edge never moves back.</summary>
    public int Window => (int)(_read + bytes.Capacity - _inOrder);

    /// <summary>Whether reading has moved the right edge so far that a peer may be waiting to hear of it.</summary>
    public bool WindowUpdateDue
    {
        get
        {
            long growth = _read + bytes.Capacity - _announcedEdge;
            return growth >= bytes.Capacity / 4 || (_announcedEdge - _inOrder < SmallWindow && growth >= SmallWindow);
        }
    }

    /// <summary>The current window is leaving in a segment.</summary>
    public void HandleWindowAnnounced() => _announcedEdge = _read + bytes.Capacity;

    /// <summary>Takes bytes as they arrive, in order or not. What repeats is not kept.</summary>
    /// <returns>False when something exceeds the window, or the number of holes, and is not kept either.</returns>
    public bool Add(long offset, ReadOnlySpan<byte> arrived)
    {
        int known = (int)Math.Clamp(_inOrder - offset, 0, arrived.Length);
        long left = offset + known;
        long end = _finOffset < 0 ? _read + bytes.Capacity : Math.Min(_finOffset, _read + bytes.Capacity);
        int fits = (int)Math.Clamp(end - left, 0, arrived.Length - known);
        bool exceeds = left + fits < offset + arrived.Length;
        if (fits == 0 || (left > _inOrder && _beyond.Count > IslandLimit))
        {
            return !exceeds && fits == 0;
        }

        if (_beyond.Count == 0 && left == _inOrder)
        {
            bytes.CopyIn(left, arrived.Slice(known, fits));
            _inOrder = left + fits;
            return !exceeds;
        }

        // Bytes that wait behind a hole are not overwritten: what arrived first counts (RFC 8684 §3.3.1).
        for (long at = left; at < left + fits;)
        {
            long gap = _beyond.EndOfRangeAt(at);
            long gapEnd = Math.Min(_beyond.NextRangeAfter(gap), left + fits);
            if (gap < gapEnd)
            {
                bytes.CopyIn(gap, arrived.Slice((int)(gap - offset), (int)(gapEnd - gap)));
            }

            at = Math.Max(gap, gapEnd);
        }

        _beyond.Add(left, left + fits);
        _inOrder = _beyond.Advance(_inOrder);
        return !exceeds;
    }

    /// <summary>Why bytes up to <paramref name="end"/> are not all kept, if they are not.</summary>
    public ConnectionEventCode Refusal(long end) => _finOffset >= 0 && end > _finOffset ? ConnectionEventCode.DataAfterFin
        : end > _read + bytes.Capacity ? ConnectionEventCode.DataBeyondWindow
        : ConnectionEventCode.None;

    /// <summary>The peer's stream ends before <paramref name="offset"/>.</summary>
    /// <returns>False when that contradicts what came before: a second, different end, or one before data.</returns>
    public bool HandleFin(long offset)
    {
        if (_finOffset < 0 && offset >= _inOrder && offset >= _beyond.End)
        {
            _finOffset = offset;
        }

        return offset == _finOffset;
    }

    /// <summary>The end that was announced counts no more, unless it is reached: another way of telling it takes over.</summary>
    public void ForgetFin() => _finOffset = Finished ? _finOffset : -1;

    /// <summary>
    /// Grows the buffer to what the application can take: eight times what it read within the longest round trip. A
    /// sender in slow start doubles each time, the round trip grows with the queues, and this is known a round trip late.
    /// </summary>
    /// <returns>Whether the window has grown.</returns>
    public bool Tune(Instant now, long roundTrip)
    {
        if (now - _measuredSince < roundTrip)
        {
            return false;
        }

        int before = bytes.Capacity;
        long wanted = 8 * (_read - _readBefore);
        (_measuredSince, _readBefore) = (now, _read);
        if (wanted > before)
        {
            bytes.Grow(wanted, _read, _read + before);
        }

        return bytes.Capacity > before;
    }

    /// <summary>Hands out what is in order; returns how much that was.</summary>
    public int Read(Span<byte> destination)
    {
        int count = Peek(destination);
        _read += count;
        return count;
    }

    /// <summary>Copies what is in order, which stays; returns how much that was.</summary>
    public int Peek(Span<byte> destination)
    {
        int count = Math.Min(destination.Length, Readable);
        bytes.CopyOut(_read, destination[..count]);
        return count;
    }
}
