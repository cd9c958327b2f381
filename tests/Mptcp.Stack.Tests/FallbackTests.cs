using Mptcp.Simulation;
using Mptcp.Tcp;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Middleboxes that take MPTCP options away in one direction, when data is already in flight.</summary>
public sealed class FallbackTests
{
    private static readonly PathOptions _path = PathOptions.Of(50, 10, 125_000);

    [Theory]
    [InlineData(false, 300_000, 0)]
    [InlineData(false, 0, 300_000)]
    [InlineData(false, 300_000, 300_000)]
    [InlineData(true, 300_000, 0)]
    [InlineData(true, 0, 300_000)]
    [InlineData(true, 300_000, 300_000)]
    public void Options_removed_one_way_after_the_handshake_never_corrupt(bool back, int up, int down)
    {
        int acks = 0;
        var hosts = new TwoHosts(_path, _path)
        {
            Rewrite = (_, direction, packet) =>
            {
                if (direction == PathDirection.Back == back)
                {
                    MptcpStripper.Strip(packet, line => !line.Contains("Syn", StringComparison.Ordinal) && (back || acks++ > 0));
                }
            },
        };
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var upward = new Stream(client, server, up);
        var downward = new Stream(server, client, down);
        bool complete = hosts.Network.RunUntil(
            () =>
            {
                upward.Pump();
                downward.Pump();
                return (upward.Complete && downward.Complete) || client.State == TcpState.Closed || server.State == TcpState.Closed;
            },
            120 * Instant.Second);
        string state = $"up: {upward}; down: {downward}\n{string.Join('\n', TwoHosts.EventsOf(client))}\n{string.Join('\n', TwoHosts.EventsOf(server))}";
        Assert.True(upward.Intact && downward.Intact, state);
        Assert.True(upward.Complete && downward.Complete, state);
    }
}
