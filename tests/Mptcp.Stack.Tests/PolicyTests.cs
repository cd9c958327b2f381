using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>What the owner of a host wants of its links, and what connections make of it.</summary>
public sealed class PolicyTests
{
    private static readonly PathOptions _path = PathOptions.Of(4, 10, 10_000);

    [Fact]
    public void A_link_that_is_to_be_avoided_carries_nothing_of_either_end_and_may_come_back()
    {
        (TwoHosts hosts, Transfer transfer) = Begin(download: true);
        hosts.Client.SetPolicy(hosts.Network.Now, 1, new LinkPolicy { Use = EndpointUse.Avoid });
        transfer.RunUntil(Instant.Second);
        long before = Carried(hosts, 1);
        transfer.RunUntil(2 * Instant.Second);
        Assert.InRange(Carried(hosts, 1) - before, 0, 10_000);
        Assert.Equal("policy avoids it: nothing is sent here while another path works", WhyOf(hosts, transfer.Client, 1));
        hosts.Client.SetPolicy(hosts.Network.Now, 1, new LinkPolicy());
        transfer.RunUntil(Instant.Second);
        before = Carried(hosts, 1);
        transfer.RunUntil(Instant.Second);
        Assert.InRange(Carried(hosts, 1) - before, 300_000, 600_000);
        transfer.RunToEnd();
    }

    [Theory]
    [InlineData(0, false, 1)]
    [InlineData(2, false, 0)]
    [InlineData(0, true, 0)]
    public void What_costs_more_is_kept_for_the_day_when_the_rest_fails(int cost, bool metered, int spared)
    {
        (TwoHosts hosts, Transfer transfer) = Begin(download: false);
        hosts.Client.SetPolicy(hosts.Network.Now, 0, new LinkPolicy { Cost = cost, Metered = metered });
        hosts.Client.SetPolicy(hosts.Network.Now, 1, new LinkPolicy { Cost = 1 });
        transfer.RunUntil(Instant.Second);
        long before = Carried(hosts, spared);
        transfer.RunUntil(Instant.Second);
        Assert.InRange(Carried(hosts, spared) - before, 0, 5_000);
        hosts.Network.Paths[1 - spared].BlackHoled = true;
        transfer.RunUntil(Instant.Second);
        Assert.InRange(Carried(hosts, spared) - before, 200_000, 600_000);
        transfer.RunToEnd();
    }

    [Fact]
    public void A_cap_counts_both_ways_and_all_connections()
    {
        (TwoHosts hosts, Transfer transfer) = Begin(download: true);
        hosts.Client.SetPolicy(hosts.Network.Now, 1, new LinkPolicy { Cap = 800_000 });
        Transfer other = Transfer.Begin(hosts, 4_000_000);
        Assert.True(hosts.Network.RunUntil(() => transfer.Pump() + other.Pump() == 16_000_000, 600 * Instant.Second));
        Assert.True(transfer.Stream.Intact && other.Stream.Intact);
        Assert.InRange(hosts.Client.CarriedBy(1), 800_000, 900_000);
    }

    [Fact]
    public void A_peer_that_ignores_MP_PRIO_loses_the_subflow()
    {
        (TwoHosts hosts, Transfer transfer) = Begin(download: true, deaf: true);
        hosts.Client.SetPolicy(hosts.Network.Now, 1, new LinkPolicy { Use = EndpointUse.Avoid });
        transfer.RunUntil(4 * Instant.Second);
        long before = Carried(hosts, 1);
        transfer.RunUntil(Instant.Second / 2);
        Assert.True(Carried(hosts, 1) - before > 100_000, "the peer obeyed");
        transfer.RunUntil(8 * Instant.Second);
        Assert.True(hosts.SubflowsOf(transfer.Client)[1].State is TcpState.Closed or TcpState.TimeWait);
        Assert.Contains("no subflow: ", WhyOf(hosts, transfer.Client, 1), StringComparison.Ordinal);
        transfer.RunToEnd();
    }

    [Fact]
    public void The_only_path_is_used_whatever_policy_says()
    {
        var hosts = new TwoHosts(_path) { Describes = false };
        hosts.Client.SetPolicy(hosts.Network.Now, 0, new LinkPolicy { Use = EndpointUse.Avoid });
        Transfer transfer = Transfer.Begin(hosts, 1_000_000);
        transfer.RunToEnd();
    }

    [Fact]
    public void A_link_that_is_avoided_from_the_start_gets_no_subflow()
    {
        var hosts = new TwoHosts(_path, _path) { Describes = false };
        hosts.Client.SetPolicy(hosts.Network.Now, 1, new LinkPolicy { Use = EndpointUse.Avoid });
        Transfer transfer = Transfer.Begin(hosts, 1_000_000);
        transfer.RunUntil(Instant.Second / 2);
        Assert.All(hosts.SubflowsOf(transfer.Client), subflow => Assert.Equal(TwoHosts.Address(0, 1), subflow.Local.Address));
        Assert.Equal("no subflow: policy avoids the path", WhyOf(hosts, transfer.Client, 1));
        transfer.RunToEnd();
    }

