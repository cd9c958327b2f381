using System.Buffers.Binary;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>Errors as routers write them: RFC 792 and 1191, RFC 4443.</summary>
internal static class IcmpErrors
{
    /// <summary>As much as any host takes without a path MTU: 576 or 1280 octets.</summary>
    public const int MaxLength = 1280;

    public static readonly Kind TooBig = new(3, 4, 2, 0);
    public static readonly Kind NoRoute = new(3, 0, 1, 0);
    public static readonly Kind NoHopLeft = new(11, 0, 3, 0);

    private const int HeaderLength = 8;
    private const int MaxV4Length = 576;

    /// <summary>Types and codes of both families.</summary>
    internal readonly record struct Kind(byte V4Type, byte V4Code, byte V6Type, byte V6Code);

    /// <summary>Writes the answer to a packet; false where none is due: to ICMP itself, to damage, across families.</summary>
    public static bool TryWrite(
        Span<byte> buffer, in Kind kind, IpAddress from, int mtu, ReadOnlySpan<byte> packet, out int length)
    {
        length = 0;
        if (!IpPacket.TryParse(packet, out IpPacket ip, out _)
            || ip.Protocol is IpProtocol.Icmp or IpProtocol.IcmpV6
            || ip.Source.IsV4 != from.IsV4)
        {
            return false;
        }

        bool v4 = from.IsV4;
        int header = v4 ? PacketHeaders.V4Length : PacketHeaders.V6Length;
        int quoted = Math.Min(packet.Length, (v4 ? MaxV4Length : MaxLength) - header - HeaderLength);
        Span<byte> icmp = buffer.Slice(header, HeaderLength + quoted);
        icmp[..HeaderLength].Clear();
        (icmp[0], icmp[1]) = v4 ? (kind.V4Type, kind.V4Code) : (kind.V6Type, kind.V6Code);
        BinaryPrimitives.WriteUInt32BigEndian(icmp[4..], (uint)mtu);
        packet[..quoted].CopyTo(icmp[HeaderLength..]);
        length = header + icmp.Length;
        WriteIp(buffer[..length], from, ip.Source);
        return true;
    }

    /// <summary>Sends an error on to the inside: its destination, the source that it cites, and all checksums anew.</summary>
    /// <param name="packet">An error about a TCP segment.</param>
    /// <param name="from">Its source.</param>
    /// <param name="inside">Whom the cited segment came from.</param>
    /// <returns>False where it cites too little, or a packet with options.</returns>
    public static bool TryTranslate(Span<byte> packet, IpAddress from, IpEndpoint inside)
    {
        int header = TcpPacket.IpHeaderLength(from.IsV4);
        const int throughChecksum = PacketHeaders.TcpChecksum + 2;
        if (packet.Length < header + HeaderLength + header + throughChecksum)
        {
            return false;
        }

        Span<byte> cited = packet[(header + HeaderLength)..];
        if (from.IsV4 ? cited[0] != 0x45 : cited[6] != IpProtocol.Tcp)
        {
            return false;
        }

        PacketHeaders.WriteEndpoint(cited, source: true, inside);
        WriteIp(packet, from, inside.Address);
        return true;
    }

    /// <summary>Writes the IP header, and the checksum of the message behind it.</summary>
    private static void WriteIp(Span<byte> packet, IpAddress from, IpAddress to)
    {
        Span<byte> icmp = packet[TcpPacket.IpHeaderLength(from.IsV4)..];
        icmp[2..4].Clear();
        uint sum = from.IsV4 ? 0 : InternetChecksum.PseudoHeader(from, to, IpProtocol.IcmpV6, icmp.Length);
        BinaryPrimitives.WriteUInt16BigEndian(icmp[2..], InternetChecksum.Finish(InternetChecksum.Accumulate(icmp, sum)));
        if (!from.IsV4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(packet, 0x6000_0000);
            BinaryPrimitives.WriteUInt16BigEndian(packet[4..], (ushort)(packet.Length - PacketHeaders.V6Length));
            (packet[6], packet[7]) = (IpProtocol.IcmpV6, TcpPacket.HopLimit);
            from.CopyTo(packet[8..]);
            to.CopyTo(packet[24..]);
            return;
        }

        packet[..PacketHeaders.V4Length].Clear();
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)packet.Length);
        (packet[8], packet[9]) = (TcpPacket.HopLimit, IpProtocol.Icmp);
        from.CopyTo(packet[12..]);
        to.CopyTo(packet[16..]);
        BinaryPrimitives.WriteUInt16BigEndian(
            packet[10..], InternetChecksum.Finish(InternetChecksum.Accumulate(packet[..PacketHeaders.V4Length])));
    }
}
