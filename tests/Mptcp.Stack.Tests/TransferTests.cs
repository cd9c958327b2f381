using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Whole streams between two engines over two paths in virtual time.</summary>
public sealed class TransferTests
{
    private const int Size = 2_000_000;
    private static readonly PathOptions _path = PathOptions.Of(50, 10, 125_000);

    public static TheoryData<string> Weathers => ["clear", "loss", "reorder", "duplicate", "all"];

    [Theory]
    [MemberData(nameof(Weathers))]
    public void Both_directions_arrive_intact_over_both_paths(string weather)
    {
        PathOptions path = weather switch
        {
            "loss" => _path with { LossPerMillion = 10_000 },
            "reorder" => _path with { ReorderPerMillion = 50_000 },
            "duplicate" => _path with { DuplicatePerMillion = 50_000 },
            "all" => _path with { LossPerMillion = 20_000, ReorderPerMillion = 20_000, DuplicatePerMillion = 20_000 },
            _ => _path,
        };
        var hosts = new TwoHosts(path, path);
        (StackSocket client, StackSocket server) = Run(hosts, Size, Size / 2);

        Assert.True(client.IsMultipath && server.IsMultipath);
        List<SubflowInfo> subflows = hosts.SubflowsOf(client);
        Assert.Equal(2, subflows.Count);
        Assert.All(subflows, subflow => Assert.True(subflow.BytesSent > Size / 4, subflow.ToString()));
    }

    [Fact]
    public void Two_paths_carry_nearly_the_sum()
    {
        var hosts = new TwoHosts(_path, _path);
        Instant start = hosts.Network.Now;
        Run(hosts, 20_000_000, 0);
        double megabits = 20_000_000 * 8e3 / (hosts.Network.Now - start);
        Assert.True(megabits > 80, $"{megabits:F1} Mbit/s of 100");
    }

    [Fact]
    public void Checksums_are_made_and_checked()
    {
        var hosts = new TwoHosts(
            new MptcpSettings(), new MptcpSettings { ChecksumRequired = true }, seed: 3,
            _path with { LossPerMillion = 5000 }, _path);
        (StackSocket client, StackSocket server) = Run(hosts, Size, Size);
        Assert.True(client.IsMultipath && server.IsMultipath);
        Assert.Contains(hosts.Log, line => line.EndsWith("Dss(28)", StringComparison.Ordinal));
    }

    [Fact]
    public void A_small_receive_buffer_never_stalls()
    {
        var small = new MptcpSettings { ReceiveBuffer = 20_000, SendBuffer = 30_000 };
        var hosts = new TwoHosts(small, small, seed: 4, _path with { LossPerMillion = 10_000 }, _path);
        Run(hosts, 500_000, 500_000);
    }

    [Fact]
    public void A_reader_that_pauses_opens_the_window_again()
    {
        var small = new MptcpSettings { ReceiveBuffer = 50_000 };
        var hosts = new TwoHosts(small, small, seed: 5, _path, _path);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var bytes = new byte[200_000];
        int written = client.TryWrite(bytes);
        Assert.Equal(bytes.Length, written);
        client.CompleteWrites();
        hosts.Network.Run(5 * Instant.Second);
        Assert.Equal(50_000, server.Readable);

        int read = 0;
        Assert.True(hosts.Network.RunUntil(
            () =>
            {
                read += server.TryRead(bytes);
                return server.EndOfStream;
            },
            60 * Instant.Second));
        Assert.Equal(bytes.Length, read);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_path_that_goes_dark_loses_nothing(int dark)
    {
        var hosts = new TwoHosts(_path, _path);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var stream = new Stream(client, server, 10_000_000);
        Instant cut = default;
        Instant last = hosts.Network.Now;
        long gap = 0;
        int received = 0;
        Assert.True(
            hosts.Network.RunUntil(
                () =>
                {
                    stream.Pump();
                    if (stream.Received > received)
                    {
                        gap = Math.Max(gap, hosts.Network.Now - last);
                        (received, last) = (stream.Received, hosts.Network.Now);
                    }

                    if (cut == default && stream.Received > 4_000_000)
                    {
                        cut = hosts.Network.Now;
                        hosts.Network.Paths[dark].BlackHoled = true;
                    }

                    return stream.Complete;
                },
                60 * Instant.Second),
            stream.ToString());
        Assert.True(stream.Intact);
        Assert.True(gap < 500 * Instant.Millisecond, $"{gap / 1e6} ms without a byte");
        Assert.Contains(TwoHosts.EventsOf(client), e => e.Kind == ConnectionEventKind.SubflowSuspect);
    }

    [Fact]
    public void A_path_that_comes_back_is_used_again()
    {
        var hosts = new TwoHosts(_path, _path);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var stream = new Stream(client, server, 30_000_000);
        hosts.Network.RunUntil(() => Pumped(stream) > 3_000_000, 60 * Instant.Second);
        hosts.Network.Paths[1].BlackHoled = true;
        hosts.Network.RunUntil(() => Pumped(stream) > 6_000_000, 60 * Instant.Second);
        hosts.Network.Paths[1].BlackHoled = false;
        long before = hosts.SubflowsOf(client)[1].BytesSent;
        Assert.True(hosts.Network.RunUntil(() => Pumped(stream) >= 30_000_000, 60 * Instant.Second), stream.ToString());
        Assert.True(hosts.SubflowsOf(client)[1].BytesSent > before + 3_000_000);
        Assert.True(stream.Intact);
    }

    [Fact]
    public void The_same_seed_gives_the_same_packets()
    {
        List<string> Once()
        {
            var hosts = new TwoHosts(_path with { LossPerMillion = 10_000 }, _path with { ReorderPerMillion = 10_000 });
            Run(hosts, 300_000, 300_000);
            return hosts.Log;
        }

        Assert.Equal(Once(), Once());
    }

    [Fact]
    public void After_the_end_both_hosts_are_empty()
    {
        var hosts = new TwoHosts(_path, _path);
        Run(hosts, 100_000, 100_000);
        hosts.Network.Run(120 * Instant.Second);
        Assert.Equal(0, hosts.Client.Connections);
        Assert.Equal(0, hosts.Server.Connections);
    }

    internal static (StackSocket Client, StackSocket Server) Run(TwoHosts hosts, int up, int down)
    {
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var upward = new Stream(client, server, up);
        var downward = new Stream(server, client, down);
        bool complete = hosts.Network.RunUntil(
            () =>
            {
                upward.Pump();
                downward.Pump();
                return upward.Complete && downward.Complete && client.SubflowsFinished && server.SubflowsFinished;
            },
            120 * Instant.Second);
        Assert.True(complete, $"up: {upward}; down: {downward}");
        Assert.True(upward.Intact && downward.Intact);
        return (client, server);
    }

    private static int Pumped(Stream stream)
    {
        stream.Pump();
        return stream.Received;
    }
}
