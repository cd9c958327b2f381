using Mptcp.Stack;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation.Tests;

public sealed class SimulatedNetworkTests
{
    private const int Size = 1_000_000;
    private const int Port = 80;

    private readonly List<string> _trace = [];

    [Fact]
    public void A_megabyte_of_plain_tcp_crosses_a_path_that_loses()
    {
        (SimulatedNetwork network, NetworkStack client, NetworkStack server) =
            Pair(5, PathOptions.Of(10, 20, 50_000) with { LossPerMillion = 10_000 });
        Assert.True(Transfer(network, client, server, 60 * Instant.Second));
        SimulatedPath path = network.Paths[0];
        Assert.True(path.Forward.Counters.Lost.Packets > 0);
        Assert.True(path.Forward.Counters.Delivered.Bytes > Size);
        Assert.Equal(0, network.PacketsWithoutPath);
    }

    [Fact]
    public void The_same_seed_gives_the_same_packets()
    {
        List<string> first = Trace(5);
        Assert.Equal(first, Trace(5));
        Assert.NotEqual(first, Trace(6));
    }

    [Fact]
    public void A_filter_drops_a_packet_that_a_test_names()
    {
        (SimulatedNetwork network, NetworkStack client, NetworkStack server) = Pair(1, PathOptions.Of(10, 20, 50_000));
        int syns = 0;
        network.Paths[0].Filter = (direction, packet) =>
            direction != PathDirection.Forward || !IsSyn(packet) || ++syns > 1;
        Assert.True(Transfer(network, client, server, 60 * Instant.Second));
        Assert.Equal(2, syns);
    }

    [Fact]
    public void A_cut_path_carries_nothing_until_it_is_mended()
    {
        (SimulatedNetwork network, NetworkStack client, NetworkStack server) = Pair(1, PathOptions.Of(10, 20, 50_000));
        network.Paths[0].BlackHoled = true;
        Assert.False(Transfer(network, client, server, 2 * Instant.Second));
        Assert.Equal(0, network.Paths[0].Forward.Counters.Delivered.Packets);
        Assert.True(network.Paths[0].Forward.Counters.BlackHoled.Packets >= 2);
        network.Paths[0].BlackHoled = false;
        Assert.True(network.RunUntil(() => server.Connections == 1, 10 * Instant.Second));
    }

    [Fact]
    public void A_link_without_a_path_is_counted()
    {
        var network = new SimulatedNetwork(1);
        NetworkStack host = Host(1, "10.0.0.1");
        network.AddHost(host);
        host.TryConnect(network.Now, host.Addresses[0], new IpEndpoint(IpAddress.Parse("10.0.0.2"), Port));
        network.Run(Instant.Millisecond);
        Assert.Equal(1, network.PacketsWithoutPath);
    }

    private List<string> Trace(ulong seed)
    {
        _trace.Clear();
        (SimulatedNetwork network, NetworkStack client, NetworkStack server) =
            Pair(seed, PathOptions.Of(10, 20, 50_000) with { LossPerMillion = 10_000 });
        network.Paths[0].Filter = (direction, packet) =>
        {
            _trace.Add($"{network.Now.Nanoseconds} {direction} {Convert.ToHexString(packet[..Math.Min(60, packet.Length)])}");
            return true;
        };
        Assert.True(Transfer(network, client, server, 60 * Instant.Second));
        return [.. _trace];
    }

    private static (SimulatedNetwork Network, NetworkStack Client, NetworkStack Server) Pair(ulong seed, PathOptions options)
    {
        var network = new SimulatedNetwork(seed);
        NetworkStack client = Host(seed, "10.0.0.1");
        NetworkStack server = Host(seed + 100, "10.0.0.2");
        network.Connect(network.AddHost(client), 0, network.AddHost(server), 0, options);
        return (network, client, server);
    }

    private static NetworkStack Host(ulong seed, string address)
    {
        var stack = new NetworkStack(new StackOptions(), new SeededEntropy(seed));
        stack.AddAddress(new LocalAddress(0, IpAddress.Parse(address), 1500));
        return stack;
    }

    private static bool Transfer(SimulatedNetwork network, NetworkStack client, NetworkStack server, long limit)
    {
        StackListener listener = server.TryListen(Port)!;
        StackSocket from = client.TryConnect(network.Now, client.Addresses[0], new IpEndpoint(server.Addresses[0].Address, Port))!;
        StackSocket? to = null;
        byte[] sent = new byte[Size];
        for (int i = 0; i < Size; i++)
        {
            sent[i] = (byte)((i * 31) ^ (i >> 8));
        }

        byte[] received = new byte[Size];
        int written = 0, read = 0;
        bool arrived = network.RunUntil(
            () =>
            {
                if (written < Size && (written += from.TryWrite(sent.AsSpan(written))) == Size)
                {
                    from.CompleteWrites();
                }

                if (to is not null || listener.TryAccept(out to))
                {
                    read += to.TryRead(received.AsSpan(read));
                }

                return to is { EndOfStream: true };
            },
            limit);
        return arrived && received.AsSpan().SequenceEqual(sent);
    }

    private static bool IsSyn(ReadOnlySpan<byte> packet)
    {
        Assert.True(IpPacket.TryParse(packet, out IpPacket ip, out _));
        Assert.True(TcpSegment.TryParse(ip, out TcpSegment segment, out _));
        return segment.Syn;
    }
}
