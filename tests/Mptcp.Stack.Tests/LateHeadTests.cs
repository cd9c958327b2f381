using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>The first byte that the peer lacks, where a path has become slow.</summary>
public sealed class LateHeadTests
{
    // Half a minute of queue.
    private static readonly PathOptions _bloated = PathOptions.Of(1, 20, 400_000) with { BitsPerSecond = 100_000 };
    private static readonly PathOptions _quick = PathOptions.Of(10, 20, 50_000);

    [Fact]
    public void What_stands_in_a_long_queue_goes_on_the_other_path_after_a_second()
    {
        var settings = new MptcpSettings { Scheduler = () => new LowestRtt() };
        var hosts = new TwoHosts(settings, new MptcpSettings(), seed: 1, _quick, _bloated) { Describes = false };
        Transfer transfer = Transfer.Begin(hosts, 20_000_000);
        transfer.RunToEnd();
        Assert.True(transfer.LongestGap <= 1200 * Instant.Millisecond, $"{transfer.LongestGap / Instant.Millisecond} ms");
    }

    [Fact]
    public void Where_the_window_is_full_it_goes_when_the_other_path_would_have_brought_it_four_times()
    {
        // The window lets half of what stands in the queue out, and a round trip of the quick path.
        var settings = new MptcpSettings { Scheduler = () => new LowestRtt() };
        var hosts = new TwoHosts(settings, new MptcpSettings { ReceiveBuffer = 128 * 1024 }, seed: 1, _quick, _bloated) { Describes = false };
        Transfer transfer = Transfer.Begin(hosts, 10_000_000);
        transfer.RunToEnd();
        Assert.True(transfer.LongestGap <= 600 * Instant.Millisecond, $"{transfer.LongestGap / Instant.Millisecond} ms");
    }

    /// <summary>
    /// What the peer has may be unacknowledged on a slow subflow for long: it may not keep the send queue full meanwhile.
    /// </summary>
    [Fact]
    public void A_late_subflow_does_not_fill_the_send_queue()
    {
        var settings = new MptcpSettings { Scheduler = () => new LowestRtt(), SendBuffer = 2 * 1024 * 1024 };
        var hosts = new TwoHosts(settings, new MptcpSettings(), seed: 1, _quick, _bloated) { Describes = false };
        Transfer transfer = Transfer.Begin(hosts, 20_000_000);
        transfer.RunUntil(15 * Instant.Second);
        Assert.True(transfer.Megabits >= 8.5, $"{transfer.Megabits:F1} Mbit/s");
    }

    /// <summary>
    /// Each link carries a hundred packets a second for four seconds and five a second for as long, in turns. By the greatest rate
    /// and the smoothed round trip of a link that has faded, half a minute of queue is none.
    /// </summary>
    [Fact]
    public void A_link_that_fades_leaves_no_queue_that_everything_waits_for()
    {
        Transfer transfer = Minute(Changing((100, 4), (5, 4)), Changing((5, 4), (100, 4)));
        Assert.True(transfer.LongestGap <= 1500 * Instant.Millisecond, $"{transfer.LongestGap / Instant.Millisecond} ms");
        Assert.True(transfer.Megabits >= 0.9, $"{transfer.Megabits:F2} Mbit/s");
    }

    /// <summary>
    /// The round trip of a link that falls to two packets a second is all queue, and does not run empty. Taken for the path's own it
    /// would grow by every new one, and what is late by half of it would be in order.
    /// </summary>
    [Fact]
    public void A_queue_that_does_not_run_empty_is_not_taken_for_the_path()
    {
        Transfer transfer = Minute(Changing((10, 18)), Changing((200, 4), (20, 8), (2, 3)));
        Assert.True(transfer.LongestGap <= 1500 * Instant.Millisecond, $"{transfer.LongestGap / Instant.Millisecond} ms");
        Assert.True(transfer.Megabits >= 0.7, $"{transfer.Megabits:F2} Mbit/s");
    }

    /// <summary>The smoothed round trip of a link that was slow and has recovered says for long how slow it was.</summary>
    [Fact]
    public void A_late_head_does_not_wait_for_a_queue_that_is_gone()
    {
        PathOptions first = Changing((2, 10), (20, 8)) with { QueueBytes = 90_000 };
        PathOptions second = Changing((50, 1), (1, 7), (2, 7)) with { QueueBytes = 90_000 };
        Transfer transfer = Minute(first, second);
        Assert.True(transfer.LongestGap <= 1500 * Instant.Millisecond, $"{transfer.LongestGap / Instant.Millisecond} ms");
    }

    /// <summary>More than two links carry in a minute, after that minute.</summary>
    private static Transfer Minute(PathOptions first, PathOptions second)
    {
        Transfer transfer = Transfer.Begin(new TwoHosts(first, second) { Describes = false }, 20_000_000);
        transfer.RunUntil(60 * Instant.Second);
        return transfer;
    }

    /// <summary>A link that carries so many packets a second for so many seconds, then the next, and again from the first.</summary>
    private static PathOptions Changing(params (int Rate, int Seconds)[] phases)
    {
        var times = new List<int>();
        int begin = 0;
        foreach ((int rate, int seconds) in phases)
        {
            times.AddRange(Enumerable.Range(0, seconds * rate).Select(i => begin + (i * 1000 / rate)));
            begin += seconds * 1000;
        }

        DeliveryTrace trace = DeliveryTrace.Parse($"{string.Join('\n', times)}\n{begin}\n");
        return new PathOptions { Trace = trace, DelayNanoseconds = 20 * Instant.Millisecond, QueueBytes = 375_000 };
    }

    /// <summary>The round trip of a path must not be learnt from our own queue there, nor be asked for for ever.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(30_000)]
    public void A_slow_path_helps_after_a_minute_as_in_the_first_seconds(int lossPerMillion)
    {
        PathOptions slow = PathOptions.Of(2, 75, 500_000) with { LossPerMillion = lossPerMillion };
        var hosts = new TwoHosts(PathOptions.Of(8, 10, 80_000), slow) { Describes = false };
        Transfer transfer = Transfer.Begin(hosts, 200_000_000);
        transfer.RunUntil(10 * Instant.Second);
        long early = hosts.SubflowsOf(transfer.Client)[1].BytesSent;
        transfer.RunUntil(60 * Instant.Second);
        (long before, int received) = (hosts.SubflowsOf(transfer.Client)[1].BytesSent, transfer.Stream.Received);
        transfer.RunUntil(10 * Instant.Second);
        long late = hosts.SubflowsOf(transfer.Client)[1].BytesSent - before;
        Assert.True(late >= early / 2, $"{early} bytes on the slow path in the first ten seconds, {late} in the last");
        Assert.True(transfer.Stream.Received - received >= (lossPerMillion == 0 ? 11_500_000 : 9_000_000), $"{transfer.Stream.Received - received} bytes");
    }
}
