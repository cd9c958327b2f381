using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>How each path stands and why, as people are told it.</summary>
public sealed class WhyTests
{
    private static readonly PathOptions _path = PathOptions.Of(20, 10, 60_000);
    private readonly List<PathInfo> _paths = [];

    [Fact]
    public void A_path_is_told_from_its_probing_to_its_recovery()
    {
        var hosts = new TwoHosts(_path, _path) { Describes = false };
        Transfer transfer = Transfer.Begin(hosts, 100_000_000);
        hosts.Network.Run(15 * Instant.Millisecond);
        Assert.Equal((PathState.Probing, "the peer has not answered yet"), Second(hosts, transfer));
        transfer.RunUntil(Instant.Second);
        Assert.Equal((PathState.Active, "carries data"), Second(hosts, transfer));
        Assert.True(transfer.Server.SetBackup(1, backup: true));
        transfer.RunUntil(Instant.Second);
        Assert.Equal((PathState.Backup, "spared until no other path works: the peer wants it so"), Second(hosts, transfer));
        Assert.True(transfer.Server.SetBackup(1, backup: false));
        transfer.RunUntil(Instant.Second);
        Assert.Equal(PathState.Active, Second(hosts, transfer).State);
        hosts.Network.Paths[1].BlackHoled = true;
        transfer.RunUntil(2 * Instant.Second);
        (PathState state, string why) = Second(hosts, transfer);
        Assert.Equal(PathState.Suspect, state);
        Assert.Matches(@"^silent for [12]\.\d s; asked again and again$", why);
        hosts.Network.Paths[1].BlackHoled = false;
        transfer.RunUntil(Instant.Second);
        Assert.Equal(PathState.Active, Second(hosts, transfer).State);
        Assert.True(transfer.Server.ResetSubflow(1, MpTcpRstReason.LackOfResources, transient: true));
        transfer.RunUntil(Instant.Second);
        Assert.Equal(
            (PathState.Recovering, "no subflow: reset by the peer, reason LackOfResources; next try in 9.0 s"), Second(hosts, transfer));
        transfer.RunUntil(10 * Instant.Second);
        Assert.Equal(PathState.Active, Second(hosts, transfer).State);
        Assert.True(transfer.Server.ResetSubflow(2, MpTcpRstReason.AdministrativelyProhibited));
        transfer.RunUntil(Instant.Second);
        transfer.Client.CopyPaths(hosts.Network.Now, _paths);
        Assert.Contains(_paths, path => (path.State, path.Why)
            == (PathState.Dead, "no subflow: reset by the peer, reason AdministrativelyProhibited; not tried again"));
    }

    [Theory]
    [InlineData("single", 8, "no subflow: the path manager wants none here")]
    [InlineData("default", 0, "no subflow: there may be 0 beside the first")]
    public void An_address_without_subflow_has_a_reason(string manager, int limit, string why)
    {
        Assert.True(PathManagerCatalog.TryFind(manager, out IPathManager? made));
        var hosts = new TwoHosts(
            new MptcpSettings { PathManager = made, MaxSubflows = limit + 1 }, new MptcpSettings(), seed: 1, _path, _path)
        {
            Describes = false,
        };
        Transfer transfer = Transfer.Begin(hosts, 1_000_000);
        transfer.RunUntil(Instant.Second / 5);
        Assert.Equal((PathState.Dead, why), Second(hosts, transfer));
    }

    [Fact]
    public void Plain_TCP_says_so()
    {
        var hosts = new TwoHosts(new MptcpSettings(), new MptcpSettings { Multipath = false }, seed: 1, _path, _path) { Describes = false };
        Transfer transfer = Transfer.Begin(hosts, 1_000_000);
        transfer.RunUntil(Instant.Second / 5);
        Assert.Equal((PathState.Dead, "no subflow: the connection is plain TCP"), Second(hosts, transfer));
    }

    private (PathState State, string Why) Second(TwoHosts hosts, Transfer transfer)
    {
        transfer.Client.CopyPaths(hosts.Network.Now, _paths);
        PathInfo path = Assert.Single(_paths, path => path.Local == TwoHosts.Address(1, 1));
        return (path.State, path.Why);
    }
}
