using System.Runtime.CompilerServices;

namespace Mptcp.Wire;

/// <summary>REMOVE_ADDR (RFC 8684 §3.4.2, Figure 13): the identifiers of addresses that are gone.</summary>
public readonly struct RemoveAddressOption : IEquatable<RemoveAddressOption>
{
    /// <summary>The most identifiers that fit into the options of a segment.</summary>
    public const int MaxCount = TcpPacket.MaxOptionsLength - 3;

    private readonly Ids _ids;
    private readonly byte _count;

    /// <summary>Names one address.</summary>
    public RemoveAddressOption(byte addressId)
    {
        _ids[0] = addressId;
        _count = 1;
    }

    /// <summary>Names several addresses.</summary>
    /// <param name="addressIds">1 to <see cref="MaxCount"/> identifiers.</param>
    public RemoveAddressOption(ReadOnlySpan<byte> addressIds)
    {
        ArgumentOutOfRangeException.ThrowIfZero(addressIds.Length, nameof(addressIds));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(addressIds.Length, MaxCount, nameof(addressIds));
        Span<byte> ids = _ids;
        addressIds.CopyTo(ids);
        _count = (byte)addressIds.Length;
    }

    /// <summary>How many identifiers there are.</summary>
    public int Count => _count;

    /// <summary>Octets of the option: 3 and one per identifier.</summary>
    public int Length => 3 + _count;

    /// <summary>Reads an option.</summary>
    /// <param name="option">The whole option, kind and length included.</param>
    /// <param name="value">The fields.</param>
    /// <returns>False when it is another option or names no address.</returns>
    public static bool TryParse(ReadOnlySpan<byte> option, out RemoveAddressOption value)
    {
        value = default;
        if (!MptcpOption.Is(option, MptcpSubtype.RemoveAddress)) return false;
        if (option.Length < 4 || option.Length > 3 + MaxCount) return false;

        value = new RemoveAddressOption(option[3..]);
        return true;
    }

    /// <summary>Equality of the lists, order included.</summary>
    public static bool operator ==(RemoveAddressOption left, RemoveAddressOption right) => left.Equals(right);

    /// <summary>Inequality of the lists.</summary>
    public static bool operator !=(RemoveAddressOption left, RemoveAddressOption right) => !left.Equals(right);

    /// <summary>An identifier.</summary>
    /// <param name="index">0 up to <see cref="Count"/>, exclusive.</param>
    public byte Get(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, _count, nameof(index));
        return _ids[index];
    }

    /// <summary>Writes the option.</summary>
    /// <returns>False when it does not fit, or names no address.</returns>
    public bool TryWrite(ref TcpOptionWriter writer)
    {
        if (_count == 0) return false;
        if (!MptcpOption.TryBegin(ref writer, MptcpSubtype.RemoveAddress, Length, 0, out Span<byte> option)) return false;

        ReadOnlySpan<byte> ids = _ids;
        ids[.._count].CopyTo(option[3..]);
        return true;
    }

    /// <inheritdoc/>
    public bool Equals(RemoveAddressOption other)
    {
        ReadOnlySpan<byte> mine = _ids;
        ReadOnlySpan<byte> theirs = other._ids;
        return _count == other._count && mine[.._count].SequenceEqual(theirs[.._count]);
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is RemoveAddressOption other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        ReadOnlySpan<byte> ids = _ids;
        hash.AddBytes(ids[.._count]);
        return hash.ToHashCode();
    }

    [InlineArray(MaxCount)]
    private struct Ids
    {
        private byte _first;
    }
}
