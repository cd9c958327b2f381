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
    public void Copies_that_a_silent_subflow_keeps_are_charged()
    {
        // Buffers that cannot grow: what is taken beyond them are queues.
        var small = new MptcpSettings { SendBuffer = 128 * 1024, ReceiveBuffer = 128 * 1024 };
        var hosts = new TwoHosts(small, small, seed: 1, _path, _path);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        Instant start = hosts.Network.Now;
        long most = Watch(hosts, new Stream(client, server, 2_000_000), hosts.Client.Memory, () =>
            hosts.Network.Paths[0].BlackHoled = hosts.Network.Now - start is > 200 * Instant.Millisecond and < 5 * Instant.Second);
        Assert.InRange(most, MptcpConnection.InitialMemory + 10_000, 2 * MptcpConnection.InitialMemory);
    }

    [Fact]
    public void Bytes_that_wait_for_the_rest_behind_a_hole_are_charged_where_they_are_held_twice()
    {
        var small = new MptcpSettings { SendBuffer = 128 * 1024, ReceiveBuffer = 128 * 1024, ChecksumRequired = true };
        var hosts = new TwoHosts(small, small, seed: 1, _path with { LossPerMillion = 20_000 });
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        long most = Watch(hosts, new Stream(client, server, 2_000_000), hosts.Server.Memory, () => { });
        Assert.InRange(most, MptcpConnection.InitialMemory + 10_000, 2 * MptcpConnection.InitialMemory);
    }

    [Fact]
    public void A_host_without_memory_for_another_subflow_goes_on_with_one()
    {
        var tiny = new StackOptions { Memory = MptcpConnection.InitialMemory + 1000 };
        var hosts = new TwoHosts(tiny, tiny, seed: 1, _path, _path);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        Watch(hosts, new Stream(client, server, 300_000), hosts.Client.Memory, () => { });
        Assert.Single(hosts.SubflowsOf(client));
        Assert.Null(hosts.Client.TryConnect(hosts.Network.Now, hosts.Client.Addresses[0], client.Remote));
    }

    /// <summary>Runs a stream to its end, and both hosts; returns the most memory that was taken.</summary>
    private static long Watch(TwoHosts hosts, Stream stream, MemoryBudget memory, Action also)
    {
        long most = 0;
        Assert.True(hosts.Network.RunUntil(
            () =>
            {
                also();
                stream.Pump();
                most = Math.Max(most, memory.Used);
                return stream.Complete;
            },
            120 * Instant.Second), stream.ToString());
        return most;
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
        Assert.True(server.Drops[DropReason.NoMemory] > 0);

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
