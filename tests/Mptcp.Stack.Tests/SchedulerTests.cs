using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>
/// What the default scheduler makes of two paths (docs/decisions/0011): never less than the better one alone, and the sum
/// where there is one.
/// </summary>
public sealed class SchedulerTests
{
    private const int Pairs = 100;
    private const int Sample = 5;
    private static readonly bool _all = Environment.GetEnvironmentVariable("MPTCP_TEST_ALL") == "1";

    [Theory]
    [InlineData("sym", 92, 0.4)]
    [InlineData("wifi-lte", 45, 0.3)]
    [InlineData("wifi-3g", 49, 0.03)]
    public void The_rows_of_the_kernels_table(string row, double least, double leastShare)
    {
        (PathOptions[] paths, int size) = row switch
        {
            "sym" => (new[] { PathOptions.Of(50, 10, 125_000), PathOptions.Of(50, 10, 125_000) }, 60_000_000),
            "wifi-lte" => ([PathOptions.Of(30, 10, 90_000), PathOptions.Of(20, 50, 300_000)], 40_000_000),
            _ => ([PathOptions.Of(50, 5, 64_000), PathOptions.Of(5, 100, 500_000)], 30_000_000),
        };
        (double megabits, double share) = Run(paths, size, new MptcpSettings());
        Assert.True(megabits >= least, $"{megabits:F1} Mbit/s");
        Assert.True(share >= leastShare, $"{share:P1} on the second path");
    }

    [Theory]
    [InlineData(50, 0)]
    [InlineData(100, 0)]
    [InlineData(200, 0)]
    [InlineData(400, 0)]
    [InlineData(800, 9)]
    [InlineData(1600, 9)]
    public void A_small_receive_window_costs_nothing_against_plain_TCP(int kilobytes, double least)
    {
        PathOptions[] paths = [PathOptions.Of(8, 10, 80_000), PathOptions.Of(2, 75, 500_000)];
        var settings = new MptcpSettings { ReceiveBuffer = kilobytes * 1000 };
        (double both, _) = Run(paths, 20_000_000, settings);
        (double plain, _) = Run(paths[..1], 20_000_000, settings with { Multipath = false });
        Assert.True(both >= 0.95 * plain && both >= least, $"{both:F2} Mbit/s, plain TCP {plain:F2}");
    }

