using System.Buffers.Binary;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>
/// Changes of headers as a router or NAT makes them: checksums are updated and not computed anew (RFC 1624), so that
/// damage stays visible to the receiver.
/// </summary>
internal static class PacketHeaders
{
    public const int V4Length = 20;
    public const int V6Length = 40;
    public const int TcpChecksum = 16;
    private const int V4Checksum = 10;

    public static bool IsV4(ReadOnlySpan<byte> packet) => packet[0] >> 4 == 4;

    /// <summary>Whether the sender understands a mark of congestion (RFC 3168 §5).</summary>
    public static bool IsEcnCapable(ReadOnlySpan<byte> packet) =>
        packet.Length >= V4Length && (IsV4(packet) ? packet[1] : packet[1] >> 4) % 4 != 0;

    /// <summary>Whether it is a TCP segment with payload; false where extension headers hide it.</summary>
    public static bool CarriesTcpPayload(ReadOnlySpan<byte> packet)
    {
        const int protocolTcp = 6;
        const int dataOffset = 12;
        if (packet.Length < V4Length)
        {
            return false;
        }

        bool v4 = IsV4(packet);
        int tcp = v4 ? (packet[0] & 15) * 4 : V6Length;
        return packet[v4 ? 9 : 6] == protocolTcp && packet.Length > tcp + dataOffset
            && packet.Length > tcp + (packet[tcp + dataOffset] >> 4) * 4;
    }

    /// <summary>A number for the addresses and ports of a packet: the same for all of a connection in one direction.</summary>
    public static ulong FlowOf(ReadOnlySpan<byte> packet)
    {
        const int ports = 4;
        bool v4 = IsV4(packet);
        int transport = v4 ? (packet[0] & 15) * 4 : V6Length;
        ReadOnlySpan<byte> fields = packet[(v4 ? 12 : 8)..Math.Min(v4 ? V4Length : V6Length, packet.Length)];
        ulong flow = 0;
        for (; fields.Length >= sizeof(uint); fields = fields[sizeof(uint)..])
        {
            flow = SplitMix64.At(flow, BinaryPrimitives.ReadUInt32BigEndian(fields));
        }

        return packet.Length < transport + ports ? flow : SplitMix64.At(flow, BinaryPrimitives.ReadUInt32BigEndian(packet[transport..]));
    }

    /// <summary>Sets "congestion experienced".</summary>
    public static void MarkCongestion(Span<byte> packet)
    {
        if (IsV4(packet))
        {
            Write16(packet, 0, (ushort)(Read16(packet, 0) | 3), V4Checksum);
        }
        else
        {
            packet[1] |= 0x30;
        }
    }

    /// <summary>Takes one from the hop limit; false when none is left.</summary>
    public static bool TryHop(Span<byte> packet)
    {
        if (!IsV4(packet))
        {
            return packet[7] > 1 && --packet[7] > 0;
        }

        if (packet[8] <= 1)
        {
            return false;
        }

        Write16(packet, 8, (ushort)(Read16(packet, 8) - 0x100), V4Checksum);
        return true;
    }

    /// <summary>Replaces the source or destination of a TCP packet without IP options or extension headers.</summary>
    public static void WriteEndpoint(Span<byte> packet, bool source, IpEndpoint endpoint)
    {
        bool v4 = IsV4(packet);
        int tcp = v4 ? V4Length : V6Length;
        int address = v4 ? (source ? 12 : 16) : (source ? 8 : 24);
        Span<byte> bytes = stackalloc byte[16];
        endpoint.Address.CopyTo(bytes);
        for (int i = 0; i < endpoint.Address.ByteCount; i += 2)
        {
            ushort word = BinaryPrimitives.ReadUInt16BigEndian(bytes[i..]);
            ushort old = Read16(packet, address + i);
            Update(packet, tcp + TcpChecksum, old, word);
            if (v4)
            {
                Update(packet, V4Checksum, old, word);
            }

            BinaryPrimitives.WriteUInt16BigEndian(packet[(address + i)..], word);
        }

        Write16(packet, source ? tcp : tcp + 2, endpoint.Port, tcp + TcpChecksum);
    }

    private static void Write16(Span<byte> packet, int offset, ushort value, int checksum)
    {
        Update(packet, checksum, Read16(packet, offset), value);
        BinaryPrimitives.WriteUInt16BigEndian(packet[offset..], value);
    }

    private static void Update(Span<byte> packet, int checksum, ushort old, ushort value)
    {
        uint sum = (ushort)~Read16(packet, checksum);
        sum = InternetChecksum.AddUInt16(InternetChecksum.AddUInt16(sum, (ushort)~old), value);
        BinaryPrimitives.WriteUInt16BigEndian(packet[checksum..], InternetChecksum.Finish(sum));
    }

    private static ushort Read16(ReadOnlySpan<byte> packet, int offset) => BinaryPrimitives.ReadUInt16BigEndian(packet[offset..]);
}
