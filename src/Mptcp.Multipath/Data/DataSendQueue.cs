namespace Mptcp.Multipath;

/// <summary>
/// The bytes that the application wrote, from the first that someone may still ask for to the last. Offsets count from
/// our initial data sequence number (first byte 1).
/// </summary>
internal sealed class DataSendQueue(GrowingBuffer bytes)
{
    private long _released = 1;

    /// <summary>One past the last byte written.</summary>
    public long Written { get; private set; } = 1;

    /// <summary>Bytes that <see cref="Write"/> would take now.</summary>
    public int Room => bytes.Capacity - (int)(Written - _released);

    /// <summary>Whether <see cref="Grow"/> could make more.</summary>
    public bool CanGrow => bytes.CanGrow;

    /// <summary>Takes as much as there is room for; returns how much that was.</summary>
    public int Write(ReadOnlySpan<byte> written)
    {
        int count = Math.Min(written.Length, Room);
        bytes.CopyIn(Written, written[..count]);
        Written += count;
        return count;
    }

    /// <summary>Copies bytes that were written and not released.</summary>
    public void CopyTo(long offset, Span<byte> destination) => bytes.CopyOut(offset, destination);

    /// <summary>Makes room for <paramref name="wanted"/> bytes, as far as cap and memory allow.</summary>
    public void Grow(long wanted) => bytes.Grow(wanted, _released, Written);

    /// <summary>Nothing below <paramref name="offset"/> will be asked for again.</summary>
    public void Release(long offset) => _released = Math.Max(_released, offset);
}
