using System.Buffers.Binary;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>The middlebox that Multipath TCP fears most: it overwrites options that it does not know by padding.</summary>
public static class OptionStripper
{
    /// <summary>Removes the options of Multipath TCP; to be used as a <see cref="PacketFilter"/>. Passes everything.</summary>
    public static bool RemoveMptcp(PathDirection direction, Span<byte> packet)
    {
        if (!IpPacket.TryParse(packet, out IpPacket ip, out _)
            || packet.Length - ip.Payload.Length != TcpPacket.IpHeaderLength(ip.Source.IsV4)
            || !TcpSegment.TryParse(ip, verifyChecksum: false, out TcpSegment segment, out _)
            || segment.Options.IsEmpty)
        {
            return true;
        }

        Span<byte> tcp = packet[^ip.Payload.Length..];
        Span<byte> options = tcp.Slice(TcpPacket.HeaderLength, segment.Options.Length);
        uint before = InternetChecksum.Accumulate(options);
        var reader = new TcpOptionReader(options);
        while (reader.TryRead(out byte kind, out ReadOnlySpan<byte> option))
        {
            if (kind == TcpOptionKind.Mptcp && options.Overlaps(option, out int offset))
            {
                options.Slice(offset, option.Length).Fill(TcpOptionKind.NoOperation);
            }
        }

        Span<byte> checksum = tcp[PacketHeaders.TcpChecksum..];
        uint sum = (ushort)~BinaryPrimitives.ReadUInt16BigEndian(checksum);
        sum = InternetChecksum.AddUInt16(InternetChecksum.AddUInt16(sum, (ushort)~before), (ushort)InternetChecksum.Accumulate(options));
        BinaryPrimitives.WriteUInt16BigEndian(checksum, InternetChecksum.Finish(sum));
        return true;
    }
}
