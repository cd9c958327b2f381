namespace Mptcp.Tcp;

/// <summary>A circular byte buffer addressed by the offset of the stream that runs through it.</summary>
public static class Circular
{
    /// <summary>Copies in at a stream offset; <paramref name="bytes"/> is not longer than the buffer.</summary>
    public static void CopyIn(byte[] buffer, long offset, ReadOnlySpan<byte> bytes)
    {
        int start = (int)(offset % buffer.Length);
        int first = Math.Min(bytes.Length, buffer.Length - start);
        bytes[..first].CopyTo(buffer.AsSpan(start));
        bytes[first..].CopyTo(buffer);
    }

    /// <summary>Copies out from a stream offset; <paramref name="destination"/> is not longer than the buffer.</summary>
    public static void CopyOut(byte[] buffer, long offset, Span<byte> destination)
    {
        int start = (int)(offset % buffer.Length);
        int first = Math.Min(destination.Length, buffer.Length - start);
        buffer.AsSpan(start, first).CopyTo(destination);
        buffer.AsSpan(0, destination.Length - first).CopyTo(destination[first..]);
    }
}
