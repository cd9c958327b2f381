using CsCheck;
using Xunit;

namespace Mptcp.Wire.Tests;

/// <summary>Every form of every MPTCP option is read as it was written, to the octet.</summary>
[Trait("Requirement", "5")]
public class MptcpOptionTests
{
    private const int Iterations = 1000;

    /// <summary>RFC 8684 §3.1: five forms, told apart by length.</summary>
    [Fact]
    [Trait("Requirement", "12")]
    [Trait("Requirement", "13")]
    [Trait("Requirement", "14")]
    [Trait("Requirement", "15")]
    [Trait("Requirement", "16")]
    public void MP_CAPABLE_reads_back() => WireGen.MpCapable.Sample(
        option =>
        {
            int length = option.Checksum is not null ? 24 : option.DataLength is not null ? 22
                : option.ReceiverKey is not null ? 20 : option.SenderKey is not null ? 12 : 4;
            OptionRoundTrip.Check(
                option, length, MptcpSubtype.MpCapable, (in o, ref w) => o.TryWrite(ref w), MpCapableOption.TryParse);
        },
        iter: Iterations);

    [Theory]
    [InlineData(0x80, true, false, false, false)]
    [InlineData(0x40, false, true, false, false)]
    [InlineData(0x20, false, false, true, false)]
    [InlineData(0x01, false, false, false, true)]
    [InlineData(0xE1, true, true, true, true)]
    public void The_flags_of_MP_CAPABLE_stand_where_the_RFC_puts_them(byte flags, bool a, bool b, bool c, bool h)
    {
        Assert.True(MpCapableOption.TryParse([30, 4, 0x01, flags], out MpCapableOption option));
        Assert.Equal(MpCapableOption.Version1, option.Version);
        Assert.Equal(
            (a, b, c, h),
            (option.ChecksumRequired, option.Extensibility, option.DenyJoinInitialAddress, option.HmacSha256));
    }

    [Fact]
    [Trait("Requirement", "60")]
    [Trait("Requirement", "67")]
    public void MP_JOIN_of_a_SYN_reads_back() => WireGen.MpJoinSyn.Sample(
        option => OptionRoundTrip.Check(
            option, 12, MptcpSubtype.MpJoin, (in o, ref w) => o.TryWrite(ref w), MpJoinSynOption.TryParse),
        iter: Iterations);

    [Fact]
    [Trait("Requirement", "61")]
    [Trait("Requirement", "67")]
    public void MP_JOIN_of_a_SYN_ACK_reads_back() => WireGen.MpJoinSynAck.Sample(
        option => OptionRoundTrip.Check(
            option, 16, MptcpSubtype.MpJoin, (in o, ref w) => o.TryWrite(ref w), MpJoinSynAckOption.TryParse),
        iter: Iterations);

    [Fact]
    [Trait("Requirement", "62")]
    [Trait("Requirement", "76")]
    public void MP_JOIN_of_the_third_ACK_reads_back() => WireGen.MpJoinAck.Sample(
        option => OptionRoundTrip.Check(
            option, 24, MptcpSubtype.MpJoin, (in o, ref w) => o.TryWrite(ref w), MpJoinAckOption.TryParse),
        iter: Iterations);

    /// <summary>RFC 8684 §3.3: both widths of both numbers, with and without checksum and DATA_FIN, 64 combinations.</summary>
    [Fact]
    [Trait("Requirement", "86")]
    [Trait("Requirement", "106")]
    public void DSS_reads_back() => WireGen.Dss.Sample(
        option =>
        {
            int length = 4 + (!option.HasDataAck ? 0 : option.DataAck64 ? 8 : 4);
            if (option.HasMapping) length += (option.DataSequence64 ? 14 : 10) + (option.HasChecksum ? 2 : 0);
            OptionRoundTrip.Check(
                option, length, MptcpSubtype.Dss, (in o, ref w) => o.TryWrite(ref w), DssOption.TryParse);
            Assert.InRange(option.Length, 4, 28);
        },
        iter: 4 * Iterations);

    [Fact]
    [Trait("Requirement", "87")]
    public void Reserved_bits_of_DSS_are_sent_as_0() => WireGen.Dss.Sample(
        option =>
        {
            byte[] written = Write(option, (in o, ref w) => o.TryWrite(ref w));
            Assert.Equal(0, written[2] & 0xf);
            Assert.Equal(0, written[3] & 0xe0);
        },
        iter: Iterations);

    [Fact]
    [Trait("Requirement", "86")]
    public void Widths_without_their_fields_are_ignored()
    {
        Assert.True(DssOption.TryParse([30, 4, 0x20, 0x0A], out DssOption option));
        Assert.Equal(default, option);
        byte[] written = Write(new DssOption { DataAck64 = true, DataSequence64 = true }, (in o, ref w) => o.TryWrite(ref w));
        Assert.Equal([30, 4, 0x20, 0], written);
    }

    [Fact]
    [Trait("Requirement", "112")]
    public void A_mapping_of_length_0_is_infinite()
    {
        Assert.True(DssOption.TryParse([30, 16, 0x20, 0x04, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0], out DssOption option));
        Assert.True(option is { IsInfiniteMapping: true, HasChecksum: true, Checksum: 0, DataSequenceNumber: 9 });
    }

    [Fact]
    [Trait("Requirement", "160")]
    public void ADD_ADDR_reads_back() => WireGen.AddAddress.Sample(
        option =>
        {
            int length = (option.Address.IsV4 ? 16 : 28) + (option.Port is null ? 0 : 2) - (option.Echo ? 8 : 0);
            OptionRoundTrip.Check(
                option, length, MptcpSubtype.AddAddress, (in o, ref w) => o.TryWrite(ref w), AddAddressOption.TryParse);
        },
        iter: Iterations);

