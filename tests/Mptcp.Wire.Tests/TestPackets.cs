using System.Buffers.Binary;

namespace Mptcp.Wire.Tests;

/// <summary>Packets put together octet by octet, so that the parsers are not judged by the writers.</summary>
internal static class TestPackets
{
    public static readonly IpAddress HostV4 = IpAddress.Parse("192.0.2.1");

    public static readonly IpAddress PeerV4 = IpAddress.Parse("198.51.100.2");

    public static readonly IpAddress HostV6 = IpAddress.Parse("2001:db8::1");

    public static readonly IpAddress PeerV6 = IpAddress.Parse("2001:db8:ffff::2");

    public static byte[] V4(byte protocol, byte[] payload, int fragmentField = 0, byte[]? options = null)
    {
        options ??= [];
        int total = 20 + options.Length + payload.Length;
        byte[] header =
        [
            (byte)(0x45 + (options.Length / 4)), 0, (byte)(total >> 8), (byte)total,
            0x12, 0x34, (byte)(fragmentField >> 8), (byte)fragmentField,
            64, protocol, 0, 0,
            .. PeerV4.ToIPAddress().GetAddressBytes(), .. HostV4.ToIPAddress().GetAddressBytes(), .. options,
        ];
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(10), NaiveChecksum.Checksum(header));
        return [.. header, .. payload];
    }

    public static byte[] V6(byte protocol, byte[] payload) =>
    [
        0x60, 0, 0, 0, (byte)(payload.Length >> 8), (byte)payload.Length, protocol, 64,
        .. PeerV6.ToIPAddress().GetAddressBytes(), .. HostV6.ToIPAddress().GetAddressBytes(), .. payload,
    ];

    /// <summary>An ICMP message of IPv4 with its checksum.</summary>
    public static byte[] IcmpV4(byte type, byte code, uint field, byte[] cited) =>
        V4(IpProtocol.Icmp, Icmp(type, code, field, cited, []));

    /// <summary>An ICMPv6 message with its checksum.</summary>
    public static byte[] IcmpV6(byte type, byte code, uint field, byte[] cited) =>
        V6(
            IpProtocol.IcmpV6,
            Icmp(type, code, field, cited, NaiveChecksum.PseudoHeader(PeerV6, HostV6, IpProtocol.IcmpV6, 8 + cited.Length)));

    /// <summary>Makes the checksums of a damaged packet right again, as far as it can be understood.</summary>
    public static void Repair(Span<byte> bytes)
    {
        if (bytes.Length >= 20 && bytes[0] >> 4 == 4)
        {
            int header = (bytes[0] & 0xf) * 4;
            if (header < 20 || header > bytes.Length) return;
            BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], (ushort)bytes.Length);
            BinaryPrimitives.WriteUInt16BigEndian(bytes[10..], 0);
            BinaryPrimitives.WriteUInt16BigEndian(bytes[10..], NaiveChecksum.Checksum(bytes[..header]));
            Repair(bytes[header..], bytes[9], IpAddress.FromBytes(bytes.Slice(12, 4)), IpAddress.FromBytes(bytes.Slice(16, 4)));
        }
        else if (bytes.Length >= 40 && bytes[0] >> 4 == 6)
        {
            BinaryPrimitives.WriteUInt16BigEndian(bytes[4..], (ushort)(bytes.Length - 40));
            Repair(bytes[40..], bytes[6], IpAddress.FromBytes(bytes.Slice(8, 16)), IpAddress.FromBytes(bytes.Slice(24, 16)));
        }
    }

    private static void Repair(Span<byte> upper, byte protocol, IpAddress source, IpAddress destination)
    {
        int at = protocol == IpProtocol.Tcp ? 16 : 2;
        if (upper.Length < at + 2) return;
        BinaryPrimitives.WriteUInt16BigEndian(upper[at..], 0);
        byte[] pseudoHeader = protocol == IpProtocol.Icmp
            ? []
            : NaiveChecksum.PseudoHeader(source, destination, protocol, upper.Length);
        BinaryPrimitives.WriteUInt16BigEndian(upper[at..], NaiveChecksum.Checksum([.. pseudoHeader, .. upper]));
    }

    private static byte[] Icmp(byte type, byte code, uint field, byte[] cited, byte[] pseudoHeader)
    {
        byte[] message =
        [
            type, code, 0, 0, (byte)(field >> 24), (byte)(field >> 16), (byte)(field >> 8), (byte)field, .. cited,
        ];
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), NaiveChecksum.Checksum([.. pseudoHeader, .. message]));
        return message;
    }
}
