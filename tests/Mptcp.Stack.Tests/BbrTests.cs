using Mptcp.Tcp;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>What the controller for lossy links does on a link.</summary>
public sealed class BbrTests
{
    [Theory]
    [InlineData(20, 0, 97)]
    [InlineData(20, 10_000, 95)]
    [InlineData(20, 30_000, 92)]
    [InlineData(100, 0, 97)]
    [InlineData(100, 10_000, 94)]
    [InlineData(100, 30_000, 90)]
    public void A_pipe_is_filled_whatever_it_loses_and_its_queue_stays_short(int roundTrip, int loss, int percent)
    {
        var link = new Bottleneck(Bottleneck.Link(50, roundTrip, loss));
        BulkFlow flow = link.Start(CongestionControllers.Bbr);
        link.Run(40 * roundTrip);
        long before = link.Counters.Delivered.Bytes;
        long queueDrops = link.Counters.QueueDrops.Packets;
        flow.Measure();
        link.Run(40 * roundTrip);

        // What is lost has taken its time on the link: 3 % of loss leave 97 % of it to deliver.
        long capacity = 50 * 125L * 40 * roundTrip;
        long delivered = link.Counters.Delivered.Bytes - before;
        Assert.True(delivered * 100 > capacity * percent, $"{delivered} of {capacity} bytes");
        Assert.InRange(flow.MeanRoundTrip, roundTrip * Instant.Millisecond, roundTrip * Instant.Millisecond * 13 / 10);
        Assert.InRange(queueDrops, 0, 120);
        Assert.Equal(queueDrops, link.Counters.QueueDrops.Packets);
    }

    [Fact]
    public void Once_in_ten_seconds_the_queue_is_emptied_to_see_the_round_trip()
    {
        // Another flow has filled the queue when this one begins, and goes: what is left is a queue of this one's own.
        var link = new Bottleneck(Bottleneck.Link(10, 40, 0));
        link.Start(CongestionControllers.Cubic, flow => flow.Written < 4_000_000);
        link.Run(1500);
        var bbr = (Bbr)link.Start(CongestionControllers.Bbr).Controller;
        link.Run(8000);
        long mistaken = bbr.RoundTrip;
        Assert.True(mistaken > 46 * Instant.Millisecond, $"{mistaken} ns");
        link.Run(6000);
        Assert.InRange(bbr.RoundTrip, 40 * Instant.Millisecond, 43 * Instant.Millisecond);
    }

    [Fact]
    public void Who_has_little_to_send_does_not_lower_the_estimate()
    {
        bool isShort = false;
        long allowed = 0;
        var link = new Bottleneck(Bottleneck.Link(20, 40, 0));
        BulkFlow flow = link.Start(CongestionControllers.Bbr, flow => !isShort || flow.Written < allowed);
        link.Run(2000);
        var bbr = (Bbr)flow.Controller;
        long rate = bbr.Rate;
        Assert.InRange(rate * 8, 18_000_000, 20_000_000);
        isShort = true;
        link.Run(3000);
        for (int i = 0; i < 300; i++)
        {
            allowed = flow.Written + 1;
            link.Run(50);
        }

        Assert.InRange(bbr.Rate, rate * 98 / 100, rate * 102 / 100);
    }

    [Fact]
    public void After_an_idle_time_it_goes_on_at_the_rate_of_the_path()
    {
        bool goesOn = true;
        var link = new Bottleneck(Bottleneck.Link(20, 40, 0));
        BulkFlow flow = link.Start(CongestionControllers.Bbr, _ => goesOn);
        link.Run(2000);
        goesOn = false;
        link.Run(10_000);
        goesOn = true;
        long drops = link.Counters.QueueDrops.Packets;
        link.Run(40);
        long before = link.Counters.Delivered.Bytes;
        link.Run(40);

        // In the second round trip already it is what the link holds: 100 kB, where slow start would have 15.
        Assert.InRange(link.Counters.Delivered.Bytes - before, 85_000, 101_000);
        Assert.Equal(drops, link.Counters.QueueDrops.Packets);
    }

    [Fact]
    public void Two_of_its_kind_share()
    {
        var link = new Bottleneck(Bottleneck.Link(10, 40, 0));
        BulkFlow first = link.Start(CongestionControllers.Bbr);
        link.Run(3000);
        BulkFlow second = link.Start(CongestionControllers.Bbr);
        link.Run(40_000);
        first.Measure();
        second.Measure();
        link.Run(10_000);
        Assert.True((first.Goodput + second.Goodput) * 8 > 9_000_000, $"{first.Goodput} and {second.Goodput}");
        Assert.InRange(second.Goodput * 100 / (first.Goodput + second.Goodput), 35, 65);
    }

    /// <summary>Twice what fits the path is as much as a queue of one round trip holds with it: CUBIC gets little there.</summary>
    [Theory]
    [InlineData(1, 97)]
    [InlineData(2, 90)]
    [InlineData(4, 80)]
    public void It_shares_with_CUBIC_and_neither_starves(int roundTripsOfQueue, int most)
    {
        var link = new Bottleneck(Bottleneck.Link(10, 40, 0) with { QueueBytes = 50_000 * roundTripsOfQueue });
        BulkFlow cubic = link.Start(CongestionControllers.Cubic);
        link.Run(3000);
        BulkFlow bbr = link.Start(CongestionControllers.Bbr);
        link.Run(5000);
        cubic.Measure();
        bbr.Measure();
        link.Run(15_000);
        Assert.True((cubic.Goodput + bbr.Goodput) * 8 > 9_000_000, $"{cubic.Goodput} and {bbr.Goodput}");
        Assert.InRange(bbr.Goodput * 100 / (cubic.Goodput + bbr.Goodput), 10, most);
    }

    [Fact]
    public void The_same_seed_gives_the_same_packets()
    {
        (long, long, long) first = Run(3);
        Assert.Equal(first, Run(3));
        Assert.NotEqual(first, Run(4));

        static (long Received, long Events, long Repeats) Run(ulong seed)
        {
            var link = new Bottleneck(Bottleneck.Link(20, 40, 20_000), seed);
            BulkFlow flow = link.Start(CongestionControllers.Bbr);
            link.Run(2000);
            return (flow.Received, link.Network.Events, flow.Retransmissions);
        }
    }
}
