using Xunit;

namespace Mptcp.Wire.Tests;

/// <summary>ICMP errors about our segments, of both families.</summary>
public class IcmpMessageTests
{
    private static readonly byte[] _segment = Convert.FromHexString("c3500050deadbeef");

    private static readonly IpEndpoint _hostV4 = new(TestPackets.HostV4, 0xc350);

    private static readonly IpEndpoint _peerV4 = new(TestPackets.PeerV4, 80);

    [Theory]
    [InlineData(3, 0, IcmpKind.DestinationUnreachable)]
    [InlineData(3, 1, IcmpKind.DestinationUnreachable)]
    [InlineData(3, 13, IcmpKind.DestinationUnreachable)]
    [InlineData(3, 4, IcmpKind.PacketTooBig)]
    [InlineData(11, 0, IcmpKind.TimeExceeded)]
    [InlineData(12, 0, IcmpKind.ParameterProblem)]
    public void An_error_of_IPv4_cites_the_segment(byte type, byte code, IcmpKind kind)
    {
        Assert.Equal(DropReason.None, Parse(TestPackets.IcmpV4(type, code, 1400, CitedV4(_segment)), out IcmpMessage message));
        int mtu = kind == IcmpKind.PacketTooBig ? 1400 : 0;
        Assert.Equal(new IcmpMessage(kind, code, mtu, _hostV4, _peerV4, 0xdeadbeef), message);
    }

    [Theory]
    [InlineData(1, 4, 0u, IcmpKind.DestinationUnreachable, 0)]
    [InlineData(2, 0, 1280u, IcmpKind.PacketTooBig, 1280)]
    [InlineData(2, 0, 0xffffffffu, IcmpKind.PacketTooBig, int.MaxValue)]
    [InlineData(3, 0, 9u, IcmpKind.TimeExceeded, 0)]
    [InlineData(4, 1, 40u, IcmpKind.ParameterProblem, 0)]
    public void An_error_of_IPv6_cites_the_segment(byte type, byte code, uint field, IcmpKind kind, int mtu)
    {
        Assert.Equal(DropReason.None, Parse(TestPackets.IcmpV6(type, code, field, CitedV6(IpProtocol.Tcp, _segment)), out IcmpMessage message));
        var host = new IpEndpoint(TestPackets.HostV6, 0xc350);
        var peer = new IpEndpoint(TestPackets.PeerV6, 80);
        Assert.Equal(new IcmpMessage(kind, code, mtu, host, peer, 0xdeadbeef), message);
    }

    /// <summary>An old router leaves the MTU field 0 (RFC 1191 §5).</summary>
    [Fact]
    public void A_router_may_not_say_the_MTU()
    {
        Assert.Equal(DropReason.None, Parse(TestPackets.IcmpV4(3, 4, 0, CitedV4(_segment)), out IcmpMessage message));
        Assert.Equal(0, message.Mtu);
    }

    [Fact]
    public void Options_and_extension_headers_of_the_cited_packet_are_passed_over()
    {
        Assert.Equal(DropReason.None, Parse(TestPackets.IcmpV4(3, 1, 0, CitedV4(_segment, [1, 1, 1, 0])), out IcmpMessage message));
        Assert.Equal((_hostV4, 0xdeadbeef), (message.Source, message.SequenceNumber));

        byte[] cited = CitedV6(IpProtocol.DestinationOptions, [IpProtocol.Tcp, 0, 0, 0, 0, 0, 0, 0, .. _segment]);
        Assert.Equal(DropReason.None, Parse(TestPackets.IcmpV6(1, 0, 0, cited), out message));
        Assert.Equal(0xdeadbeef, message.SequenceNumber);
    }

    /// <summary>The cited lengths and checksums are those of a longer packet, perhaps changed on its way.</summary>
    [Fact]
    public void Lengths_and_checksums_of_the_cited_packet_mean_nothing()
    {
        byte[] cited = CitedV4(_segment);
        cited[2] = 5;
        cited[10] ^= 0xff;
        Assert.Equal(DropReason.None, Parse(TestPackets.IcmpV4(3, 1, 0, cited), out _));
    }

    [Theory]
    [InlineData(0, 0)] // echo reply
    [InlineData(5, 1)] // redirect
    [InlineData(8, 0)] // echo
    [InlineData(255, 0)]
    public void What_is_not_an_error_about_a_connection_is_passed_over(byte type, byte code) =>
        Assert.Equal(DropReason.IrrelevantIcmp, Parse(TestPackets.IcmpV4(type, code, 0, CitedV4(_segment)), out _));

