using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Mptcp.Wire;

namespace Mptcp.Native;

/// <summary>struct sockaddr_in and sockaddr_in6 of Linux: their fields lie in the machine's order but for port and address.</summary>
internal static class SocketAddresses
{
    public const int FamilyLength = 2;
    public const int V4Length = 16;
    public const int V6Length = 28;
    public const int StorageLength = 128;

    // RFC 2133 had no scope in it, and Linux still takes that form.
    public const int ShortV6Length = 24;

    /// <summary>The family; the span holds at least <see cref="FamilyLength"/> bytes.</summary>
    public static int FamilyOf(ReadOnlySpan<byte> address) => MemoryMarshal.Read<ushort>(address);

    /// <summary>Reads an address of a family that is there with its least length.</summary>
    public static IpEndpoint Read(ReadOnlySpan<byte> address) => new(
        IpAddress.FromBytes(FamilyOf(address) == Families.AF_INET ? address.Slice(4, 4) : address.Slice(8, 16)),
        BinaryPrimitives.ReadUInt16BigEndian(address[2..]));

    /// <summary>Writes an address into at least <see cref="StorageLength"/> bytes; returns its length.</summary>
    public static int Write(Span<byte> destination, IpEndpoint endpoint)
    {
        bool v4 = endpoint.Address.IsV4;
        int length = v4 ? V4Length : V6Length;
        destination[..length].Clear();
        MemoryMarshal.Write(destination, (ushort)(v4 ? Families.AF_INET : Families.AF_INET6));
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], endpoint.Port);
        endpoint.Address.CopyTo(destination[(v4 ? 4 : 8)..]);
        return length;
    }

    /// <summary>What an IPv6 socket calls an IPv4 address: ::ffff:a.b.c.d (RFC 4291 §2.5.5.2).</summary>
    public static IpAddress ToMapped(IpAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes[10..12].Fill(0xff);
        address.CopyTo(bytes[12..]);
        return IpAddress.FromBytes(bytes);
    }

    /// <summary>The IPv4 address that a mapped one stands for; any other as it is.</summary>
    public static IpAddress FromMapped(IpAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (address.IsV4)
        {
            return address;
        }

        address.CopyTo(bytes);
        bool mapped = !bytes[..10].ContainsAnyExcept((byte)0) && bytes[10] == 0xff && bytes[11] == 0xff;
        return mapped ? IpAddress.FromBytes(bytes[12..]) : address;
    }
}
