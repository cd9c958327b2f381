using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Mptcp.Wire;

/// <summary>
/// An IPv4 or IPv6 address as a value. The default value is the IPv4 address 0.0.0.0. IPv6 scopes are not kept, and an
/// IPv4-mapped IPv6 address stays IPv6: on the wire the two are different addresses.
/// </summary>
public readonly struct IpAddress : IEquatable<IpAddress>
{
    private readonly ulong _high;
    private readonly ulong _low;
    private readonly bool _isV6;

    private IpAddress(ulong high, ulong low, bool isV6)
    {
        _high = high;
        _low = low;
        _isV6 = isV6;
    }

    /// <summary>The IPv4 address 0.0.0.0.</summary>
    public static IpAddress AnyV4 => default;

    /// <summary>The IPv6 address ::.</summary>
    public static IpAddress AnyV6 => new(0, 0, isV6: true);

    /// <summary>Whether this is an IPv4 address.</summary>
    public bool IsV4 => !_isV6;

    /// <summary>Whether this is an IPv6 address.</summary>
    public bool IsV6 => _isV6;

    /// <summary>Whether this is 0.0.0.0 or ::.</summary>
    public bool IsUnspecified => (_high | _low) == 0;

    /// <summary>Whether this is in 127.0.0.0/8 or is ::1.</summary>
    public bool IsLoopback => _isV6 ? _high == 0 && _low == 1 : _low >> 24 == 127;

    /// <summary>Whether this is a multicast address, or the IPv4 limited broadcast: never an end of a TCP connection.</summary>
    public bool IsMulticastOrBroadcast => _isV6 ? _high >> 56 == 0xff : _low >> 28 == 0xe || _low == uint.MaxValue;

    /// <summary>
    /// Whether this means something only near by: RFC 1918, RFC 6598, RFC 4193, link-local (RFC 3927, RFC 4291), or loopback.
    /// </summary>
    public bool IsPrivate => IsLoopback || (_isV6
        ? _high >> 57 == 0xfc >> 1 || _high >> 54 == 0xfe80 >> 6
        : _low >> 24 == 10 || _low >> 20 == 0xac1 || _low >> 16 == 0xc0a8 || _low >> 16 == 0xa9fe || _low >> 22 == 0x6440 >> 6);

    /// <summary>Octets on the wire: 4 or 16.</summary>
    public int ByteCount => _isV6 ? 16 : 4;

    /// <summary>Reads an address in network byte order.</summary>
    /// <param name="bytes">Exactly 4 or 16 octets.</param>
    /// <exception cref="ArgumentException">Another number of octets.</exception>
    public static IpAddress FromBytes(ReadOnlySpan<byte> bytes) => bytes.Length switch
    {
        4 => new IpAddress(0, BinaryPrimitives.ReadUInt32BigEndian(bytes), isV6: false),
        16 => new IpAddress(
            BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]), isV6: true),
        _ => throw new ArgumentException("An IP address has 4 or 16 octets.", nameof(bytes)),
    };

    /// <summary>Converts the framework's address; an IPv6 scope is dropped.</summary>
    public static IpAddress From(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int written);
        return FromBytes(bytes[..written]);
    }

    /// <summary>Reads the textual form: four decimal numbers, or the IPv6 forms of RFC 4291 §2.2.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out IpAddress address)
    {
        address = default;
        if (text is null || !IPAddress.TryParse(text, out IPAddress? parsed)) return false;

        // The framework also takes the historical forms "1" and "0x7f.1", which are typing errors here.
        if (parsed.AddressFamily == AddressFamily.InterNetwork && parsed.ToString() != text) return false;

        // Brackets, ports and scopes are not part of an address.
        if (text.AsSpan().IndexOfAny("[]%") >= 0) return false;

        address = From(parsed);
        return true;
    }

    /// <summary>Reads the textual form.</summary>
    /// <exception cref="FormatException">Not an address.</exception>
    public static IpAddress Parse(string text) =>
        TryParse(text, out IpAddress address) ? address : throw new FormatException($"'{text}' is not an IP address.");

    /// <summary>Converts the framework's address.</summary>
    public static explicit operator IpAddress(IPAddress address) => From(address);

    /// <summary>Equality of family and value.</summary>
    public static bool operator ==(IpAddress left, IpAddress right) => left.Equals(right);

    /// <summary>Inequality of family or value.</summary>
    public static bool operator !=(IpAddress left, IpAddress right) => !left.Equals(right);

    /// <summary>Writes the address in network byte order.</summary>
    /// <param name="destination">At least <see cref="ByteCount"/> octets.</param>
    public void CopyTo(Span<byte> destination)
    {
        if (_isV6)
        {
            BinaryPrimitives.WriteUInt64BigEndian(destination, _high);
            BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _low);
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)_low);
        }
    }

    /// <summary>Converts to the framework's address.</summary>
    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        CopyTo(bytes);
        return new IPAddress(bytes[..ByteCount]);
    }

    /// <inheritdoc/>
    public bool Equals(IpAddress other) => _high == other._high && _low == other._low && _isV6 == other._isV6;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is IpAddress other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_high, _low, _isV6);

    /// <inheritdoc/>
    public override string ToString() => ToIPAddress().ToString();

    /// <summary>The address as 32-bit words summed for an Internet checksum.</summary>
    internal ulong ChecksumWords() =>
        (_high >> 32) + (uint)_high + (_low >> 32) + (uint)_low;
}
