using Mptcp.Multipath;
using Mptcp.Stack;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation.Tests;

public sealed class RouterAndNatTests
{
    private static readonly IpAddress _inside = IpAddress.Parse("192.168.0.2");
    private static readonly IpAddress _outside = IpAddress.Parse("203.0.113.1");
    private static readonly IpAddress _server = IpAddress.Parse("198.51.100.7");
    private static readonly PathOptions _wire = PathOptions.Of(100, 5, 100_000);

    [Fact]
    public void The_longest_prefix_decides_and_what_has_no_route_is_answered()
    {
        var network = new SimulatedNetwork(1);
        var router = new Router();
        var near = new PumpNode(At("10.0.0.1"), At("10.1.2.3"), 3, 10, Instant.Millisecond);
        var lost = new PumpNode(At("10.0.1.1"), At("99.0.0.1"), 1, 10, Instant.Millisecond);
        PumpNode wide = Sink(), narrow = Sink();
        int hub = network.AddNode(router);
        Join(network, hub, near, lost, wide, narrow);
        router.AddRoute(IpPrefix.Parse("10.0.0.0/24"), 0);
        router.AddRoute(IpPrefix.Parse("10.0.1.0/24"), 1);
        router.AddRoute(IpPrefix.Parse("10.0.0.0/8"), 2);
        router.AddRoute(IpPrefix.Parse("10.1.2.0/23"), 3);
        router.SetLink(1, IpAddress.Parse("10.0.1.254"));
        network.Run(Instant.Second);
        Assert.Empty(wide.Arrived);
        Assert.Equal(3, narrow.Arrived.Count);
        Assert.True(IpPacket.TryParse(narrow.Arrived[0].Packet, out IpPacket ip, out _));
        Assert.Equal(TcpPacket.HopLimit - 1, ip.HopLimit);
        Assert.True(TcpSegment.TryParse(ip, out _, out _));
        Assert.Equal(IcmpKind.DestinationUnreachable, Icmp(Assert.Single(lost.Arrived).Packet).Kind);
        Assert.Equal(1, router.Dropped);
    }

    [Theory]
    [InlineData("10.0.0.1", "10.1.0.1", "10.0.0.254")]
    [InlineData("fd00::1", "fd01::1", "fd00::ff")]
    public void A_packet_that_is_too_big_is_answered_with_the_size_that_fits(string from, string to, string own)
    {
        var network = new SimulatedNetwork(1);
        var router = new Router();
        var sender = new PumpNode(At(from), At(to), 1, 1400, Instant.Millisecond);
        PumpNode receiver = Sink();
        int hub = network.AddNode(router);
        Join(network, hub, sender, receiver);
        router.AddRoute(new IpPrefix(IpAddress.Parse(from), 16), 0);
        router.AddRoute(new IpPrefix(IpAddress.Parse(to), 16), 1);
        router.SetLink(0, IpAddress.Parse(own));
        router.SetLink(1, IpAddress.Parse(own), mtu: 1300);
        network.Run(Instant.Second);
        IcmpMessage message = Icmp(Assert.Single(sender.Arrived).Packet);
        Assert.Equal(IcmpKind.PacketTooBig, message.Kind);
        Assert.Equal(1300, message.Mtu);
        Assert.Empty(receiver.Arrived);

        router.Silent = true;
        sender.Send(1);
        network.Run(Instant.Second);
        Assert.Single(sender.Arrived);
    }

    [Fact]
    public void Two_routers_that_point_at_each_other_end_a_packet()
    {
        var network = new SimulatedNetwork(1);
        Router first = new(), second = new();
        var sender = new PumpNode(At("10.0.0.1"), At("10.1.0.1"), 1, 10, Instant.Millisecond);
        int a = network.AddNode(first), b = network.AddNode(second);
        network.Connect(a, 0, network.AddNode(sender), 0, _wire);
        network.Connect(a, 1, b, 0, _wire);
        first.AddRoute(IpPrefix.Parse("0.0.0.0/0"), 1);
        first.AddRoute(IpPrefix.Parse("10.0.0.0/24"), 0);
        second.AddRoute(IpPrefix.Parse("0.0.0.0/0"), 0);
        second.SetLink(0, IpAddress.Parse("10.9.0.1"));
        first.SetLink(1, IpAddress.Parse("10.9.0.2"));
        network.Run(10 * Instant.Second);
        Assert.Equal(1, first.Dropped + second.Dropped);
        Assert.Single(sender.Arrived);
    }

