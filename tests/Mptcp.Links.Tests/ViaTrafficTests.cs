using System.Net;
using System.Net.Sockets;
using Xunit;

namespace Mptcp.Links.Tests;

/// <summary>Packets through the paths of <see cref="ViaPathSet"/>, with kernel sockets at the far end.</summary>
public sealed class ViaTrafficTests
{
    private const int EnginePort = 40000;

    [Theory]
    [InlineData(0, "10.1.0.1")]
    [InlineData(1, "10.2.0.1")]
    public void A_packet_leaves_by_its_device_with_the_devices_address_and_the_answer_comes_back(
        int path, string outside)
    {
        using var network = ViaTestNetwork.CreateOrSkip();
        using ViaPathSet paths = network.Open(network.Options, "h0", "h1");
        ViaAddress address = paths.Paths[path].Addresses[0];
        Assert.Equal(IPAddress.Parse(outside), address.OutsideAddress);
        Exchange(network, paths.Paths[path], address, IPAddress.Parse(ViaTestNetwork.PeerAddress));
    }

    [Theory]
    [InlineData(0, "fd01::1", "fd01::2")]
    [InlineData(1, "fd02::1", ViaTestNetwork.PeerAddressV6)]
    public void IPv6_goes_the_same_way(int path, string outside, string peer)
    {
        using var network = ViaTestNetwork.CreateOrSkip(withIPv6: true);
        using ViaPathSet paths = network.Open(network.Options, "h0", "h1");
        ViaAddress address = paths.Paths[path].Addresses[1];
        Assert.Equal((IPAddress.Parse(outside), 126), (address.OutsideAddress, address.PrefixLength));
        Exchange(network, paths.Paths[path], address, IPAddress.Parse(peer));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_connection_to_the_first_address_through_the_second_device_arrives_on_the_second_tun(bool later)
    {
        using var network = ViaTestNetwork.CreateOrSkip();
        const ushort Port = 5000;
        using ViaPathSet paths = network.Open(
            later ? network.Options : network.Options with { ListenPorts = [Port] }, "h0", "h1");
        if (later)
            paths.ForwardPort(Port);
        network.Peer.Ip("rule add from 10.2.0.2 lookup 100");
        network.Peer.Ip("route add default via 10.2.0.1 dev p1 table 100");
        // With the first cable cut, the answer can only have come by the second.
        network.Peer.Ip("link set p0 down");

        using Socket client = network.Peer.Run(
            () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        client.Bind(new IPEndPoint(IPAddress.Parse("10.2.0.2"), 0));
        client.Blocking = false;
        Assert.Throws<SocketException>(() => client.Connect(new IPEndPoint(IPAddress.Parse("10.1.0.1"), Port)));

        ViaPath second = paths.Paths[1];
        byte[] syn = ViaTestPackets.ReadPacket(second.Tun, ViaTestPackets.Tcp);
        Assert.Equal(second.Addresses[0].EngineAddress, ViaTestPackets.DestinationOf(syn));
        byte[] synAck = ViaTestPackets.BuildSynAck(syn);
        Assert.Equal(synAck.Length, second.Tun.TryWrite(synAck));

        Assert.True(client.Poll(TimeSpan.FromSeconds(5), SelectMode.SelectWrite));
        Assert.Equal(0, (int)client.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!);
        Assert.Equal("10.1.0.1", ((IPEndPoint)client.RemoteEndPoint!).Address.ToString());
    }

    [Fact]
    public void The_tun_has_the_mtu_of_the_device()
    {
        using var network = ViaTestNetwork.CreateOrSkip();
        network.Host.Ip("link set h1 mtu 1380");
        using ViaPathSet paths = network.Open(network.Options, "h1");
        Assert.Equal(1380, paths.Paths[0].Mtu);
        Assert.Contains("mtu 1380", network.Host.Ip($"link show {paths.Paths[0].TunName}"), StringComparison.Ordinal);
    }

    private static void Exchange(ViaTestNetwork network, ViaPath path, ViaAddress address, IPAddress peer)
    {
        using Socket server = network.Peer.Run(
            () => new Socket(peer.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 5000 });
        server.Bind(new IPEndPoint(peer, 0));
        var target = (IPEndPoint)server.LocalEndPoint!;

        byte[] packet = ViaTestPackets.BuildUdp(new IPEndPoint(address.EngineAddress, EnginePort), target, "there"u8);
        Assert.Equal(packet.Length, path.Tun.TryWrite(packet));

        byte[] buffer = new byte[100];
        EndPoint from = new IPEndPoint(
            peer.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        int length = server.ReceiveFrom(buffer, ref from);
        Assert.Equal("there"u8.ToArray(), buffer[..length]);
        Assert.Equal(address.OutsideAddress, ((IPEndPoint)from).Address);

        server.SendTo("back"u8, from);
        byte[] answer = ViaTestPackets.ReadPacket(path.Tun, ViaTestPackets.Udp);
        Assert.Equal(address.EngineAddress, ViaTestPackets.DestinationOf(answer));
        ReadOnlySpan<byte> segment = ViaTestPackets.SegmentOf(answer);
        Assert.Equal(EnginePort, (segment[2] << 8) | segment[3]);
        Assert.Equal("back"u8.ToArray(), segment[8..].ToArray());
    }
}
