using System.Buffers.Binary;

namespace Mptcp.Wire;

/// <summary>
/// What the Fast Open option carries (RFC 7413 §4.1.1): a cookie of 4 to 16 octets, an even number, or nothing, which
/// asks for one. The default value is the empty one.
/// </summary>
public readonly record struct FastOpenCookie
{
    /// <summary>The most octets that a cookie has.</summary>
    public const int MaxLength = 16;

    /// <summary>The least octets that a cookie has.</summary>
    public const int MinLength = 4;

    private readonly UInt128 _octets;
    private readonly byte _length;

    private FastOpenCookie(UInt128 octets, byte length) => (_octets, _length) = (octets, length);

    /// <summary>Its octets: 0 for the request, else 4 to 16.</summary>
    public int Length => _length;

    /// <summary>Whether this asks for a cookie.</summary>
    public bool IsEmpty => _length == 0;

    /// <summary>Takes the body of an option; false for a length that no cookie has.</summary>
    public static bool TryCreate(ReadOnlySpan<byte> octets, out FastOpenCookie cookie)
    {
        cookie = default;
        bool valid = octets.IsEmpty || (octets.Length is >= MinLength and <= MaxLength && octets.Length % 2 == 0);
        if (valid)
        {
            Span<byte> padded = stackalloc byte[MaxLength];
            padded.Clear();
            octets.CopyTo(padded);
            cookie = new FastOpenCookie(BinaryPrimitives.ReadUInt128BigEndian(padded), (byte)octets.Length);
        }

        return valid;
    }

    /// <summary>Writes its octets to the front of <paramref name="destination"/>, at least <see cref="Length"/> long.</summary>
    public void CopyTo(Span<byte> destination)
    {
        Span<byte> padded = stackalloc byte[MaxLength];
        BinaryPrimitives.WriteUInt128BigEndian(padded, _octets);
        padded[.._length].CopyTo(destination);
    }

    /// <summary>Its first octets, an even number of at most <paramref name="length"/>; empty when those make no cookie.</summary>
    public FastOpenCookie Truncate(int length)
    {
        Span<byte> octets = stackalloc byte[MaxLength];
        CopyTo(octets);
        _ = TryCreate(octets[..(Math.Clamp(length, 0, _length) & ~1)], out FastOpenCookie shorter);
        return shorter;
    }

    /// <summary>The octets in hexadecimal.</summary>
    public override string ToString()
    {
        Span<byte> octets = stackalloc byte[MaxLength];
        CopyTo(octets);
        return Convert.ToHexStringLower(octets[.._length]);
    }
}