    [Theory]
    [InlineData("10.1.2.3/32", "10.1.2.3", true)]
    [InlineData("10.1.2.3/31", "10.1.2.2", true)]
    [InlineData("10.1.2.3/31", "10.1.2.4", false)]
    [InlineData("0.0.0.0/0", "255.1.2.4", true)]
    [InlineData("0.0.0.0/0", "::1", false)]
    [InlineData("fd00::/9", "fd7f::1", true)]
    [InlineData("fd00::/9", "fd80::1", false)]
    public void A_prefix_knows_its_own(string prefix, string address, bool own) =>
        Assert.Equal(own, IpPrefix.Parse(prefix).Contains(IpAddress.Parse(address)));

    [Theory]
    [InlineData("10.0.0.0")]
    [InlineData("10.0.0.0/33")]
    [InlineData("x/1")]
    [InlineData("::/129")]
    public void What_is_no_prefix_is_refused(string text) => Assert.Throws<FormatException>(() => IpPrefix.Parse(text));

    [Fact]
    public void A_nat_maps_an_endpoint_once_and_changes_the_port()
    {
        (SimulatedNetwork network, Nat nat, PumpNode client, PumpNode server) = Natted(new NatOptions());
        network.Run(Instant.Second);
        Assert.Equal(2, server.Arrived.Count);
        IpEndpoint seen = SourceOf(server.Arrived[0].Packet);
        Assert.Equal(_outside, seen.Address);
        Assert.NotEqual(5000, seen.Port);
        Assert.Equal(seen, SourceOf(server.Arrived[1].Packet));
        Assert.Equal(1, nat.Mappings);
        Assert.Empty(client.Arrived);
    }

    [Fact]
    public void A_mapping_that_nobody_uses_ends_and_the_next_has_another_port()
    {
        (SimulatedNetwork network, Nat nat, PumpNode client, PumpNode server) = Natted(
            new NatOptions { TransitoryNanoseconds = 10 * Instant.Second });
        network.Run(5 * Instant.Second);
        client.Send(1);
        network.Run(9 * Instant.Second);
        client.Send(1);
        network.Run(11 * Instant.Second);
        client.Send(1);
        network.Run(Instant.Second);
        IpEndpoint[] seen = [.. server.Arrived.Select(arrival => SourceOf(arrival.Packet))];
        Assert.Equal(5, seen.Length);
        Assert.Equal(seen[0], seen[2]);
        Assert.Equal(seen[0], seen[3]);
        Assert.NotEqual(seen[0], seen[4]);
        Assert.Equal(1, nat.Mappings);
    }

    [Fact]
    public void A_restart_forgets()
    {
        (SimulatedNetwork network, Nat nat, PumpNode client, PumpNode server) = Natted(new NatOptions());
        network.Run(Instant.Second);
        nat.Forget();
        client.Send(1);
        network.Run(Instant.Second);
        Assert.NotEqual(SourceOf(server.Arrived[0].Packet), SourceOf(server.Arrived[^1].Packet));
    }

    [Fact]
    public void Ports_are_kept_where_that_is_asked()
    {
        (SimulatedNetwork network, _, _, PumpNode server) = Natted(new NatOptions { PreservesPorts = true });
        network.Run(Instant.Second);
        Assert.Equal(5000, SourceOf(server.Arrived[0].Packet).Port);
    }

    [Theory]
    [InlineData(NatFiltering.EndpointIndependent, 1)]
    [InlineData(NatFiltering.AddressAndPortDependent, 0)]
    public void Filtering_says_who_comes_in(NatFiltering filtering, int arrivals)
    {
        var nat = new Nat(new NatOptions { PreservesPorts = true, Filtering = filtering }, _outside, 1);
        nat.HandlePacket(new Instant(1), 1, Tcp(new IpEndpoint(_inside, 5000), new IpEndpoint(_server, 80)));
        nat.HandlePacket(new Instant(1), Nat.OutsideLink, Tcp(new IpEndpoint(_server, 81), new IpEndpoint(_outside, 5000)));
        Assert.Equal(1 - arrivals, nat.Dropped);
        nat.HandlePacket(new Instant(1), Nat.OutsideLink, Tcp(new IpEndpoint(_server, 80), new IpEndpoint(_outside, 5000)));
        Assert.Equal(1 - arrivals, nat.Dropped);
        nat.HandlePacket(new Instant(1), Nat.OutsideLink, Tcp(new IpEndpoint(_server, 80), new IpEndpoint(_outside, 5001)));
        Assert.Equal(2 - arrivals, nat.Dropped);
    }

