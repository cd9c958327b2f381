using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Each scheduler does what it is named for; one follows another in mid-transfer; a broken one is contained.</summary>
public sealed class SchedulerChoiceTests
{
    private static readonly PathOptions _quick = PathOptions.Of(20, 5, 60_000);
    private static readonly PathOptions _slow = PathOptions.Of(20, 50, 300_000);

    /// <summary>Each, by name.</summary>
    public static TheoryData<string> Names =>
        ["default", "lowest-rtt", "round-robin", "round-robin:3,1", "redundant", "blest", "ecf", "backup-only", "latency:60"];

    [Theory]
    [MemberData(nameof(Names))]
    public void Each_delivers_the_stream_and_obeys_the_peers_backup_flag(string name)
    {
        TwoHosts hosts = With(name, _quick, _slow);
        Transfer transfer = Transfer.Begin(hosts, 10_000_000);
        transfer.RunUntil(Instant.Second / 2);
        Assert.True(transfer.Server.SetBackup(0, backup: true));
        transfer.RunUntil(Instant.Second / 2);
        long before = hosts.SubflowsOf(transfer.Client)[0].BytesSent;
        transfer.RunUntil(Instant.Second);
        Assert.Equal(before, hosts.SubflowsOf(transfer.Client)[0].BytesSent);
        transfer.RunToEnd();
    }

    [Fact]
    public void One_follows_another_while_data_flows_and_no_byte_is_lost()
    {
        TwoHosts hosts = With("default", _quick, _slow with { LossPerMillion = 5_000 });
        Transfer transfer = Transfer.Begin(hosts, 60_000_000);
        foreach (string name in Names.Select(row => row.Data).Concat(Names.Select(row => row.Data)))
        {
            transfer.RunUntil(Instant.Second / 2);
            Assert.True(SchedulerCatalog.TryFind(name, out Func<IScheduler>? make));
            transfer.Client.SetScheduler(make());
        }

        transfer.Client.SetScheduler(new EarliestDelivery());
        transfer.RunToEnd();
        Assert.Equal(0, transfer.Client.CountOf(ConnectionEventCode.SchedulerFailed));
    }

    /// <summary>1 s later on the slow path; the best alone needs 2 s for what waits.</summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(3, true)]
    public void The_default_asks_whether_the_quicker_ones_together_are_done_sooner(int quicker, bool rests)
    {
        var best = new SubflowSample(0, 10 * Instant.Millisecond, 100_000, 0)
        {
            MinimumRtt = 10 * Instant.Millisecond,
            DeliveryRate = 1_000_000,
            SegmentSize = 1400,
        };
        SubflowSample slow = best with { Number = 3, SmoothedRtt = 2 * Instant.Second, MinimumRtt = 2 * Instant.Second };
        var connection = new ConnectionSample(Unscheduled: 2_000_000, Window: 100_000_000) { RateAhead = quicker * 1_000_000 };
        Assert.Equal(rests, new EarliestDelivery().Rests(slow, best, connection));
    }

    /// <summary>By the latest rate, where there is a queue: a second is late, or two round trips without one.</summary>
    [Theory]
    [InlineData(30_000, 20_000, 100, true)]
    [InlineData(30_000, 20_000, 800, false)]
    [InlineData(30_000, 40_000, 100, false)]
    [InlineData(30_000, 0, 100, false)]
    [InlineData(2_000, 1_000, 100, false)]
    public void The_default_gives_nothing_to_a_queue_in_which_it_would_be_late(int inFlight, int rate, int roundTrip, bool full)
    {
        var sample = new SubflowSample(0, 5 * Instant.Second, 100_000, inFlight)
        {
            MinimumRtt = roundTrip * Instant.Millisecond,
            DeliveryRate = 1_000_000,
            QueuedRate = rate,
            SegmentSize = 1400,
        };
        Assert.Equal(full, new EarliestDelivery().IsFull(sample));
    }

    [Fact]
    public void A_segment_arrives_no_sooner_than_the_latest_rate_of_a_queue_says()
    {
        var sample = new SubflowSample(0, 5 * Instant.Second, 100_000, 28_600)
        {
            MinimumRtt = 100 * Instant.Millisecond,
            DeliveryRate = 1_000_000,
            SegmentSize = 1400,
        };
        Assert.Equal(101_400_000, sample.DeliveryTime);
        Assert.Equal(1500 * Instant.Millisecond, (sample with { QueuedRate = 20_000 }).DeliveryTime);
    }

    [Theory]
    [InlineData("round-robin", 0.5)]
    [InlineData("round-robin:3,1", 0.75)]
    [InlineData("round-robin:1,4", 0.2)]
    public void Round_robin_keeps_to_its_weights_where_both_paths_have_room(string name, double share)
    {
        TwoHosts hosts = With(name, PathOptions.Of(1000, 5, 10_000_000), PathOptions.Of(1000, 5, 10_000_000));
        Assert.InRange(ShareOfFirst(hosts), share - 0.02, share + 0.02);
    }

    /// <summary>Little at a time over a new connection, so that both paths always have room: the part of the first one.</summary>
    internal static double ShareOfFirst(TwoHosts hosts)
    {
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        byte[] chunk = new byte[2800];
        int read = 0;
        for (int i = 0; i < 400; i++)
        {
            client.TryWrite(chunk);
            hosts.Network.Run(20 * Instant.Millisecond);
            read += server.TryRead(chunk);
        }

        Assert.Equal(400 * 2800, read);
        Assert.Equal(0, client.CountOf(ConnectionEventCode.Silent));
        return hosts.SubflowsOf(client)[0].BytesSent / (double)read;
    }

