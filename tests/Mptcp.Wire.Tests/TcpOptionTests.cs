using CsCheck;
using Xunit;

namespace Mptcp.Wire.Tests;

/// <summary>The options of plain TCP: read as written, and passed over where they are damaged.</summary>
public class TcpOptionTests
{
    [Fact]
    public void MSS_reads_back() => Gen.UShort.Sample(size =>
    {
        Span<byte> room = stackalloc byte[40];
        var writer = new TcpOptionWriter(room);
        Assert.True(writer.TryWriteMss(size));
        Assert.Equal([2, 4, (byte)(size >> 8), (byte)size], writer.Written.ToArray());
        Assert.Equal(size, Parse(writer.Written).MaximumSegmentSize);
    });

    [Fact]
    public void Window_scale_reads_back_and_is_at_most_14() => Gen.Byte.Sample(shift =>
    {
        Span<byte> room = stackalloc byte[40];
        var writer = new TcpOptionWriter(room);
        Assert.True(writer.TryWriteWindowScale(shift));
        Assert.Equal([1, 3, 3, shift], writer.Written.ToArray());
        Assert.Equal(Math.Min(shift, (byte)14), Parse(writer.Written).WindowScale!.Value);
    });

    [Fact]
    public void Timestamps_read_back() => Gen.Select(Gen.UInt, Gen.UInt).Sample((value, echo) =>
    {
        Span<byte> room = stackalloc byte[40];
        var writer = new TcpOptionWriter(room);
        Assert.True(writer.TryWriteTimestamps(value, echo));
        Assert.Equal(12, writer.Length);
        TcpOptions read = Parse(writer.Written);
        Assert.Equal((true, value, echo), (read.HasTimestamps, read.TimestampValue, read.TimestampEcho));
    });

    [Fact]
    public void SACK_blocks_read_back_as_many_as_fit()
    {
        Gen<SackBlock[]> blocks = Gen.Select(Gen.UInt, Gen.UInt).Select((left, right) => new SackBlock(left, right)).Array[0, 6];
        Gen.Select(blocks, Gen.Int[0, 40]).Sample((sack, used) =>
        {
            Span<byte> room = stackalloc byte[40];
            var writer = new TcpOptionWriter(room);
            Assert.True(writer.TryReserve(used, out Span<byte> before));
            before.Fill(TcpOptionKind.NoOperation);
            int padding = used % 4 == 0 ? 2 : 0;
            int expected = Math.Min(sack.Length, Math.Max(0, (40 - used - padding - 2) / 8));
            Assert.Equal(expected, writer.WriteSack(sack));
            Assert.Equal(used + (expected == 0 ? 0 : padding + 2 + (8 * expected)), writer.Length);

            TcpOptions read = Parse(writer.Written);
            Assert.Equal(expected, read.SackCount);
            for (int i = 0; i < expected; i++) Assert.Equal(sack[i], read.GetSack(i));
            Assert.Throws<ArgumentOutOfRangeException>(() => read.GetSack(read.SackCount));
        });
    }

    [Fact]
    public void Fast_Open_cookies_read_back() => Gen.Byte.Array[0, 18].Sample(octets =>
    {
        bool valid = octets.Length is 0 or 4 or 6 or 8 or 10 or 12 or 14 or 16;
        Assert.Equal(valid, FastOpenCookie.TryCreate(octets, out FastOpenCookie cookie));
        Assert.Equal(valid ? octets.Length : 0, cookie.Length);
        Span<byte> room = stackalloc byte[40];
        var writer = new TcpOptionWriter(room);
        Assert.True(writer.TryWriteFastOpen(cookie));
        Assert.Equal(valid ? [34, (byte)(2 + octets.Length), .. octets] : [34, 2], writer.Written.ToArray());
        Assert.Equal(cookie, Parse(writer.Written).FastOpen);
        Assert.Equal(valid ? octets[..Math.Min(octets.Length, 6)] : [], BytesOf(cookie.Truncate(7)));
    });

    [Fact]
    public void A_Fast_Open_option_of_a_wrong_length_is_passed_over() => Gen.Byte.Array[0, 34].Sample(octets =>
    {
        byte[] option = [34, (byte)(2 + octets.Length), .. octets];
        Assert.Equal(FastOpenCookie.TryCreate(octets, out _), Parse(option).FastOpen.HasValue);
    });