    [Theory]
    [InlineData(128)] // echo
    [InlineData(135)] // neighbour solicitation
    [InlineData(0)]
    public void What_is_not_an_error_of_IPv6_is_passed_over(byte type) =>
        Assert.Equal(DropReason.IrrelevantIcmp, Parse(TestPackets.IcmpV6(type, 0, 0, CitedV6(IpProtocol.Tcp, _segment)), out _));

    [Fact]
    public void A_citation_that_says_too_little_is_refused()
    {
        Assert.Equal(DropReason.TooShort, Parse(TestPackets.V4(IpProtocol.Icmp, [3, 1, 0xfc, 0xfe]), out _));
        Assert.Equal(DropReason.TooShort, Parse(TestPackets.IcmpV4(3, 1, 0, CitedV4(_segment)[..19]), out _));
        Assert.Equal(DropReason.TooShort, Parse(TestPackets.IcmpV4(3, 1, 0, CitedV4(_segment)[..27]), out _));
        Assert.Equal(DropReason.BadVersion, Parse(TestPackets.IcmpV4(3, 1, 0, [0x65, .. CitedV4(_segment)[1..]]), out _));
        Assert.Equal(DropReason.BadHeaderLength, Parse(TestPackets.IcmpV4(3, 1, 0, [0x44, .. CitedV4(_segment)[1..]]), out _));
        Assert.Equal(DropReason.Fragment, Parse(TestPackets.IcmpV4(3, 1, 0, CitedV4(_segment, fragmentField: 1)), out _));
        Assert.Equal(DropReason.NotTcp, Parse(TestPackets.IcmpV4(3, 1, 0, CitedV4(_segment, protocol: IpProtocol.Udp)), out _));

        byte[] cited = CitedV6(IpProtocol.Tcp, _segment);
        Assert.Equal(DropReason.TooShort, Parse(TestPackets.IcmpV6(1, 0, 0, cited[..39]), out _));
        Assert.Equal(DropReason.TooShort, Parse(TestPackets.IcmpV6(1, 0, 0, cited[..47]), out _));
        Assert.Equal(DropReason.BadVersion, Parse(TestPackets.IcmpV6(1, 0, 0, [0x45, .. cited[1..]]), out _));
        Assert.Equal(DropReason.NotTcp, Parse(TestPackets.IcmpV6(1, 0, 0, CitedV6(IpProtocol.Udp, _segment)), out _));
    }

    [Fact]
    public void A_message_of_the_other_family_or_with_a_wrong_checksum_is_refused()
    {
        byte[] message = TestPackets.IcmpV4(3, 1, 0, CitedV4(_segment));
        Assert.Equal(DropReason.NotIcmp, Parse(TestPackets.V4(IpProtocol.IcmpV6, message[20..]), out _));
        Assert.Equal(DropReason.NotIcmp, Parse(TestPackets.V6(IpProtocol.Icmp, message[20..]), out _));
        message[^1] ^= 1;
        Assert.Equal(DropReason.BadChecksum, Parse(message, out _));

        // The sum of ICMPv6 covers the addresses.
        byte[] v6 = TestPackets.IcmpV6(1, 0, 0, CitedV6(IpProtocol.Tcp, _segment));
        v6[23] ^= 1;
        Assert.Equal(DropReason.BadChecksum, Parse(v6, out _));
    }

    private static DropReason Parse(byte[] bytes, out IcmpMessage message)
    {
        Assert.True(IpPacket.TryParse(bytes, out IpPacket packet, out DropReason reason), reason.ToString());
        Assert.Equal(IcmpMessage.TryParse(packet, out message, out reason), reason == DropReason.None);
        return reason;
    }

    // What we sent: from the host to the peer, where TestPackets go from the peer to the host.
    private static byte[] CitedV4(
        byte[] segment, byte[]? options = null, int fragmentField = 0x4000, byte protocol = IpProtocol.Tcp)
    {
        byte[] packet = TestPackets.V4(protocol, segment, fragmentField, options);
        byte[] source = packet[12..16];
        packet.AsSpan(16, 4).CopyTo(packet.AsSpan(12));
        source.CopyTo(packet, 16);
        return packet;
    }

    private static byte[] CitedV6(byte protocol, byte[] segment)
    {
        byte[] packet = TestPackets.V6(protocol, segment);
        byte[] source = packet[8..24];
        packet.AsSpan(24, 16).CopyTo(packet.AsSpan(8));
        source.CopyTo(packet, 24);
        return packet;
    }
}