    [Fact]
    public void A_policy_counts_for_addresses_that_come_later()
    {
        var hosts = new TwoHosts(_path, _path) { Describes = false };
        Assert.True(hosts.Client.RemoveAddress(TwoHosts.Address(1, 1)));
        hosts.Client.SetPolicy(hosts.Network.Now, 0, new LinkPolicy { Metered = true });
        Transfer transfer = Transfer.Begin(hosts, 12_000_000);
        transfer.RunUntil(Instant.Second);
        Assert.False(hosts.Client.Endpoints[0].IsBackup);
        hosts.Client.AddAddress(new LocalAddress(1, TwoHosts.Address(1, 1), 1500));
        transfer.RunUntil(Instant.Second);
        Assert.Equal(EndpointUse.Backup, hosts.Client.Endpoints[0].Use);
        long before = Carried(hosts, 0);
        transfer.RunUntil(Instant.Second);
        Assert.InRange(Carried(hosts, 0) - before, 0, 10_000);
        Assert.True(hosts.Client.RemoveAddress(TwoHosts.Address(1, 1)));
        Assert.Equal(EndpointUse.Normal, hosts.Client.Endpoints[0].Use);
        transfer.RunToEnd();
    }

    [Fact]
    public void What_was_lost_on_a_link_that_is_avoided_stays_away_until_the_link_is_wanted_again()
    {
        (TwoHosts hosts, Transfer transfer) = Begin(download: false);
        Assert.True(transfer.Server.ResetSubflow(1, Wire.MpTcpRstReason.Unspecified));
        hosts.Network.Run(50 * Instant.Millisecond);
        hosts.Client.SetPolicy(hosts.Network.Now, 1, new LinkPolicy { Use = EndpointUse.Avoid });
        transfer.RunUntil(2 * Instant.Second);
        Assert.Single(hosts.SubflowsOf(transfer.Client), subflow => subflow.Local.Address == TwoHosts.Address(1, 1));
        Assert.False(transfer.Client.OpenSubflow(TwoHosts.Address(1, 1), new Wire.IpEndpoint(TwoHosts.Address(0, 2), TwoHosts.Port)));
        hosts.Client.SetPolicy(hosts.Network.Now, 1, new LinkPolicy());
        transfer.RunUntil(Instant.Second);
        Assert.Equal((TcpState.Established, TwoHosts.Address(1, 1)), LastOf(hosts, transfer.Client));
        transfer.RunToEnd();
    }

    [Fact]
    public void Weights_lead_the_scheduler_that_knows_them()
    {
        var hosts = new TwoHosts(
            new MptcpSettings { Scheduler = () => new WeightedRoundRobin() }, new MptcpSettings(), seed: 1,
            PathOptions.Of(1000, 5, 10_000_000), PathOptions.Of(1000, 5, 10_000_000))
        {
            Describes = false,
        };
        hosts.Client.SetPolicy(hosts.Network.Now, 0, new LinkPolicy { Weight = 1 });
        hosts.Client.SetPolicy(hosts.Network.Now, 1, new LinkPolicy { Weight = 4 });
        Assert.InRange(SchedulerChoiceTests.ShareOfFirst(hosts), 0.18, 0.22);
    }

    private static (TwoHosts Hosts, Transfer Transfer) Begin(bool download, bool deaf = false)
    {
        var hosts = new TwoHosts(_path, _path) { Describes = false };
        if (deaf)
        {
            hosts.Describes = true;
            hosts.Drop = (_, line) => line.Contains("MpPrio", StringComparison.Ordinal);
        }

        Transfer transfer = Transfer.Begin(hosts, 12_000_000, download);
        transfer.RunUntil(Instant.Second);
        return (hosts, transfer);
    }

    private static (TcpState State, Wire.IpAddress Local) LastOf(TwoHosts hosts, StackSocket socket) =>
        (hosts.SubflowsOf(socket)[^1].State, hosts.SubflowsOf(socket)[^1].Local.Address);

    private static long Carried(TwoHosts hosts, int path) =>
        hosts.Network.Paths[path].Forward.Counters.Delivered.Bytes + hosts.Network.Paths[path].Back.Counters.Delivered.Bytes;

    private static string WhyOf(TwoHosts hosts, StackSocket socket, int path)
    {
        var paths = new List<PathInfo>();
        socket.CopyPaths(hosts.Network.Now, paths);
        return Assert.Single(paths, info => info.Local == TwoHosts.Address(path, 1)).Why;
    }
}
