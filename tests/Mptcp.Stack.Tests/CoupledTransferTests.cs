using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Coupled congestion control over a whole stack; what it does to others is the laboratory's to show.</summary>
public sealed class CoupledTransferTests
{
    private static readonly PathOptions _path = PathOptions.Of(10, 10, 25_000) with { LossPerMillion = 1_000 };

    [Theory]
    [InlineData("lia")]
    [InlineData("olia")]
    [InlineData("balia")]
    [InlineData("wvegas")]
    [InlineData("ewtcp")]
    [InlineData("coupled")]
    public void A_stream_arrives_whole_under_each_and_both_paths_carry_it(string name)
    {
        Assert.True(CoupledControllers.TryFind(name, out Func<CouplingGroup, int, ICoupledController>? make));
        var groups = new HashSet<CouplingGroup>();
        var settings = new MptcpSettings
        {
            Scheduler = () => new LowestRtt(),
            Coupling = (group, size) =>
            {
                groups.Add(group);
                return make(group, size);
            },
        };
        var hosts = new TwoHosts(settings, new MptcpSettings(), seed: 1, _path, _path) { Describes = false };
        Transfer transfer = Transfer.Begin(hosts, 6_000_000);
        transfer.RunUntil(Instant.Second);
        Assert.Equal(2, Assert.Single(groups).Members.Count);
        transfer.RunToEnd();
        Assert.All(hosts.SubflowsOf(transfer.Client), subflow => Assert.True(subflow.BytesSent > 500_000, $"{subflow.BytesSent}"));
    }

    [Fact]
    public void It_is_put_in_place_and_taken_away_while_data_flows_and_counts_the_subflows_that_live()
    {
        var hosts = new TwoHosts(_path, _path) { Describes = false };
        Transfer transfer = Transfer.Begin(hosts, 8_000_000);
        transfer.RunUntil(Instant.Second);
        CouplingGroup? group = null;
        transfer.Client.Couple((given, size) => CoupledControllers.Lia(group = given, size));
        Assert.Equal(2, group!.Members.Count);
        transfer.RunUntil(Instant.Second);
        transfer.Client.SetPathManager(new SinglePath());
        Assert.True(transfer.Client.ResetSubflow(1, Wire.MpTcpRstReason.Unspecified));
        hosts.Network.Run(Instant.Second);
        Assert.Single(group.Members);
        transfer.Client.Follow(hosts.Network.Now, new SocketOptions { CongestionControl = CongestionControllers.NewReno });
        Assert.Empty(group.Members);
        transfer.RunToEnd();
    }

    [Fact]
    public void In_scope_of_bottlenecks_subflows_on_paths_of_their_own_have_no_siblings()
    {
        var groups = new HashSet<CouplingGroup>();
        var settings = new MptcpSettings
        {
            CouplingScope = CouplingScope.Bottleneck,
            Coupling = (group, size) =>
            {
                groups.Add(group);
                return CoupledControllers.Lia(group, size);
            },
        };
        var hosts = new TwoHosts(settings, new MptcpSettings(), seed: 1, _path, _path) { Describes = false };
        Transfer transfer = Transfer.Begin(hosts, 12_000_000);
        transfer.RunUntil(8 * Instant.Second);
        Assert.Equal([1, 1], groups.Where(group => group.Members.Count > 0).Select(group => group.Members.Count));
        transfer.RunToEnd();
    }

    [Fact]
    public void CUBIC_is_coupled_at_shared_bottlenecks_alone_and_not_at_all_with_a_coupling_of_0()
    {
        foreach (int strength in (int[])[100, 0])
        {
            var hosts = new TwoHosts(new MptcpSettings { CouplingStrength = strength }, new MptcpSettings(), seed: 1, _path, _path) { Describes = false };
            Transfer transfer = Transfer.Begin(hosts, 8_000_000);
            transfer.RunUntil(5 * Instant.Second);
            var paths = new List<PathInfo>();
            transfer.Client.CopyPaths(hosts.Network.Now, paths);
            Assert.All(paths, path => Assert.Equal("carries data", path.Why));
            Assert.Equal([0, 1], hosts.SubflowsOf(transfer.Client).Select(subflow => subflow.Bottleneck));
            transfer.RunToEnd();
        }
    }
}
