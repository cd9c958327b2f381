using Mptcp.Wire;

namespace Mptcp.Tcp;

/// <summary>
/// The plain TCP user: a byte stream each way, in two circular buffers. It keeps the seam honest, and is what a
/// connection without Multipath TCP uses.
/// </summary>
public sealed class ByteStreamUser : ITcpUser
{
    private const int FullSegment = 1460;
    private readonly byte[] _send;
    private readonly byte[] _receive;
    private long _acknowledged = 1;
    private long _prepared = 1;
    private long _written = 1;
    private long _inOrder = 1;
    private long _read = 1;
    private long _announcedEdge;

    /// <summary>Makes the buffers, in bytes, each a power of two or not.</summary>
    public ByteStreamUser(int sendBuffer, int receiveBuffer)
    {
        _send = new byte[sendBuffer];
        _receive = new byte[receiveBuffer];
        _announcedEdge = 1 + receiveBuffer;
    }

    /// <summary>The state last told.</summary>
    public TcpState State { get; private set; }

    /// <summary>Why it closed.</summary>
    public TcpCloseReason CloseReason { get; private set; }

    /// <summary>Whether the peer has sent everything it will, and it has arrived.</summary>
    public bool PeerFinished { get; private set; }

    /// <summary>Bytes that <see cref="Read"/> would return.</summary>
    public int Readable => (int)(_inOrder - _read);

    /// <summary>Bytes written and not acknowledged.</summary>
    public long Unacknowledged => _written - _acknowledged;

    /// <summary>Whether reading has opened the window enough to tell the peer (RFC 9293 §3.8.6.2.2).</summary>
    public bool WindowUpdateDue => Edge - _announcedEdge >= Math.Min(_receive.Length / 2, 2 * FullSegment);

    /// <inheritdoc/>
    public bool HasData => _prepared < _written;

    /// <inheritdoc/>
    public int DataOptionsLength => 0;

    /// <inheritdoc/>
    /// <remarks>The right edge moves by a segment or half the buffer at least, else not (RFC 9293 §3.8.6.2.2).</remarks>
    public int ReceiveWindow =>
        (int)((Edge - _announcedEdge >= Math.Min(_receive.Length / 2, FullSegment) ? Edge : _announcedEdge) - _inOrder);

    /// <inheritdoc/>
    public long Unsent => _written - _prepared;

    private long Edge => _read + _receive.Length;

    /// <summary>Takes as much as there is room for; returns how much that was.</summary>
    public int Write(ReadOnlySpan<byte> bytes)
    {
        int count = (int)Math.Min(bytes.Length, _send.Length - Unacknowledged);
        Circular.CopyIn(_send, _written, bytes[..count]);
        _written += count;
        return count;
    }

    /// <summary>Hands out what arrived in order; returns how much that was.</summary>
    public int Read(Span<byte> destination)
    {
        int count = Math.Min(destination.Length, Readable);
        Circular.CopyOut(_receive, _read, destination[..count]);
        _read += count;
        return count;
    }

    /// <inheritdoc/>
    public int Prepare(long offset, int limit)
    {
        int count = (int)Math.Min(limit, _written - _prepared);
        _prepared += count;
        return count;
    }

    /// <inheritdoc/>
    public void HandleNotTaken(long offset) => _prepared = offset;

    /// <inheritdoc/>
    public void CopyPayload(long offset, Span<byte> destination) => Circular.CopyOut(_send, offset, destination);

    /// <inheritdoc/>
    public void HandleAcknowledged(long offset) => _acknowledged = Math.Max(_acknowledged, offset);

    /// <inheritdoc/>
    public void HandlePayload(long offset, ReadOnlySpan<byte> payload) => Circular.CopyIn(_receive, offset, payload);

    /// <inheritdoc/>
    public void HandleInOrder(long offset, bool fin)
    {
        _inOrder = offset;
        PeerFinished |= fin;
    }

    /// <inheritdoc/>
    public void WriteOptions(in SegmentDescription segment, ref TcpOptionWriter writer) =>
        _announcedEdge = _inOrder + ReceiveWindow;

    /// <inheritdoc/>
    public SegmentVerdict ExamineOptions(in TcpSegment segment, long offset) => SegmentVerdict.Accept;

    /// <inheritdoc/>
    public void HandleStateChanged(TcpState state, TcpCloseReason reason) => (State, CloseReason) = (state, reason);
}
