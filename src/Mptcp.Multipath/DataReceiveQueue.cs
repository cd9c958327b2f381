using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// The receiving end of the data sequence space: reassembly of what the subflows bring, and the one receive window of
/// the connection. Offsets count from the peer's initial data sequence number (first byte 1).
/// </summary>
internal sealed class DataReceiveQueue(int capacity)
{
    private const int SmallWindow = 2 * 1460;
    private readonly byte[] _bytes = new byte[capacity];
    private readonly IntervalSet _beyond = new();
    private long _inOrder = 1;
    private long _read = 1;
    private long _announcedEdge = 1 + capacity;
    private long _finOffset = -1;

    /// <summary>The next byte that is expected; the DATA_FIN counts as one (RFC 8684 §3.3.3).</summary>
    public long Next => Finished ? _inOrder + 1 : _inOrder;

    /// <summary>Whether the peer's whole stream, DATA_FIN included, has arrived.</summary>
    public bool Finished => _finOffset == _inOrder;

    /// <summary>Bytes that <see cref="Read"/> would give.</summary>
    public int Readable => (int)(_inOrder - _read);

    /// <summary>The window to announce, relative to <see cref="Next"/>. Its right edge never moves back.</summary>
    public int Window => (int)(_read + _bytes.Length - _inOrder);

    /// <summary>Whether reading has moved the right edge so far that a peer may be waiting to hear of it.</summary>
    public bool WindowUpdateDue
    {
        get
        {
            long growth = _read + _bytes.Length - _announcedEdge;
            return growth >= _bytes.Length / 4 || (_announcedEdge - _inOrder < SmallWindow && growth >= SmallWindow);
        }
    }

    /// <summary>The current window is leaving in a segment.</summary>
    public void HandleWindowAnnounced() => _announcedEdge = _read + _bytes.Length;

    /// <summary>Takes bytes as they arrive, in order or not. What repeats, or exceeds the window, is not kept.</summary>
    public void Add(long offset, ReadOnlySpan<byte> bytes)
    {
        int known = (int)Math.Clamp(_inOrder - offset, 0, bytes.Length);
        long left = offset + known;
        int fits = (int)Math.Clamp(_read + _bytes.Length - left, 0, bytes.Length - known);
        if (fits == 0)
        {
            return;
        }

        // Bytes that wait behind a hole are not overwritten: what arrived first counts.
        if (_beyond.Count == 0 || !_beyond.Contains(left, left + fits))
        {
            Circular.CopyIn(_bytes, left, bytes.Slice(known, fits));
            _beyond.Add(left, left + fits);
        }

        _inOrder = _beyond.Advance(_inOrder);
    }

    /// <summary>The peer's stream ends before <paramref name="offset"/>. A second, different end is ignored.</summary>
    public void HandleFin(long offset)
    {
        if (_finOffset < 0 && offset >= _inOrder)
        {
            _finOffset = offset;
        }
    }

    /// <summary>Hands out what is in order; returns how much that was.</summary>
    public int Read(Span<byte> destination)
    {
        int count = Math.Min(destination.Length, Readable);
        Circular.CopyOut(_bytes, _read, destination[..count]);
        _read += count;
        return count;
    }
}