    [Fact]
    public void A_Fast_Open_cookie_that_does_not_fit_is_not_written()
    {
        var writer = new TcpOptionWriter(stackalloc byte[9]);
        Assert.True(FastOpenCookie.TryCreate(stackalloc byte[8], out FastOpenCookie cookie));
        Assert.False(writer.TryWriteFastOpen(cookie));
        Assert.Equal(0, writer.Length);
    }

    /// <summary>What a Linux SYN carries, in its order and alignment.</summary>
    [Fact]
    public void The_options_of_a_SYN_stand_together()
    {
        Span<byte> room = stackalloc byte[40];
        var writer = new TcpOptionWriter(room);
        Assert.True(writer.TryWriteMss(1460) && writer.TryWriteSackPermitted());
        Assert.True(writer.TryWriteTimestamps(0x1baf9ea1, 0) && writer.TryWriteWindowScale(8));
        Assert.True(new MpCapableOption { Version = 1, Flags = MpCapableFlags.HmacSha256 }.TryWrite(ref writer));
        Assert.Equal(
            Convert.FromHexString("020405b40402080a1baf9ea100000000010303081e040101"), writer.Written.ToArray());

        TcpOptions read = Parse(writer.Written);
        Assert.Equal((ushort)1460, read.MaximumSegmentSize);
        Assert.Equal((byte)8, read.WindowScale);
        Assert.True(read is { SackPermitted: true, HasTimestamps: true, TimestampValue: 0x1baf9ea1, HasMptcp: true });
    }

    [Fact]
    public void Nothing_said_is_nothing_read()
    {
        TcpOptions read = Parse([]);
        Assert.Null(read.MaximumSegmentSize);
        Assert.Null(read.WindowScale);
        Assert.True(read is { SackPermitted: false, HasTimestamps: false, SackCount: 0, HasMptcp: false });
    }

    [Theory]
    [InlineData("0203050101")] // MSS of 3
    [InlineData("030405050101")] // window scale of 4
    [InlineData("04030001")] // SACK permitted of 3
    [InlineData("080900000001000000010101")] // timestamps of 9
    [InlineData("050c0000000100000002000001")] // SACK of 12
    [InlineData("05020101")] // SACK of no block
    [InlineData("fd06010203040101")] // an option that nobody knows
    public void An_option_of_a_wrong_length_is_passed_over(string hex)
    {
        TcpOptions read = Parse(Convert.FromHexString(hex + "020405b4"));
        Assert.Equal((ushort)1460, read.MaximumSegmentSize);
        Assert.Null(read.WindowScale);
        Assert.True(read is { SackPermitted: false, HasTimestamps: false, SackCount: 0 });
    }

    [Theory]
    [InlineData("020405b400030a0a0a")] // the end of the list hides what follows
    [InlineData("020405b4010101")]
    [InlineData("020400010101020405b4")] // the last of two counts
    public void The_list_ends_where_it_says(string hex)
    {
        TcpOptions read = Parse(Convert.FromHexString(hex));
        Assert.Equal((ushort)1460, read.MaximumSegmentSize);
        Assert.Null(read.WindowScale);
    }

    [Theory]
    [InlineData("020405b41e")] // no length
    [InlineData("020405b41e00")] // length 0 would walk for ever
    [InlineData("020405b41e01")]
    [InlineData("020405b41e0c0001")] // beyond the header
    public void Damage_is_told_and_what_stands_before_it_is_kept(string hex)
    {
        Assert.False(TcpOptions.TryParse(Convert.FromHexString(hex), out TcpOptions read));
        Assert.Equal((ushort)1460, read.MaximumSegmentSize);
        Assert.False(read.HasMptcp);
    }

    private static byte[] BytesOf(in FastOpenCookie cookie)
    {
        var bytes = new byte[cookie.Length];
        cookie.CopyTo(bytes);
        return bytes;
    }

    private static TcpOptions Parse(ReadOnlySpan<byte> options)
    {
        Assert.True(TcpOptions.TryParse(options, out TcpOptions read));
        return read;
    }
}
