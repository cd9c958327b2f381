using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Mptcp.Wire;

/// <summary>
/// The Internet checksum (RFC 1071), in parts. A <em>sum</em> is the ones' complement sum of 16-bit big-endian words, not
/// yet complemented; sums of pieces can be kept and joined, so that a payload is read once.
/// </summary>
public static class InternetChecksum
{
    /// <summary>Adds octets that start at an even offset of the checksummed whole to a sum.</summary>
    /// <param name="bytes">The octets; an odd last one counts as the high half of a word.</param>
    /// <param name="sum">The sum so far.</param>
    /// <returns>The new sum, folded to 16 bits.</returns>
    public static uint Accumulate(ReadOnlySpan<byte> bytes, uint sum = 0)
    {
        // The ones' complement sum does not depend on byte order but for one swap at the end (RFC 1071 §2 B).
        ReadOnlySpan<Vector<uint>> vectors = MemoryMarshal.Cast<byte, Vector<uint>>(bytes);
        ulong total = Total(vectors);
        bytes = bytes[(vectors.Length * Vector<byte>.Count)..];
        ReadOnlySpan<ulong> wide = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong eight in wide) total += (uint)eight + (eight >> 32);

        ReadOnlySpan<byte> rest = bytes[(wide.Length * 8)..];
        if (rest.Length >= 4)
        {
            total += MemoryMarshal.Read<uint>(rest);
            rest = rest[4..];
        }

        if (rest.Length >= 2)
        {
            total += MemoryMarshal.Read<ushort>(rest);
            rest = rest[2..];
        }

        if (rest.Length == 1) total += BitConverter.IsLittleEndian ? rest[0] : (uint)rest[0] << 8;

        uint folded = FoldWide(total);
        if (BitConverter.IsLittleEndian) folded = BinaryPrimitives.ReverseEndianness((ushort)folded);
        return Fold(Fold(sum) + folded);
    }

    /// <summary>Joins the sum of a later piece to a sum.</summary>
    /// <param name="sum">The sum of what comes before.</param>
    /// <param name="piece">The sum of the piece, computed as if it began at an even offset.</param>
    /// <param name="pieceOffset">Where the piece begins in the whole; odd offsets are what this method is for.</param>
    public static uint Combine(uint sum, uint piece, long pieceOffset)
    {
        ushort folded = Fold(piece);
        if ((pieceOffset & 1) != 0) folded = BinaryPrimitives.ReverseEndianness(folded);
        return Fold(Fold(sum) + (uint)folded);
    }

    /// <summary>Adds a 16-bit field to a sum.</summary>
    public static uint AddUInt16(uint sum, ushort value) => Fold(Fold(sum) + (uint)value);

    /// <summary>Adds a 32-bit field at an even offset to a sum.</summary>
    public static uint AddUInt32(uint sum, uint value) => FoldWide((ulong)sum + value);

    /// <summary>Adds a 64-bit field at an even offset to a sum.</summary>
    public static uint AddUInt64(uint sum, ulong value) => FoldWide((ulong)sum + (uint)value + (value >> 32));

    /// <summary>Folds a sum to 16 bits, without complementing it.</summary>
    public static ushort Fold(uint sum)
    {
        sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)((sum & 0xffff) + (sum >> 16));
    }

    /// <summary>The checksum to put into a header: the complement of the folded sum.</summary>
    public static ushort Finish(uint sum) => (ushort)~Fold(sum);

    /// <summary>Whether a sum that includes the transmitted checksum says that nothing was changed.</summary>
    public static bool IsValid(uint sum) => Fold(sum) == 0xffff;

    /// <summary>The sum of the pseudo-header of IPv4 (RFC 9293 §3.1) or IPv6 (RFC 8200 §8.1).</summary>
    /// <param name="source">Source address.</param>
    /// <param name="destination">Destination address, of the same family.</param>
    /// <param name="protocol">The upper protocol.</param>
    /// <param name="length">Octets of the upper-layer header and payload.</param>
    public static uint PseudoHeader(IpAddress source, IpAddress destination, byte protocol, int length) =>
        FoldWide(source.ChecksumWords() + destination.ChecksumWords() + protocol + (uint)length);

    private static ulong Total(ReadOnlySpan<Vector<uint>> vectors)
    {
        // A lane of 64 bits holds the sum of more words than any packet has.
        Vector<ulong> lanes = Vector<ulong>.Zero;
        foreach (Vector<uint> words in vectors)
        {
            Vector.Widen(words, out Vector<ulong> low, out Vector<ulong> high);
            lanes += low + high;
        }

        return Vector.Sum(lanes);
    }

    private static uint FoldWide(ulong total)
    {
        total = (total & 0xffff_ffff) + (total >> 32);
        total = (total & 0xffff_ffff) + (total >> 32);
        return Fold((uint)total);
    }
}
