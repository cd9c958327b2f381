using System.Buffers.Binary;

namespace Mptcp.Lab;

/// <summary>Reads the IP packets of a capture, classic pcap of either byte order or little-endian pcapng.</summary>
public static class CaptureFile
{
    private const uint PcapngSection = 0x0A0D0D0A;
    private const uint PcapngInterface = 1;
    private const uint PcapngPacket = 6;
    private const int Ethernet = 1;
    private const int CookedLinux = 113;

    /// <summary>The packets in the order of the file, each from its IP header on.</summary>
    /// <exception cref="InvalidDataException">The file is no capture, or one of a link type that is not read.</exception>
    public static IEnumerable<ReadOnlyMemory<byte>> Read(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        if (file.Length < 24)
        {
            throw new InvalidDataException($"{path} is too short for a capture");
        }

        return BinaryPrimitives.ReadUInt32LittleEndian(file) switch
        {
            PcapngSection => ReadPcapng(file, path),
            0xa1b2c3d4 or 0xa1b23c4d => ReadPcap(file, path, littleEndian: true),
            0xd4c3b2a1 or 0x4d3cb2a1 => ReadPcap(file, path, littleEndian: false),
            _ => throw new InvalidDataException($"{path} is neither pcap nor pcapng"),
        };
    }

    private static IEnumerable<ReadOnlyMemory<byte>> ReadPcap(byte[] file, string path, bool littleEndian)
    {
        const int fileHeader = 24;
        const int recordHeader = 16;
        int linkType = (int)ReadUInt32(file, 20, littleEndian);
        for (int at = fileHeader; at + recordHeader <= file.Length;)
        {
            int length = (int)ReadUInt32(file, at + 8, littleEndian);
            yield return WithoutLinkHeader(file.AsMemory(at + recordHeader, length), linkType, path);
            at += recordHeader + length;
        }
    }

    private static IEnumerable<ReadOnlyMemory<byte>> ReadPcapng(byte[] file, string path)
    {
        var linkTypes = new List<int>();
        for (int at = 0; at + 12 <= file.Length;)
        {
            uint type = ReadUInt32(file, at, littleEndian: true);
            int total = (int)ReadUInt32(file, at + 4, littleEndian: true);
            if (total < 12 || at + total > file.Length)
            {
                // Whoever wrote it was ended in the middle of a block.
                yield break;
            }

            if (type == PcapngInterface)
            {
                linkTypes.Add(BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(at + 8)));
            }
            else if (type == PcapngPacket)
            {
                int linkType = linkTypes[(int)ReadUInt32(file, at + 8, littleEndian: true)];
                int length = (int)ReadUInt32(file, at + 20, littleEndian: true);
                yield return WithoutLinkHeader(file.AsMemory(at + 28, length), linkType, path);
            }

            at += total;
        }
    }

    private static ReadOnlyMemory<byte> WithoutLinkHeader(ReadOnlyMemory<byte> frame, int linkType, string path) => linkType switch
    {
        101 or 228 or 229 => frame,
        Ethernet => frame[14..],
        CookedLinux => frame[16..],
        _ => throw new InvalidDataException($"{path} has packets of link type {linkType}, which is not read"),
    };

    private static uint ReadUInt32(byte[] file, int at, bool littleEndian) => littleEndian
        ? BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at))
        : BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at));
}
