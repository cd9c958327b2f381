using System.Collections;

namespace Mptcp.Lab;

/// <summary>The bytes of a stream as far as they are known, from offset 0.</summary>
internal sealed class SparseBytes
{
    private byte[] _bytes = new byte[65_536];
    private readonly BitArray _known = new(65_536);

    /// <summary>One past the last byte known.</summary>
    public long End { get; private set; }

    /// <summary>Puts bytes at an offset; the first offset where they differ from what was there, or -1.</summary>
    public long Put(long offset, ReadOnlySpan<byte> bytes)
    {
        Grow(offset + bytes.Length);
        long differs = -1;
        for (int i = 0; i < bytes.Length; i++)
        {
            int at = (int)(offset + i);
            if (_known[at] && _bytes[at] != bytes[i] && differs < 0)
            {
                differs = at;
            }

            if (!_known[at])
            {
                (_bytes[at], _known[at]) = (bytes[i], true);
            }
        }

        End = Math.Max(End, offset + bytes.Length);
        return differs;
    }

    /// <summary>The bytes of a range; null when one of them is not known.</summary>
    public byte[]? TryGet(long offset, int length)
    {
        if (offset < 0 || offset + length > End)
        {
            return null;
        }

        for (int i = 0; i < length; i++)
        {
            if (!_known[(int)(offset + i)])
            {
                return null;
            }
        }

        return _bytes[(int)offset..(int)(offset + length)];
    }

    private void Grow(long end)
    {
        if (end > _bytes.Length)
        {
            int capacity = (int)Math.Max(end, 2L * _bytes.Length);
            Array.Resize(ref _bytes, capacity);
            _known.Length = capacity;
        }
    }
}
