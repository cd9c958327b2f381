using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Buffers that begin small and grow to what the paths and the application need.</summary>
public sealed class MemoryTests
{
    private static readonly PathOptions _path = PathOptions.Of(50, 10, 125_000);

    [Fact]
    public void Buffers_grow_to_what_is_needed_and_all_of_it_comes_back()
    {
        // A bandwidth-delay product of 2.5 MB: the first 128 KiB would give 5 Mbit/s.
        var hosts = new TwoHosts(PathOptions.Of(200, 50, 2_500_000));
        long idle = hosts.Server.Memory.Used;
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        long born = hosts.Server.Memory.Used;
        Instant start = hosts.Network.Now;
        var stream = new Stream(client, server, 30_000_000);
        long most = 0;
        Assert.True(hosts.Network.RunUntil(
            () =>
            {
                stream.Pump();
                most = Math.Max(most, hosts.Server.Memory.Used);
                return stream.Complete;
            },
            60 * Instant.Second), stream.ToString());
        double megabits = 30_000_000 * 8e3 / (hosts.Network.Now - start);
        Assert.Equal(0, idle);
        Assert.Equal(MptcpConnection.InitialMemory, born);
        Assert.True(most > 2_500_000, $"{most} bytes");
        Assert.True(megabits > 100, $"{megabits:F0} Mbit/s of 200");

        server.CompleteWrites();
        hosts.Network.Run(120 * Instant.Second);
        Assert.Equal(0, hosts.Client.Memory.Used);
        Assert.Equal(0, hosts.Server.Memory.Used);
    }

    [Fact]
    public void A_slow_reader_costs_little_memory()
    {
        var hosts = new TwoHosts(_path, _path);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var bytes = new byte[1_000_000];
        long sent = 0;
        Instant next = hosts.Network.Now;
        hosts.Network.RunUntil(
            () =>
            {
                sent += client.TryWrite(bytes);
                if (hosts.Network.Now >= next)
                {
                    next = hosts.Network.Now + (100 * Instant.Millisecond);
                    server.TryRead(bytes.AsSpan(0, 10_000));
                }

                return false;
            },
            20 * Instant.Second);
        Assert.True(hosts.Server.Memory.Used <= 2 * MptcpConnection.InitialMemory, $"{hosts.Server.Memory.Used} bytes");
        Assert.True(sent > 1_000_000);
    }

    [Fact]
    public void Memory_that_is_all_taken_refuses_new_connections_and_serves_the_old()
    {
        var network = new SimulatedNetwork(1);
        var client = new NetworkStack(new StackOptions(), new SeededEntropy(1));
        var server = new NetworkStack(new StackOptions { Memory = 2 * MptcpConnection.InitialMemory }, new SeededEntropy(2));
        network.Connect(network.AddHost(client), 0, network.AddHost(server), 0, _path);
        client.AddAddress(new LocalAddress(0, TwoHosts.Address(0, 1), 1500));
        server.AddAddress(new LocalAddress(0, TwoHosts.Address(0, 2), 1500));
        StackListener listener = server.TryListen(80)!;
        StackSocket[] sockets = [.. Enumerable.Range(0, 3).Select(
            _ => client.TryConnect(network.Now, client.Addresses[0], new IpEndpoint(TwoHosts.Address(0, 2), 80))!)];
        network.Run(10 * Instant.Second);
        Assert.Equal(2, sockets.Count(socket => socket.State == TcpState.Established));
        Assert.Equal(2, listener.Ready);

        StackSocket old = sockets.First(socket => socket.State == TcpState.Established);
        Assert.True(listener.TryAccept(out StackSocket accepted));
        var stream = new Stream(old, accepted, 300_000);
        Assert.True(network.RunUntil(
            () =>
            {
                stream.Pump();
                return stream.Complete;
            },
            30 * Instant.Second), stream.ToString());
        Assert.True(server.Memory.Used <= server.Memory.Limit);
    }
}
