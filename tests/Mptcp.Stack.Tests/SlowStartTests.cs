using Mptcp.Simulation;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Slow start ends before it fills the queues.</summary>
public sealed class SlowStartTests
{
    [Theory]
    [InlineData(50, 10, 125_000)]
    [InlineData(20, 15, 75_000)]
    [InlineData(50, 50, 625_000)]
    public void Two_paths_with_a_queue_of_one_round_trip_lose_next_to_nothing_at_the_start(int rate, int delay, int queue)
    {
        PathOptions path = PathOptions.Of(rate, delay, queue);
        var hosts = new TwoHosts(path, path);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var stream = new Stream(client, server, 100_000_000);
        hosts.Network.RunUntil(
            () =>
            {
                stream.Pump();
                return false;
            },
            30 * delay * 2 * Tcp.Instant.Millisecond);
        long capacity = rate * 125L * 30 * delay * 2;
        Assert.All(hosts.Network.Paths, carried =>
        {
            Assert.InRange(carried.Forward.Counters.QueueDrops.Packets, 0, 5);
            Assert.True(carried.Forward.Counters.Delivered.Bytes > capacity * 3 / 5, $"{carried.Forward.Counters}");
        });
    }
}