    [Fact]
    public void Two_behind_one_nat_reach_each_other_by_the_outside()
    {
        var nat = new Nat(new NatOptions { PreservesPorts = true, Filtering = NatFiltering.EndpointIndependent }, _outside, 1);
        var other = IpAddress.Parse("192.168.0.3");
        nat.HandlePacket(new Instant(1), 2, Tcp(new IpEndpoint(other, 6000), new IpEndpoint(_server, 80)));
        nat.HandlePacket(new Instant(1), 1, Tcp(new IpEndpoint(_inside, 5000), new IpEndpoint(_outside, 6000)));
        byte[] buffer = new byte[65_536];
        Assert.True(nat.TryTransmit(new Instant(1), buffer, out int link, out _));
        Assert.Equal(Nat.OutsideLink, link);
        Assert.True(nat.TryTransmit(new Instant(1), buffer, out link, out int length));
        Assert.Equal(2, link);
        Assert.True(IpPacket.TryParse(buffer.AsSpan(0, length), out IpPacket ip, out _));
        Assert.True(TcpSegment.TryParse(ip, out TcpSegment segment, out _));
        Assert.Equal(new IpEndpoint(_outside, 5000), segment.Source);
        Assert.Equal(new IpEndpoint(other, 6000), segment.Destination);
    }

    [Fact]
    public void A_nat_does_not_repair_what_is_damaged_and_nothing_makes_it_throw() =>
        CsCheck.Check.Sample(
            CsCheck.Gen.Select(CsCheck.Gen.Int[20, 59], CsCheck.Gen.Byte[1, 255], CsCheck.Gen.Int[0, 60]),
            (at, change, cut) =>
            {
                var nat = new Nat(new NatOptions(), _outside, 1);
                byte[] packet = Tcp(new IpEndpoint(_inside, 5000), new IpEndpoint(_server, 80));
                packet[at] ^= change;
                nat.HandlePacket(new Instant(1), 1, packet.AsSpan(0, cut));
                nat.HandlePacket(new Instant(1), 1, packet);
                byte[] buffer = new byte[65_536];
                if (nat.TryTransmit(new Instant(1), buffer, out _, out int length))
                {
                    Assert.True(IpPacket.TryParse(buffer.AsSpan(0, length), out IpPacket ip, out _));
                    Assert.False(TcpSegment.TryParse(ip, out _, out _));
                }
            });

    [Theory]
    [InlineData("192.168.0.2", "203.0.113.1", "198.51.100.7", "203.0.113.254")]
    [InlineData("fd00::2", "2001:db8::1", "2001:db8:1::1", "2001:db8::ff")]
    public void An_error_comes_in_to_whom_it_is_about(string inside, string outside, string server, string router)
    {
        var from = new IpEndpoint(IpAddress.Parse(inside), 5000);
        var to = new IpEndpoint(IpAddress.Parse(server), 80);
        var nat = new Nat(new NatOptions(), IpAddress.Parse(outside), 1);
        byte[] buffer = new byte[65_536];
        byte[] big = new byte[1500];
        int length = TcpPacket.Write(big, new TcpHeaderFields { Source = from, Destination = to, SequenceNumber = 77, Flags = TcpFlags.Ack }, [], 1000);
        nat.HandlePacket(new Instant(1), 1, big.AsSpan(0, length));
        Assert.True(nat.TryTransmit(new Instant(1), buffer, out _, out length));
        Assert.True(IcmpErrors.TryWrite(big, IcmpErrors.TooBig, IpAddress.Parse(router), 900, buffer.AsSpan(0, length), out length));

        nat.HandlePacket(new Instant(2), 1, big.AsSpan(0, length));
        Assert.Equal(1, nat.Dropped);
        nat.HandlePacket(new Instant(2), Nat.OutsideLink, big.AsSpan(0, length));
        Assert.True(nat.TryTransmit(new Instant(2), buffer, out int link, out length));
        Assert.Equal(1, link);
        byte[] error = buffer[..length];
        Assert.True(IpPacket.TryParse(error, out IpPacket ip, out _));
        Assert.Equal(from.Address, ip.Destination);
        Assert.Equal(IpAddress.Parse(router), ip.Source);
        IcmpMessage message = Icmp(error);
        Assert.Equal((from, to, 77u, 900), (message.Source, message.Destination, message.SequenceNumber, message.Mtu));
        Assert.Equal(1, nat.Dropped);
    }