    [Fact]
    public void Redundant_sends_all_on_each_path_and_is_not_slower_than_the_better_one()
    {
        PathOptions better = PathOptions.Of(50, 10, 125_000) with { LossPerMillion = 20_000 };
        PathOptions worse = PathOptions.Of(20, 25, 125_000) with { LossPerMillion = 20_000 };
        (long both, long bytes) = Percentile99("redundant", better, worse);
        (long alone, _) = Percentile99("default", better);
        Assert.True(both <= alone, $"{both / 1e6} ms, {alone / 1e6} ms on the better path alone");
        Assert.InRange(bytes, 2 * 0.95 * Requests * RequestSize, 2 * 1.05 * Requests * RequestSize);
    }

    [Fact]
    public void Backup_only_keeps_to_the_oldest_path_until_it_fails()
    {
        TwoHosts hosts = With("backup-only", _slow, _quick);
        Transfer transfer = Transfer.Begin(hosts, 10_000_000);
        transfer.RunUntil(2 * Instant.Second);
        Assert.Equal(0, hosts.SubflowsOf(transfer.Client)[1].BytesSent);
        hosts.Network.Paths[0].BlackHoled = true;
        transfer.RunToEnd();
        Assert.InRange(hosts.SubflowsOf(transfer.Client)[1].BytesSent, 5_000_000, 10_000_000);
    }

    [Fact]
    public void A_greatest_latency_leaves_out_the_path_that_cannot_keep_it()
    {
        foreach ((string name, bool used) in new[] { ("latency:60", false), ("latency:400", true) })
        {
            TwoHosts hosts = With(name, _quick, _slow);
            Transfer transfer = Transfer.Begin(hosts, 10_000_000);
            transfer.RunToEnd();
            Assert.Equal(used, hosts.SubflowsOf(transfer.Client)[1].BytesSent > 500_000);
        }
    }

    [Fact]
    public void With_half_of_the_window_that_the_paths_need_the_default_is_near_the_best()
    {
        double[] rates = [.. new[] { "default", "ecf", "blest", "lowest-rtt", "round-robin" }.Select(Tight)];
        Assert.True(rates[0] >= 0.9 * rates.Max(), string.Join(", ", rates));
    }

    [Fact]
    public void A_scheduler_that_throws_is_named_and_the_connection_goes_on()
    {
        var hosts = new TwoHosts(new MptcpSettings { Scheduler = () => new Broken() }, new MptcpSettings(), seed: 1, _quick, _slow)
        {
            Describes = false,
        };
        Transfer transfer = Transfer.Begin(hosts, 5_000_000);
        transfer.RunToEnd();
        ConnectionEvent failure = Assert.Single(
            TwoHosts.EventsOf(transfer.Client), taken => taken.Kind == ConnectionEventKind.PlugInFailed);
        Assert.Equal(
            "the scheduler failed, the default takes its place, InvalidOperationException: no subflow 17", failure.Reason);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Default")]
    [InlineData("round-robin:")]
    [InlineData("round-robin:3,0")]
    [InlineData("round-robin:3;1")]
    [InlineData("latency")]
    [InlineData("latency:0")]
    [InlineData("latency:-5")]
    public void A_name_that_means_nothing_is_not_found(string name) => Assert.False(SchedulerCatalog.TryFind(name, out _));

    private const int Requests = 600;
    private const int RequestSize = 200;

    private static (long Time, long Bytes) Percentile99(string scheduler, params PathOptions[] paths)
    {
        TwoHosts hosts = With(scheduler, paths);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        hosts.Network.Run(Instant.Second);
        var times = new List<long>();
        byte[] request = new byte[RequestSize];
        for (int i = 0; i < Requests; i++)
        {
            Instant start = hosts.Network.Now;
            client.TryWrite(request);
            int read = 0;
            Assert.True(hosts.Network.RunUntil(() => (read += server.TryRead(request)) == RequestSize, 10 * Instant.Second));
            times.Add(hosts.Network.Now - start);
            hosts.Network.Run(Math.Max(0, (100 * Instant.Millisecond) - times[^1]));
        }

        times.Sort();
        return (times[Requests * 99 / 100], hosts.SubflowsOf(client).Sum(subflow => subflow.BytesSent));
    }

    private static double Tight(string scheduler)
    {
        Assert.True(SchedulerCatalog.TryFind(scheduler, out Func<IScheduler>? make));
        var hosts = new TwoHosts(
            new MptcpSettings { Scheduler = make }, new MptcpSettings { ReceiveBuffer = 225_000 }, seed: 1,
            PathOptions.Of(10, 10, 50_000), PathOptions.Of(10, 90, 225_000))
        {
            Describes = false,
        };
        Transfer transfer = Transfer.Begin(hosts, 20_000_000);
        transfer.RunToEnd();
        return transfer.Megabits;
    }

    private static TwoHosts With(string scheduler, params PathOptions[] paths)
    {
        Assert.True(SchedulerCatalog.TryFind(scheduler, out Func<IScheduler>? make));
        return new TwoHosts(new MptcpSettings { Scheduler = make }, new MptcpSettings(), seed: 1, paths) { Describes = false };
    }

    private sealed class Broken : IScheduler
    {
        private int _calls;

        public long Rank(in SubflowSample sample) =>
            _calls++ < 1000 ? sample.SmoothedRtt : throw new InvalidOperationException("no subflow 17");

        public bool Rests(in SubflowSample sample, in SubflowSample best, in ConnectionSample connection) => false;
    }
}
