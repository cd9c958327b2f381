using System.Buffers.Binary;

namespace Mptcp.Wire.Tests;

/// <summary>Reads the IP packets of a classic pcap file of either byte order.</summary>
internal static class PcapReader
{
    private const int FileHeader = 24;
    private const int RecordHeader = 16;

    public static IReadOnlyList<byte[]> ReadIpPackets(string path)
    {
        ReadOnlySpan<byte> file = File.ReadAllBytes(path);
        bool littleEndian = BinaryPrimitives.ReadUInt32LittleEndian(file) is 0xa1b2c3d4 or 0xa1b23c4d;
        int linkHeader = LinkHeader(ReadUInt32(file[20..], littleEndian), out int typeAt);
        var packets = new List<byte[]>();
        for (int at = FileHeader; at < file.Length;)
        {
            int captured = (int)ReadUInt32(file[(at + 8)..], littleEndian);
            int onTheWire = (int)ReadUInt32(file[(at + 12)..], littleEndian);
            if (captured != onTheWire) throw new InvalidDataException($"{path} has packets that are cut short.");
            ReadOnlySpan<byte> frame = file.Slice(at + RecordHeader, captured);
            at += RecordHeader + captured;
            if (typeAt < 0 || BinaryPrimitives.ReadUInt16BigEndian(frame[typeAt..]) is 0x0800 or 0x86dd)
                packets.Add(frame[linkHeader..].ToArray());
        }

        return packets;
    }

    private static int LinkHeader(uint linkType, out int typeAt)
    {
        (int length, typeAt) = linkType switch
        {
            1 => (14, 12), // Ethernet
            101 => (0, -1), // raw IP
            113 => (16, 14), // Linux cooked
            _ => throw new InvalidDataException($"Link type {linkType} is not known."),
        };
        return length;
    }

    private static uint ReadUInt32(ReadOnlySpan<byte> bytes, bool littleEndian) => littleEndian
        ? BinaryPrimitives.ReadUInt32LittleEndian(bytes)
        : BinaryPrimitives.ReadUInt32BigEndian(bytes);
}
