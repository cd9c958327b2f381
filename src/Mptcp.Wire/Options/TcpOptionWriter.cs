using System.Buffers.Binary;

namespace Mptcp.Wire;

/// <summary>
/// Writes options into the 40 octets that a TCP header has for them. An option that does not fit is not begun. Options
/// that plain TCP stacks align with leading padding (timestamps, window scale, SACK) get it when the writer stands at a
/// word boundary; all others are written tight, and <see cref="PadToWord"/> ends the list.
/// </summary>
/// <param name="destination">Where to write; at most 40 octets, rounded down to a multiple of 4, are used.</param>
public ref struct TcpOptionWriter(Span<byte> destination)
{
    private readonly Span<byte> _destination =
        destination[..(Math.Min(destination.Length, TcpPacket.MaxOptionsLength) & ~3)];

    /// <summary>Octets written.</summary>
    public int Length { get; private set; }

    /// <summary>Octets left.</summary>
    public readonly int Remaining => _destination.Length - Length;

    /// <summary>What has been written.</summary>
    public readonly ReadOnlySpan<byte> Written => _destination[..Length];

    /// <summary>Takes exactly that many octets for an option, without padding.</summary>
    /// <param name="length">The option's length, kind and length octets included.</param>
    /// <param name="room">The octets to fill; their content is undefined.</param>
    /// <returns>False, and nothing changed, when they are not left.</returns>
    public bool TryReserve(int length, out Span<byte> room)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (length > Remaining)
        {
            room = default;
            return false;
        }

        room = _destination.Slice(Length, length);
        Length += length;
        return true;
    }

    /// <summary>Pads with NOPs to a multiple of 4, as a TCP header must have it.</summary>
    /// <returns>The total length.</returns>
    public int PadToWord()
    {
        while (Length % 4 != 0) _destination[Length++] = TcpOptionKind.NoOperation;
        return Length;
    }

    /// <summary>Writes a maximum segment size option (4 octets).</summary>
    /// <param name="size">Octets of payload that the sender can receive in a segment.</param>
    public bool TryWriteMss(ushort size)
    {
        if (!TryBegin(TcpOptionKind.MaximumSegmentSize, 4, padding: 0, out Span<byte> body)) return false;
        BinaryPrimitives.WriteUInt16BigEndian(body, size);
        return true;
    }

    /// <summary>Writes a window scale option (3 octets, with a NOP before it at a word boundary).</summary>
    /// <param name="shift">0 to 14.</param>
    public bool TryWriteWindowScale(byte shift)
    {
        if (!TryBegin(TcpOptionKind.WindowScale, 3, padding: 1, out Span<byte> body)) return false;
        body[0] = shift;
        return true;
    }

    /// <summary>Writes a SACK permitted option (2 octets).</summary>
    public bool TryWriteSackPermitted() => TryBegin(TcpOptionKind.SackPermitted, 2, padding: 0, out _);

    /// <summary>Writes a timestamps option (10 octets, with two NOPs before it at a word boundary).</summary>
    /// <param name="value">TSval.</param>
    /// <param name="echo">TSecr.</param>
    public bool TryWriteTimestamps(uint value, uint echo)
    {
        if (!TryBegin(TcpOptionKind.Timestamps, 10, padding: 2, out Span<byte> body)) return false;
        BinaryPrimitives.WriteUInt32BigEndian(body, value);
        BinaryPrimitives.WriteUInt32BigEndian(body[4..], echo);
        return true;
    }

    /// <summary>Writes a Fast Open option (2 octets and the cookie's, RFC 7413 §4.1.1).</summary>
    /// <param name="cookie">The cookie; the empty one asks for one.</param>
    public bool TryWriteFastOpen(in FastOpenCookie cookie)
    {
        if (!TryBegin(TcpOptionKind.FastOpen, 2 + cookie.Length, padding: 0, out Span<byte> body)) return false;
        cookie.CopyTo(body);
        return true;
    }

    /// <summary>Writes as many SACK blocks as fit, from the first on (2 octets and 8 per block, two NOPs before them).</summary>
    /// <param name="blocks">The blocks, most recent first (RFC 2018 §4).</param>
    /// <returns>The number written; 0 writes no option.</returns>
    public int WriteSack(scoped ReadOnlySpan<SackBlock> blocks)
    {
        int padding = Length % 4 == 0 ? 2 : 0;
        int count = Math.Min(blocks.Length, Math.Max(0, (Remaining - padding - 2) / 8));
        if (count == 0 || !TryBegin(TcpOptionKind.Sack, 2 + count * 8, padding, out Span<byte> body)) return 0;

        for (int i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(body[(i * 8)..], blocks[i].Left);
            BinaryPrimitives.WriteUInt32BigEndian(body[(i * 8 + 4)..], blocks[i].Right);
        }

        return count;
    }

    private bool TryBegin(byte kind, int length, int padding, out Span<byte> body)
    {
        body = default;
        if (Length % 4 != 0) padding = 0;
        if (!TryReserve(padding + length, out Span<byte> room)) return false;

        room[..padding].Fill(TcpOptionKind.NoOperation);
        room[padding] = kind;
        room[padding + 1] = (byte)length;
        body = room[(padding + 2)..];
        return true;
    }
}
