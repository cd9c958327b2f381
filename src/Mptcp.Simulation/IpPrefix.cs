using System.Globalization;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>Addresses that begin with the same bits.</summary>
public readonly record struct IpPrefix
{
    /// <summary>Makes a prefix.</summary>
    /// <param name="address">Any address in it.</param>
    /// <param name="length">How many bits are common: 0 to 32 or 128.</param>
    public IpPrefix(IpAddress address, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)address.ByteCount * 8, nameof(length));
        (Address, Length) = (address, length);
    }

    /// <summary>An address in it.</summary>
    public IpAddress Address { get; }

    /// <summary>How many bits are common.</summary>
    public int Length { get; }

    /// <summary>Reads "10.0.0.0/24" or "fd00::/64".</summary>
    /// <exception cref="FormatException">Not a prefix.</exception>
    public static IpPrefix Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        return slash > 0
            && IpAddress.TryParse(text[..slash], out IpAddress address)
            && int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int length)
            && length <= address.ByteCount * 8
            ? new IpPrefix(address, length)
            : throw new FormatException($"'{text}' is not a prefix such as 10.0.0.0/24.");
    }

    /// <summary>Whether an address begins with it.</summary>
    public bool Contains(IpAddress address)
    {
        if (address.IsV4 != Address.IsV4)
        {
            return false;
        }

        Span<byte> ours = stackalloc byte[16];
        Span<byte> theirs = stackalloc byte[16];
        Address.CopyTo(ours);
        address.CopyTo(theirs);
        int whole = Length / 8;
        return ours[..whole].SequenceEqual(theirs[..whole])
            && (Length % 8 == 0 || (ours[whole] ^ theirs[whole]) >> (8 - Length % 8) == 0);
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Address}/{Length}");
}
