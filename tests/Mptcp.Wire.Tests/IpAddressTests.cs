using System.Net;
using CsCheck;
using Xunit;

namespace Mptcp.Wire.Tests;

/// <summary>Addresses as values, as octets and as text.</summary>
public class IpAddressTests
{
    [Fact]
    public void An_address_comes_back_from_octets_text_and_the_framework() => WireGen.Address.Sample(
        address =>
        {
            var bytes = new byte[address.ByteCount];
            address.CopyTo(bytes);
            Assert.Equal(address, IpAddress.FromBytes(bytes));
            Assert.Equal(address.ToIPAddress(), new IPAddress(bytes));
            Assert.Equal(address, IpAddress.Parse(address.ToString()));
            Assert.Equal(address, (IpAddress)address.ToIPAddress());
            Assert.Equal(address.GetHashCode(), IpAddress.FromBytes(bytes).GetHashCode());
            Assert.NotEqual(address.IsV4, address.IsV6);
        },
        iter: 2_000);

    [Fact]
    public void A_mapped_address_is_not_the_one_it_maps() =>
        Assert.NotEqual(IpAddress.Parse("192.0.2.1"), IpAddress.Parse("::ffff:192.0.2.1"));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("127.1")]
    [InlineData("192.0.2.256")]
    [InlineData("192.0.2.01")]
    [InlineData("[2001:db8::1]")]
    [InlineData("[2001:db8::1]:80")]
    [InlineData("fe80::1%eth0")]
    [InlineData("fe80::1%1")]
    [InlineData("host")]
    public void What_is_not_an_address_is_refused(string? text)
    {
        Assert.False(IpAddress.TryParse(text, out _));
        if (text is not null) Assert.Throws<FormatException>(() => IpAddress.Parse(text));
    }

    [Theory]
    [InlineData("0.0.0.0", true, false, false)]
    [InlineData("::", true, false, false)]
    [InlineData("127.0.0.1", false, true, false)]
    [InlineData("::1", false, true, false)]
    [InlineData("224.0.0.1", false, false, true)]
    [InlineData("255.255.255.255", false, false, true)]
    [InlineData("ff02::1", false, false, true)]
    [InlineData("223.255.255.255", false, false, false)]
    [InlineData("240.0.0.1", false, false, false)]
    [InlineData("fe80::1", false, false, false)]
    public void Kinds_of_addresses(string text, bool unspecified, bool loopback, bool group)
    {
        var address = IpAddress.Parse(text);
        Assert.Equal(
            (unspecified, loopback, group),
            (address.IsUnspecified, address.IsLoopback, address.IsMulticastOrBroadcast));
    }

    [Fact]
    public void Other_numbers_of_octets_are_a_programming_error()
    {
        for (int length = 0; length <= 20; length++)
        {
            if (length is 4 or 16) continue;
            int octets = length;
            Assert.Throws<ArgumentException>(() => IpAddress.FromBytes(new byte[octets]));
        }
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1:80")]
    [InlineData("2001:db8::1", "[2001:db8::1]:80")]
    public void An_endpoint_reads_like_a_URL(string address, string text) =>
        Assert.Equal(text, new IpEndpoint(IpAddress.Parse(address), 80).ToString());

    [Theory]
    [InlineData("10.0.0.1", true)]
    [InlineData("11.0.0.1", false)]
    [InlineData("172.16.0.1", true)]
    [InlineData("172.31.255.255", true)]
    [InlineData("172.32.0.1", false)]
    [InlineData("192.168.0.1", true)]
    [InlineData("192.169.0.1", false)]
    [InlineData("169.254.1.1", true)]
    [InlineData("100.64.0.1", true)]
    [InlineData("100.127.255.255", true)]
    [InlineData("100.128.0.1", false)]
    [InlineData("127.0.0.1", true)]
    [InlineData("198.51.100.1", false)]
    [InlineData("fc00::1", true)]
    [InlineData("fdff::1", true)]
    [InlineData("fe80::1", true)]
    [InlineData("febf::1", true)]
    [InlineData("fec0::1", false)]
    [InlineData("::1", true)]
    [InlineData("2001:db8::1", false)]
    public void Private_addresses_are_known(string address, bool isPrivate) =>
        Assert.Equal(isPrivate, IpAddress.Parse(address).IsPrivate);
}
