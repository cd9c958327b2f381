using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>What is refused is counted, under the reason why.</summary>
public sealed class DropTests
{
    private static readonly PathOptions _path = PathOptions.Of(50, 10, 125_000);

    [Fact]
    public void A_backlog_that_nobody_accepts_from_counts_what_it_leaves_unanswered()
    {
        var hosts = new TwoHosts(_path);
        hosts.Server.TryListen(81, backlog: 1);
        StackSocket first = Connect(hosts, 81);
        hosts.Network.Run(Instant.Second);
        StackSocket second = Connect(hosts, 81);
        hosts.Network.Run(Instant.Second);
        Assert.Equal((TcpState.Established, TcpState.SynSent), (first.State, second.State));
        Assert.True(hosts.Server.Drops[DropReason.BacklogFull] > 0);
    }

    [Fact]
    public void A_port_without_listener_an_address_that_is_not_ours_and_an_unknown_token_are_told_apart()
    {
        var hosts = new TwoHosts(_path, _path);
        Connect(hosts, 82);
        hosts.Network.Run(Instant.Second);
        Assert.Equal(1, hosts.Server.Drops[DropReason.NoConnection]);

        hosts.Rewrite = (_, _, packet) => MptcpStripper.ChangeToken(packet);
        hosts.Connect();
        hosts.Accept();
        hosts.Network.Run(Instant.Second);
        Assert.True(hosts.Server.Drops[DropReason.JoinRefused] > 0);

        byte[]? strange = null;
        hosts.Rewrite = (_, _, packet) => strange ??= packet;
        hosts.Connect();
        hosts.Network.Run(Instant.Second);
        hosts.Client.HandlePacket(hosts.Network.Now, 0, strange);
        Assert.Equal(1, hosts.Client.Drops[DropReason.NotForUs]);
    }

    [Fact]
    public void Each_packet_is_counted_once()
    {
        var hosts = new TwoHosts(_path with { LossPerMillion = 20_000 }, _path);
        TransferTests.Run(hosts, 300_000, 300_000);
        foreach (NetworkStack host in new[] { hosts.Client, hosts.Server })
        {
            Assert.Equal(host.Drops.Arrived, Enum.GetValues<DropReason>().Sum(reason => host.Drops[reason]));
            Assert.True(host.Drops[DropReason.None] > 200);
        }
    }

    private static StackSocket Connect(TwoHosts hosts, ushort port) => hosts.Client.TryConnect(
        hosts.Network.Now, hosts.Client.Addresses[0], new IpEndpoint(TwoHosts.Address(0, 2), port))!;
}