    [Fact]
    [Trait("Requirement", "163")]
    [Trait("Requirement", "164")]
    public void Unassigned_flags_of_ADD_ADDR_are_sent_as_0_and_ignored() => WireGen.AddAddress.Sample(
        option =>
        {
            byte[] written = Write(option, (in o, ref w) => o.TryWrite(ref w));
            Assert.Equal(option.Echo ? 0x31 : 0x30, written[2]);
            written[2] |= 0x0e;
            Assert.True(AddAddressOption.TryParse(written, out AddAddressOption read));
            Assert.Equal(option, read);
        },
        iter: Iterations);

    [Fact]
    [Trait("Requirement", "165")]
    public void An_echo_names_the_same_address_without_an_HMAC() => WireGen.AddAddress.Sample(
        option => Assert.Equal(option with { Echo = true, TruncatedHmac = 0 }, option.ToEcho()), iter: Iterations);

    [Fact]
    [Trait("Requirement", "177")]
    public void REMOVE_ADDR_reads_back() => WireGen.RemoveAddress.Sample(
        option =>
        {
            OptionRoundTrip.Check(
                option,
                3 + option.Count,
                MptcpSubtype.RemoveAddress,
                (in o, ref w) => o.TryWrite(ref w),
                RemoveAddressOption.TryParse);
            byte[] written = Write(option, (in o, ref w) => o.TryWrite(ref w));
            for (int i = 0; i < option.Count; i++) Assert.Equal(written[3 + i], option.Get(i));
            Assert.Throws<ArgumentOutOfRangeException>(() => option.Get(option.Count));
        },
        iter: Iterations);

    [Fact]
    public void REMOVE_ADDR_of_no_address_is_neither_read_nor_written()
    {
        Assert.False(RemoveAddressOption.TryParse([30, 3, 0x40], out _));
        Span<byte> room = stackalloc byte[40];
        var writer = new TcpOptionWriter(room);
        Assert.False(default(RemoveAddressOption).TryWrite(ref writer));
        Assert.Equal(0, writer.Length);
    }

    [Theory]
    [Trait("Requirement", "151")]
    [InlineData(false)]
    [InlineData(true)]
    public void MP_PRIO_reads_back(bool backup) => OptionRoundTrip.Check(
        new MpPrioOption(backup), 3, MptcpSubtype.MpPrio, (in o, ref w) => o.TryWrite(ref w), MpPrioOption.TryParse);

    [Fact]
    [Trait("Requirement", "215")]
    public void MP_FAIL_reads_back() => Gen.ULong.Sample(
        number => OptionRoundTrip.Check(
            new MpFailOption(number), 12, MptcpSubtype.MpFail, (in o, ref w) => o.TryWrite(ref w), MpFailOption.TryParse),
        iter: Iterations);

    [Fact]
    [Trait("Requirement", "186")]
    public void MP_FASTCLOSE_reads_back() => Gen.ULong.Sample(
        key => OptionRoundTrip.Check(
            new MpFastCloseOption(key),
            12,
            MptcpSubtype.MpFastClose,
            (in o, ref w) => o.TryWrite(ref w),
            MpFastCloseOption.TryParse),
        iter: Iterations);

    [Fact]
    [Trait("Requirement", "197")]
    [Trait("Requirement", "205")]
    public void MP_TCPRST_reads_back() => WireGen.MpTcpRst.Sample(
        option => OptionRoundTrip.Check(
            option, 4, MptcpSubtype.MpTcpRst, (in o, ref w) => o.TryWrite(ref w), MpTcpRstOption.TryParse),
        iter: Iterations);

    [Theory]
    [Trait("Requirement", "203")]
    [Trait("Requirement", "204")]
    [InlineData(false)]
    [InlineData(true)]
    public void U_V_and_W_of_MP_TCPRST_are_sent_as_0_and_ignored(bool transient)
    {
        var option = new MpTcpRstOption(transient, MpTcpRstReason.MiddleboxInterference);
        byte[] written = Write(option, (in o, ref w) => o.TryWrite(ref w));
        Assert.Equal([30, 4, (byte)(transient ? 0x81 : 0x80), 6], written);
        written[2] |= 0x0e;
        Assert.True(MpTcpRstOption.TryParse(written, out MpTcpRstOption read));
        Assert.Equal(option, read);
    }

    [Fact]
    [Trait("Requirement", "67")]
    [Trait("Requirement", "76")]
    public void Reserved_bits_of_MP_JOIN_are_sent_as_0()
    {
        WireGen.MpJoinSyn.Sample(o => Assert.Equal(
            o.Backup ? 0x11 : 0x10, Write(o, (in o, ref w) => o.TryWrite(ref w))[2]));
        WireGen.MpJoinSynAck.Sample(o => Assert.Equal(
            o.Backup ? 0x11 : 0x10, Write(o, (in o, ref w) => o.TryWrite(ref w))[2]));
        WireGen.MpJoinAck.Sample(o => Assert.Equal([0x10, 0], Write(o, (in o, ref w) => o.TryWrite(ref w))[2..4]));
    }

    private static byte[] Write<T>(T value, OptionWrite<T> write)
    {
        Span<byte> room = stackalloc byte[TcpPacket.MaxOptionsLength];
        var writer = new TcpOptionWriter(room);
        Assert.True(write(value, ref writer));
        return writer.Written.ToArray();
    }
}
