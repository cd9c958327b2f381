using Xunit;

namespace Mptcp.Wire.Tests;

/// <summary>Values computed from captures of other implementations.</summary>
public class WireGoldenTests
{
    [Theory]
    [Trait("Requirement", "42")]
    [Trait("Requirement", "43")]
    [InlineData(0x1fdb5df328bc3def, 0x239fbdb0, 14413541604287230029)]
    [InlineData(0x29a6c86981ad933c, 0xa35d6d82, 11713449205243392241)]
    [InlineData(0x8f0c7c64a6a32ac1, 0x2e1abded, 17186763219675866564)]
    [InlineData(0x73bb150358a0aecb, 0x5f3f5591, 12148165319181844525)]
    public void Token_and_initial_data_sequence_number_follow_from_the_key(ulong key, uint token, ulong idsn)
    {
        Assert.Equal(token, MptcpCrypto.Token(key));
        Assert.Equal(idsn, MptcpCrypto.InitialDataSequenceNumber(key));
    }

    [Fact]
    [Trait("Requirement", "161")]
    public void The_HMAC_of_ADD_ADDR_is_the_rightmost_64_bits()
    {
        var option = new AddAddressOption { AddressId = 1, Address = IpAddress.Parse("192.168.136.225") };
        ulong hmac = MptcpCrypto.AddAddressHmac(0x73bb150358a0aecb, 0x8f0c7c64a6a32ac1, option);

        // 669928744366716c, the leftmost bits, is what a kernel once sent by mistake.
        Assert.Equal(0xe0e054c3444e4c25, hmac);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void A_DSS_reads_back_as_it_was_written(bool wide, bool checksum)
    {
        var written = new DssOption
        {
            HasDataAck = true,
            DataAck64 = wide,
            DataAck = wide ? 0x0102030405060708u : 0x05060708u,
            HasMapping = true,
            DataSequence64 = wide,
            DataSequenceNumber = wide ? 0x1112131415161718u : 0x15161718u,
            SubflowSequenceNumber = 7,
            DataLength = 8192,
            HasChecksum = checksum,
            Checksum = checksum ? (ushort)0xBEEF : (ushort)0,
            DataFin = true,
        };
        Span<byte> room = stackalloc byte[40];
        var writer = new TcpOptionWriter(room);
        Assert.True(written.TryWrite(ref writer));
        Assert.Equal(written.Length, writer.Length);
        Assert.True(DssOption.TryParse(writer.Written, out DssOption read));
        Assert.Equal(written, read);
    }

    [Fact]
    public void No_bytes_make_a_view_throw()
    {
        var bytes = new byte[96];
        uint random = 1;
        for (int round = 0; round < 200_000; round++)
        {
            random = (random * 1_664_525) + 1_013_904_223;
            bytes[(random >> 8) % (uint)bytes.Length] = (byte)(random >> 24);
            bytes[0] = (round & 1) == 0 ? (byte)0x45 : (byte)0x60;
            if (IpPacket.TryParse(bytes.AsSpan(0, (int)(random >> 16) % 97), out IpPacket ip, out _)
                && TcpSegment.TryParse(ip, verifyChecksum: false, out TcpSegment segment, out _))
            {
                _ = TcpOptions.TryParse(segment.Options, out _);
            }

            ReadOnlySpan<byte> option = bytes.AsSpan(40, (int)(random >> 20) % 41);
            _ = TcpOptions.TryParse(option, out _);
            _ = DssOption.TryParse(option, out _) | MpCapableOption.TryParse(option, out _);
            _ = AddAddressOption.TryParse(option, out _) | MpJoinSynOption.TryParse(option, out _);
        }
    }
}
