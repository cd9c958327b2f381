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
}