    [Fact]
    public void Multipath_tcp_passes_a_nat_on_one_path_and_a_router_on_the_other()
    {
        var network = new SimulatedNetwork(3);
        var client = new NetworkStack(new StackOptions(), new SeededEntropy(1));
        client.AddAddress(new LocalAddress(0, _inside, 1500));
        client.AddAddress(new LocalAddress(1, IpAddress.Parse("10.0.0.2"), 1500));
        var server = new NetworkStack(new StackOptions(), new SeededEntropy(2));
        server.AddAddress(new LocalAddress(0, _server, 1500));
        var nat = new Nat(new NatOptions(), _outside, 7);
        var router = new Router();
        int a = network.AddHost(client), b = network.AddHost(server), n = network.AddNode(nat), r = network.AddNode(router);
        network.Connect(a, 0, n, 1, _wire);
        network.Connect(n, Nat.OutsideLink, r, 0, _wire);
        network.Connect(a, 1, r, 1, _wire);
        network.Connect(r, 2, b, 0, _wire);
        router.AddRoute(new IpPrefix(_outside, 32), 0);
        router.AddRoute(IpPrefix.Parse("10.0.0.0/24"), 1);
        router.AddRoute(new IpPrefix(_server, 32), 2);

        StackListener listener = server.TryListen(80)!;
        StackSocket from = client.TryConnect(network.Now, client.Addresses[0], new IpEndpoint(_server, 80))!;
        StackSocket? to = null;
        byte[] chunk = new byte[100_000];
        long read = 0;
        const long size = 3_000_000;
        long written = 0;
        Assert.True(network.RunUntil(
            () =>
            {
                written += from.TryWrite(chunk.AsSpan(0, (int)Math.Min(chunk.Length, size - written)));
                if (to is not null || listener.TryAccept(out to))
                {
                    read += to!.TryRead(chunk);
                }

                return read == size;
            },
            30 * Instant.Second));
        Assert.True(to!.IsMultipath);
        var subflows = new List<SubflowInfo>();
        from.CopySubflows(subflows);
        Assert.Equal(2, subflows.Count);
        Assert.All(subflows, subflow => Assert.True(subflow.BytesSent > size / 10));
        Assert.Equal(0, router.Dropped + nat.Dropped);
    }

    private static IpEndpoint At(string address) => new(IpAddress.Parse(address), 1000);

    private static PumpNode Sink() => new(default, default, 0, 0, 1);

    private static void Join(SimulatedNetwork network, int hub, params ISimulatedNode[] nodes)
    {
        for (int i = 0; i < nodes.Length; i++)
        {
            network.Connect(hub, i, network.AddNode(nodes[i]), 0, _wire);
        }
    }

    private static (SimulatedNetwork Network, Nat Nat, PumpNode Client, PumpNode Server) Natted(NatOptions options)
    {
        var network = new SimulatedNetwork(1);
        var nat = new Nat(options, _outside, 42);
        var client = new PumpNode(new IpEndpoint(_inside, 5000), new IpEndpoint(_server, 80), 2, 10, Instant.Millisecond);
        PumpNode server = Sink();
        int n = network.AddNode(nat);
        network.Connect(n, Nat.OutsideLink, network.AddNode(server), 0, _wire);
        network.Connect(n, 1, network.AddNode(client), 0, _wire);
        return (network, nat, client, server);
    }

    private static byte[] Tcp(IpEndpoint from, IpEndpoint to)
    {
        byte[] packet = new byte[100];
        return packet[..TcpPacket.Write(packet, new TcpHeaderFields { Source = from, Destination = to, Flags = TcpFlags.Ack }, [], 20)];
    }

    private static IpEndpoint SourceOf(byte[] packet)
    {
        Assert.True(IpPacket.TryParse(packet, out IpPacket ip, out _));
        Assert.True(TcpSegment.TryParse(ip, out TcpSegment segment, out _));
        return segment.Source;
    }

    private static IcmpMessage Icmp(byte[] packet)
    {
        Assert.True(IpPacket.TryParse(packet, out IpPacket ip, out _));
        Assert.True(IcmpMessage.TryParse(ip, out IcmpMessage message, out DropReason reason), reason.ToString());
        return message;
    }
}
