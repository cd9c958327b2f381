using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Mptcp.Wire;

/// <summary>Which way a captured packet went, seen from the host that captured it.</summary>
public enum PcapngDirection
{
    /// <summary>Not known.</summary>
    Unknown = 0,

    /// <summary>Received.</summary>
    Inbound = 1,

    /// <summary>Sent.</summary>
    Outbound = 2,
}

/// <summary>
/// The blocks of a pcapng capture file: one section header, then interface descriptions, numbered from 0 in the order
/// written, then packets. Always little-endian, so that the same packets give the same file everywhere.
/// </summary>
public static class PcapngFormat
{
    /// <summary>The link type of packets that begin with their IP header (LINKTYPE_RAW).</summary>
    public const ushort LinkTypeRaw = 101;

    private const uint SectionHeaderBlock = 0x0A0D0D0A;
    private const uint InterfaceDescriptionBlock = 1;
    private const uint EnhancedPacketBlock = 6;
    private const uint ByteOrderMagic = 0x1A2B3C4D;
    private const ushort EndOfOptions = 0;
    private const ushort CommentOption = 1;
    private const ushort InterfaceNameOption = 2;
    private const ushort PacketFlagsOption = 2;
    private const ushort TimestampResolutionOption = 9;
    private const byte Nanoseconds = 9;
    private const int BlockFrame = 12;
    private const int OptionHead = 4;

    /// <summary>Begins a capture.</summary>
    public static void WriteSectionHeader(IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        const int body = 16;
        Span<byte> rest = Begin(output, SectionHeaderBlock, body);
        BinaryPrimitives.WriteUInt32LittleEndian(rest, ByteOrderMagic);
        BinaryPrimitives.WriteUInt16LittleEndian(rest[4..], 1);
        BinaryPrimitives.WriteUInt16LittleEndian(rest[6..], 0);
        BinaryPrimitives.WriteInt64LittleEndian(rest[8..], -1);
        output.Advance(BlockFrame + body);
    }

    /// <summary>Describes the next interface: raw IP, timestamps in nanoseconds.</summary>
    /// <param name="output">Where to write.</param>
    /// <param name="name">What a reader shows, such as the device's name.</param>
    /// <param name="snapLength">The most octets of a packet that are kept; 0 for no limit.</param>
    public static void WriteInterface(IBufferWriter<byte> output, string name, int snapLength)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(name);
        ArgumentOutOfRangeException.ThrowIfNegative(snapLength);
        int body = 8 + TextLength(name) + OptionHead + 4 + OptionHead;
        Span<byte> rest = Begin(output, InterfaceDescriptionBlock, body);
        BinaryPrimitives.WriteUInt16LittleEndian(rest, LinkTypeRaw);
        BinaryPrimitives.WriteUInt16LittleEndian(rest[2..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(rest[4..], (uint)snapLength);
        rest = WriteText(rest[8..], InterfaceNameOption, name);
        rest = WriteOptionHead(rest, TimestampResolutionOption, 1);
        BinaryPrimitives.WriteUInt32LittleEndian(rest, Nanoseconds);
        _ = WriteOptionHead(rest[4..], EndOfOptions, 0);
        output.Advance(BlockFrame + body);
    }

    /// <summary>Adds a packet.</summary>
    /// <param name="output">Where to write.</param>
    /// <param name="interfaceId">The interface, counted from 0.</param>
    /// <param name="timestampNanoseconds">Nanoseconds since the Unix epoch, or since the run began; not negative.</param>
    /// <param name="packet">The packet from its IP header on.</param>
    /// <param name="direction">Which way it went.</param>
    /// <param name="comment">A remark that the reader shows with the packet, at most 65,535 octets of UTF-8.</param>
    public static void WritePacket(
        IBufferWriter<byte> output,
        int interfaceId,
        long timestampNanoseconds,
        ReadOnlySpan<byte> packet,
        PcapngDirection direction = PcapngDirection.Unknown,
        string? comment = null)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentOutOfRangeException.ThrowIfNegative(interfaceId);
        ArgumentOutOfRangeException.ThrowIfNegative(timestampNanoseconds);
        int options = (direction == PcapngDirection.Unknown ? 0 : OptionHead + 4) + (comment is null ? 0 : TextLength(comment));
        if (options > 0) options += OptionHead;

        int body = 20 + Padded(packet.Length) + options;
        Span<byte> rest = Begin(output, EnhancedPacketBlock, body);
        BinaryPrimitives.WriteUInt32LittleEndian(rest, (uint)interfaceId);
        BinaryPrimitives.WriteUInt32LittleEndian(rest[4..], (uint)(timestampNanoseconds >> 32));
        BinaryPrimitives.WriteUInt32LittleEndian(rest[8..], (uint)timestampNanoseconds);
        BinaryPrimitives.WriteUInt32LittleEndian(rest[12..], (uint)packet.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(rest[16..], (uint)packet.Length);
        rest = CopyPadded(rest[20..], packet);
        if (options > 0) WritePacketOptions(rest, direction, comment);
        output.Advance(BlockFrame + body);
    }

    private static void WritePacketOptions(Span<byte> rest, PcapngDirection direction, string? comment)
    {
        if (direction != PcapngDirection.Unknown)
        {
            rest = WriteOptionHead(rest, PacketFlagsOption, 4);
            BinaryPrimitives.WriteUInt32LittleEndian(rest, (uint)direction);
            rest = rest[4..];
        }

        if (comment is not null) rest = WriteText(rest, CommentOption, comment);
        _ = WriteOptionHead(rest, EndOfOptions, 0);
    }

    /// <summary>Writes the type and both lengths of a block; returns the room of its body.</summary>
    private static Span<byte> Begin(IBufferWriter<byte> output, uint type, int body)
    {
        int total = BlockFrame + body;
        Span<byte> block = output.GetSpan(total)[..total];
        BinaryPrimitives.WriteUInt32LittleEndian(block, type);
        BinaryPrimitives.WriteUInt32LittleEndian(block[4..], (uint)total);
        BinaryPrimitives.WriteUInt32LittleEndian(block[^4..], (uint)total);
        return block[8..^4];
    }

    private static Span<byte> WriteOptionHead(Span<byte> rest, ushort code, ushort length)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(rest, code);
        BinaryPrimitives.WriteUInt16LittleEndian(rest[2..], length);
        return rest[OptionHead..];
    }

    private static int TextLength(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        if (length > ushort.MaxValue) throw new ArgumentException("A text has at most 65,535 octets.", nameof(text));
        return OptionHead + Padded(length);
    }

    private static Span<byte> WriteText(Span<byte> rest, ushort code, string text)
    {
        int length = Encoding.UTF8.GetBytes(text, rest[OptionHead..]);
        rest = WriteOptionHead(rest, code, (ushort)length);
        rest[length..Padded(length)].Clear();
        return rest[Padded(length)..];
    }

    private static Span<byte> CopyPadded(Span<byte> rest, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(rest);
        rest[bytes.Length..Padded(bytes.Length)].Clear();
        return rest[Padded(bytes.Length)..];
    }

    private static int Padded(int length) => (length + 3) & ~3;
}
