using Mptcp.Lab;
using Mptcp.Multipath;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Interop.Tests;

/// <summary>How many subflows: none beside the first, where either end wants it so; a mesh; eight.</summary>
public sealed class LimitInteropTests
{
    private const int Size = 2_000_000;

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task One_subflow_where_an_end_wants_no_more(bool engineConnects, bool kernelLimits)
    {
        Roles.RequireAll();
        using var peers = new Peers(Roles.Lab(engineConnects));
        if (kernelLimits)
        {
            peers.KernelPlace.Ip("mptcp limits set subflows 0 add_addr_accepted 0");
        }
        else
        {
            await peers.OnStack(stack => stack.Limits = new PathLimits(0, 0));
        }

        await peers.Connect();
        await peers.Transfer(engineSends: true, Size);
        peers.AssertNoFallback();
        peers.AssertNotCounted("MPJoinAckRx");
        Assert.Equal(1, (await peers.Engine.DescribeAsync()).Subflows.Count(subflow => subflow.BytesSent > 0));
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task Eight_subflows_carry_data(bool engineConnects, bool engineSends)
    {
        const int Subflows = 8;
        Roles.RequireAll(!engineConnects || !engineSends);
        using var peers = new Peers(
            Roles.Lab(engineConnects, Subflows, megabitsPerSecond: 6), new MptcpSettings { AnnounceAddresses = false });
        await peers.Connect();
        await peers.Transfer(engineSends, 2 * Size);
        await peers.AssertCounted(Roles.Joined(engineConnects));
        peers.AssertNoFallback();
        List<SubflowInfo> subflows = (await peers.Engine.DescribeAsync()).Subflows;
        Assert.Equal(Subflows, subflows.Count);
        Assert.All(subflows, subflow => Assert.True((engineSends ? subflow.BytesSent : subflow.BytesReceived) > 0, subflow.ToString()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_mesh_joins_each_address_with_each(bool engineConnects)
    {
        Roles.RequireAll();
        using var peers = new Peers(Roles.Lab(engineConnects), wiring: new Wiring { KernelListensEverywhere = true });
        if (engineConnects)
        {
            peers.KernelPlace.Ip($"mptcp endpoint add {TwoPathLab.ServerAddress(1)} dev path2 signal");
            await peers.OnStack(stack => Enumerable.Range(0, 2).All(path => stack.TryAddEndpoint(
                TwoPathLab.ClientAddress(path), EndpointFlags.Subflow | EndpointFlags.Fullmesh) is not null));
        }
        else
        {
            peers.KernelPlace.Ip("mptcp endpoint flush");
            peers.KernelPlace.Ip($"mptcp endpoint add {TwoPathLab.ClientAddress(0)} dev path1 subflow fullmesh");
            peers.KernelPlace.Ip($"mptcp endpoint add {TwoPathLab.ClientAddress(1)} dev path2 subflow fullmesh");
        }

        await peers.Connect();
        await peers.Transfer(engineSends: true, 2 * Size);
        peers.AssertNoFallback();
        await peers.AssertCounted(Roles.Joined(engineConnects));
        (IpAddress, IpAddress)[] pairs = [.. (await peers.Engine.DescribeAsync()).Subflows
            .Where(subflow => subflow.BytesSent > 0)
            .Select(subflow => (subflow.Local.Address, subflow.Remote.Address)).Distinct()];
        Assert.Equal(4, pairs.Length);
    }
}