    /// <summary>
    /// 0.95 of the better path alone in each pair, but for one of the hundred, which has 0.94: a segment that the better path
    /// loses as the last of all waits for its timer.
    /// </summary>
    [Fact]
    public void Random_pairs_give_the_sum_and_never_less_than_the_better_path()
    {
        var random = new Random(7);
        var benefits = new List<double>();
        int count = _all ? Pairs : Sample;
        for (int i = 0; i < count; i++)
        {
            PathOptions[] paths = [Draw(random), Draw(random)];
            int seconds = _all ? 20 : 5;
            int size = SizeOf(paths[0], seconds) + SizeOf(paths[1], seconds);
            var settings = new MptcpSettings { ReceiveBuffer = 64 << 20, SendBuffer = 64 << 20 };
            (double both, _) = Run(paths, size, settings);
            (double first, _) = Run(paths[..1], SizeOf(paths[0], seconds), settings with { Multipath = false });
            (double second, _) = Run(paths[1..], SizeOf(paths[1], seconds), settings with { Multipath = false });
            double best = Math.Max(first, second);
            Assert.True(both >= 0.94 * best, $"{paths[0]} and {paths[1]}: {both:F1} of {first:F1} and {second:F1} Mbit/s");
            benefits.Add(both >= best ? (both - best) / (first + second - best) : (both - best) / best);
        }

        benefits.Sort();
        Assert.True(benefits[count / 2] >= (_all ? 0.8 : 0.6), $"a median benefit of {benefits[count / 2]:F2}");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_request_is_not_held_up_by_a_slow_path(bool multipath)
    {
        // 8 kB each 100 ms, from the first byte written to the last one read.
        PathOptions[] paths = [PathOptions.Of(50, 5, 64_000), PathOptions.Of(5, 100, 500_000)];
        var settings = new MptcpSettings { Multipath = multipath };
        (SimulatedNetwork network, StackSocket client, StackSocket server) = Connect(multipath ? paths : paths[..1], settings);
        var request = new byte[8000];
        var times = new List<long>();
        for (int i = 0; i < 200; i++)
        {
            Instant begun = network.Now;
            int read = 0;
            Assert.Equal(request.Length, client.TryWrite(request));
            Assert.True(network.RunUntil(() => (read += server.TryRead(request)) == request.Length, 10 * Instant.Second));
            times.Add(network.Now - begun);
            network.Run(Math.Max(0, 100 * Instant.Millisecond - (network.Now - begun)));
        }

        times.Sort();
        Assert.True(times[197] <= 7_700_000, $"99 % within {times[197] / 1e6:F2} ms");
    }

    /// <summary>
    /// A path that never fills its window stays in slow start; what stands before its bottleneck is no less for that. With it
    /// counted half, the last segments of a download went there and were late by 0.15 s.
    /// </summary>
    [Fact]
    public void The_end_of_a_download_does_not_wait_for_a_slow_path()
    {
        PathOptions[] paths = [PathOptions.Of(9, 10, 60_000), PathOptions.Of(1, 50, 30_000) with { BitsPerSecond = 300_000 }];
        long both = Median(Downloads(paths));
        long alone = Median(Downloads(paths[..1]));
        Assert.True(both <= 1.02 * alone, $"{both / 1e6:F0} ms, by the better path alone {alone / 1e6:F0}");
    }

    private static List<long> Downloads(PathOptions[] paths)
    {
        (SimulatedNetwork network, StackSocket client, StackSocket server) = Connect(paths, new MptcpSettings());
        var message = new byte[1_000_000];
        var times = new List<long>();
        for (int i = 0; i < 9; i++)
        {
            Instant begun = network.Now;
            (int written, int read) = (0, 0);
            bool IsRead()
            {
                written += client.TryWrite(message.AsSpan(written));
                read += server.TryRead(message);
                return read == message.Length;
            }

            Assert.True(network.RunUntil(IsRead, 10 * Instant.Second));
            times.Add(network.Now - begun);
            network.Run(3 * Instant.Second);
        }

        return times;
    }

    private static long Median(List<long> times) => times.Order().ElementAt(times.Count / 2);

    private static int SizeOf(PathOptions path, int seconds) => (int)(path.BitsPerSecond / 8 * seconds);

    private static PathOptions Draw(Random random)
    {
        int rate = random.Next(2, 101);
        int roundTrip = random.Next(5, 301);
        double products = 0.5 + random.NextDouble() * 3.5;
        int queue = Math.Max(15_000, (int)(products * rate * 1e6 / 8 * roundTrip / 1e3));
        return PathOptions.Of(rate, Math.Max(1, roundTrip / 2), queue);
    }

    /// <summary>The rate of a transfer in Mbit/s of payload, handshake included, and the second path's share of its packets.</summary>
    private static (double Megabits, double Share) Run(PathOptions[] paths, int size, MptcpSettings settings)
    {
        (SimulatedNetwork network, StackSocket client, StackSocket server) = Connect(paths, settings);
        Instant start = network.Now;
        var bytes = new byte[65_536];
        (int written, int read) = (0, 0);
        bool Pump()
        {
            for (int count = 1; count > 0; written += count)
            {
                count = client.TryWrite(bytes.AsSpan(0, Math.Min(bytes.Length, size - written)));
            }

            for (int count = 1; count > 0; read += count)
            {
                count = server.TryRead(bytes);
            }

            return read == size;
        }

        Assert.True(network.RunUntil(Pump, 600 * Instant.Second), $"{read} of {size} bytes");
        long[] carried = [.. network.Paths.Select(path => path.Forward.Counters.Delivered.Bytes)];
        return (size * 8e3 / (network.Now - start), carried.Length > 1 ? carried[1] / (double)carried.Sum() : 0);
    }

    private static (SimulatedNetwork Network, StackSocket Client, StackSocket Server) Connect(PathOptions[] paths, MptcpSettings settings)
    {
        var hosts = new TwoHosts(settings, settings, seed: 1, paths) { Describes = false };
        StackSocket client = hosts.Connect();
        return (hosts.Network, client, hosts.Accept());
    }
}
