using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using CsCheck;
using Xunit;

namespace Mptcp.Wire.Tests;

/// <summary>The blocks of a pcapng file, octet by octet (draft-ietf-opsawg-pcapng).</summary>
public class PcapngFormatTests
{
    [Fact]
    public void A_section_header_says_little_endian_and_version_1_0()
    {
        var output = new ArrayBufferWriter<byte>();
        PcapngFormat.WriteSectionHeader(output);
        Assert.Equal(
            Convert.FromHexString("0A0D0D0A1C0000004D3C2B1A01000000FFFFFFFFFFFFFFFF1C000000"), output.WrittenSpan.ToArray());
    }

    [Fact]
    public void An_interface_has_a_name_and_nanoseconds()
    {
        var output = new ArrayBufferWriter<byte>();
        PcapngFormat.WriteInterface(output, "wlan0", 0);
        Assert.Equal(
            Convert.FromHexString(
                "01000000" + "2C000000" + "65000000" + "00000000"
                + "02000500" + "776C616E30000000" + "09000100" + "09000000" + "00000000" + "2C000000"),
            output.WrittenSpan.ToArray());
    }

    [Fact]
    public void A_packet_has_its_time_in_two_halves_high_first()
    {
        var output = new ArrayBufferWriter<byte>();
        PcapngFormat.WritePacket(output, 1, 0x0102030405060708, [0x45, 2, 3, 4, 5], PcapngDirection.Outbound);
        Assert.Equal(
            Convert.FromHexString(
                "06000000" + "34000000" + "01000000" + "04030201" + "08070605" + "05000000" + "05000000"
                + "4502030405000000" + "02000400" + "02000000" + "00000000" + "34000000"),
            output.WrittenSpan.ToArray());
    }

    /// <summary>Whatever is written, a reader can walk from block to block, and finds what went in.</summary>
    [Fact]
    public void Blocks_can_be_walked() =>
        Gen.Select(Gen.Byte.Array[0, 100], Gen.Int[0, 2], Gen.Int[0, 9], Gen.Long[0, long.MaxValue], Gen.String).Sample(
            (packet, direction, interfaceId, time, text) =>
            {
                string? comment = text.Length % 3 == 0 ? null : text;
                var output = new ArrayBufferWriter<byte>();
                PcapngFormat.WriteSectionHeader(output);
                PcapngFormat.WriteInterface(output, text, 65_535);
                PcapngFormat.WritePacket(output, interfaceId, time, packet, (PcapngDirection)direction, comment);

                ReadOnlySpan<byte> rest = output.WrittenSpan;
                Assert.Equal(16, TakeBlock(ref rest, 0x0A0D0D0A).Length);
                ReadOnlySpan<byte> description = TakeBlock(ref rest, 1);
                Assert.Equal(Encoding.UTF8.GetBytes(text), FindOption(description[8..], 2).ToArray());
                Assert.Equal([9], FindOption(description[8..], 9).ToArray());
                ReadOnlySpan<byte> body = TakeBlock(ref rest, 6);
                Assert.True(rest.IsEmpty);
                Assert.Equal(packet, body.Slice(20, packet.Length).ToArray());
                ulong high = BinaryPrimitives.ReadUInt32LittleEndian(body[4..]);
                Assert.Equal((ulong)time, (high << 32) | BinaryPrimitives.ReadUInt32LittleEndian(body[8..]));
                ReadOnlySpan<byte> options = body[(20 + ((packet.Length + 3) & ~3))..];
                byte[] flags = direction == 0 ? [] : [(byte)direction, 0, 0, 0];
                Assert.Equal(flags, FindOption(options, 2).ToArray());
                Assert.Equal(comment is null ? [] : Encoding.UTF8.GetBytes(comment), FindOption(options, 1).ToArray());
            },
            iter: 3_000);

    [Fact]
    public void What_cannot_be_written_is_a_programming_error()
    {
        var output = new ArrayBufferWriter<byte>();
        var tooLong = new string('x', 65_536);
        Assert.Throws<ArgumentOutOfRangeException>(() => PcapngFormat.WritePacket(output, -1, 0, []));
        Assert.Throws<ArgumentOutOfRangeException>(() => PcapngFormat.WritePacket(output, 0, -1, []));
        Assert.Throws<ArgumentException>(() => PcapngFormat.WritePacket(output, 0, 0, [], comment: tooLong));
        Assert.Throws<ArgumentOutOfRangeException>(() => PcapngFormat.WriteInterface(output, "a", -1));
        Assert.Throws<ArgumentException>(() => PcapngFormat.WriteInterface(output, tooLong, 0));
        Assert.Equal(0, output.WrittenCount);
    }

    private static ReadOnlySpan<byte> TakeBlock(ref ReadOnlySpan<byte> rest, uint type)
    {
        Assert.Equal(type, BinaryPrimitives.ReadUInt32LittleEndian(rest));
        int length = BinaryPrimitives.ReadInt32LittleEndian(rest[4..]);
        Assert.Equal(0, length % 4);
        Assert.Equal(length, BinaryPrimitives.ReadInt32LittleEndian(rest[(length - 4)..]));
        ReadOnlySpan<byte> body = rest[8..(length - 4)];
        rest = rest[length..];
        return body;
    }

    private static ReadOnlySpan<byte> FindOption(ReadOnlySpan<byte> options, ushort code)
    {
        while (!options.IsEmpty)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(options[2..]);
            ushort found = BinaryPrimitives.ReadUInt16LittleEndian(options);
            if (found == 0)
            {
                Assert.Equal(4, options.Length);
                break;
            }

            if (found == code) return options.Slice(4, length);
            options = options[(4 + ((length + 3) & ~3))..];
        }

        return [];
    }
}
