using Xunit;

namespace Mptcp.Wire.Tests;

/// <summary>Headers of IPv4 and IPv6: what is opened, and why the rest is refused.</summary>
public class IpPacketTests
{
    [Fact]
    public void Link_padding_is_cut_off()
    {
        byte[] bytes = [.. TestPackets.V4(IpProtocol.Udp, [1, 2, 3, 4, 5]), 0, 0, 0];
        Assert.Equal([1, 2, 3, 4, 5], Open(bytes).ToArray());
        bytes = [.. TestPackets.V6(IpProtocol.Udp, [1, 2, 3, 4, 5]), 0, 0, 0];
        Assert.Equal([1, 2, 3, 4, 5], Open(bytes).ToArray());
    }

    [Fact]
    public void Options_of_IPv4_are_passed_over() =>
        Assert.Equal([7], Open(TestPackets.V4(IpProtocol.Udp, [7], options: [1, 1, 1, 0])).ToArray());

    [Theory]
    [InlineData(0x4000, DropReason.None)] // do not fragment
    [InlineData(0x8000, DropReason.None)] // the reserved bit
    [InlineData(0x2000, DropReason.Fragment)] // more fragments
    [InlineData(0x0001, DropReason.Fragment)] // an offset
    public void A_fragment_of_IPv4_is_refused(int field, DropReason expected) =>
        Assert.Equal(expected, Refusal(TestPackets.V4(IpProtocol.Udp, [7], fragmentField: field)));

    [Fact]
    public void A_header_of_IPv4_that_contradicts_itself_is_refused()
    {
        byte[] good = TestPackets.V4(IpProtocol.Udp, [1, 2, 3, 4]);
        Assert.Equal(DropReason.None, Refusal(good));
        Assert.Equal(DropReason.TooShort, Refusal([]));
        Assert.Equal(DropReason.TooShort, Refusal(good[..19]));
        Assert.Equal(DropReason.BadTotalLength, Refusal(good[..23]));
        Assert.Equal(DropReason.BadVersion, Refusal([0x55, .. good[1..]]));
        Assert.Equal(DropReason.BadHeaderLength, Refusal([0x44, .. good[1..]]));
        Assert.Equal(DropReason.BadHeaderLength, Refusal([0x47, .. good[1..]]));
        Assert.Equal(DropReason.BadTotalLength, Refusal([0x45, 0, 0, 19, .. good[4..]]));
        Assert.Equal(DropReason.BadIpChecksum, Refusal([.. good[..8], 63, .. good[9..]]));
    }

    [Fact]
    public void A_header_of_IPv6_that_contradicts_itself_is_refused()
    {
        byte[] good = TestPackets.V6(IpProtocol.Udp, [1, 2, 3, 4]);
        Assert.Equal(DropReason.None, Refusal(good));
        Assert.Equal(DropReason.TooShort, Refusal(good[..39]));
        Assert.Equal(DropReason.BadTotalLength, Refusal(good[..43]));
    }

    [Theory]
    [InlineData(IpProtocol.HopByHop, "1100000000000000")]
    [InlineData(IpProtocol.DestinationOptions, "11010000000000000000000000000000")]
    [InlineData(IpProtocol.Routing, "1100000000000000")] // no segments left
    [InlineData(IpProtocol.Fragment, "1100000012345678")] // the whole packet in one fragment
    [InlineData(IpProtocol.HopByHop, "3c000000000000002b00000000000000110000000000000000")] // three in a row
    public void Extension_headers_are_passed_over(byte first, string hex)
    {
        byte[] headers = Convert.FromHexString(hex);
        byte[] extensions = headers[..(headers.Length & ~7)];
        Assert.True(IpPacket.TryParse(TestPackets.V6(first, [.. extensions, 42]), out IpPacket ip, out DropReason reason));
        Assert.Equal(DropReason.None, reason);
        Assert.Equal(IpProtocol.Udp, ip.Protocol);
        Assert.Equal([42], ip.Payload.ToArray());
    }

    [Theory]
    [InlineData(IpProtocol.HopByHop, "11000000000000", DropReason.TooShort)]
    [InlineData(IpProtocol.HopByHop, "1101000000000000", DropReason.BadHeaderLength)]
    [InlineData(IpProtocol.HopByHop, "11ff000000000000", DropReason.BadHeaderLength)]
    [InlineData(IpProtocol.Routing, "1100000100000000", DropReason.RoutingHeader)]
    [InlineData(IpProtocol.Fragment, "1100000100000000", DropReason.Fragment)] // more fragments
    [InlineData(IpProtocol.Fragment, "1100000800000000", DropReason.Fragment)] // an offset
    [InlineData(IpProtocol.HopByHop, "0000000000000000", DropReason.TooShort)] // one that leads to another, and there ends
    public void Extension_headers_that_lead_nowhere_are_refused(byte first, string hex, DropReason expected) =>
        Assert.Equal(expected, Refusal(TestPackets.V6(first, Convert.FromHexString(hex))));

    [Fact]
    public void A_segment_is_refused_for_its_own_reasons()
    {
        Assert.Equal(DropReason.NotTcp, SegmentRefusal(TestPackets.V4(IpProtocol.Udp, new byte[20])));
        Assert.Equal(DropReason.TooShort, SegmentRefusal(TestPackets.V4(IpProtocol.Tcp, new byte[19])));
        var segment = new byte[24];
        segment[12] = 0x40;
        Assert.Equal(DropReason.BadHeaderLength, SegmentRefusal(TestPackets.V4(IpProtocol.Tcp, segment)));
        segment[12] = 0x70;
        Assert.Equal(DropReason.BadHeaderLength, SegmentRefusal(TestPackets.V6(IpProtocol.Tcp, segment)));
        segment[12] = 0x60;
        Assert.Equal(DropReason.BadChecksum, SegmentRefusal(TestPackets.V6(IpProtocol.Tcp, segment)));
    }

    private static ReadOnlySpan<byte> Open(byte[] bytes)
    {
        Assert.True(IpPacket.TryParse(bytes, out IpPacket packet, out DropReason reason), reason.ToString());
        return packet.Payload;
    }

    private static DropReason Refusal(byte[] bytes)
    {
        bool opened = IpPacket.TryParse(bytes, out _, out DropReason reason);
        Assert.Equal(reason == DropReason.None, opened);
        return reason;
    }

    private static DropReason SegmentRefusal(byte[] bytes)
    {
        Assert.True(IpPacket.TryParse(bytes, out IpPacket packet, out DropReason reason), reason.ToString());
        Assert.False(TcpSegment.TryParse(packet, out _, out reason));
        return reason;
    }
}
