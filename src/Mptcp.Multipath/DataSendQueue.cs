using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// The bytes that the application wrote, from the first that someone may still ask for to the last. Offsets count from
/// our initial data sequence number (first byte 1).
/// </summary>
internal sealed class DataSendQueue(int capacity)
{
    private readonly byte[] _bytes = new byte[capacity];
    private long _released = 1;

    /// <summary>One past the last byte written.</summary>
    public long Written { get; private set; } = 1;

    /// <summary>Bytes that <see cref="Write"/> would take now.</summary>
    public int Room => _bytes.Length - (int)(Written - _released);

    /// <summary>Takes as much as there is room for; returns how much that was.</summary>
    public int Write(ReadOnlySpan<byte> bytes)
    {
        int count = Math.Min(bytes.Length, Room);
        Circular.CopyIn(_bytes, Written, bytes[..count]);
        Written += count;
        return count;
    }

    /// <summary>Copies bytes that were written and not released.</summary>
    public void CopyTo(long offset, Span<byte> destination) => Circular.CopyOut(_bytes, offset, destination);

    /// <summary>Nothing below <paramref name="offset"/> will be asked for again.</summary>
    public void Release(long offset) => _released = Math.Max(_released, offset);
}
