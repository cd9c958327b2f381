using Mptcp.Lab;
using Mptcp.Multipath;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Interop.Tests;

/// <summary>IPv4 and IPv6 in one connection: an address of the other family is announced, and joined.</summary>
public sealed class FamilyInteropTests
{
    private const int Size = 2_000_000;

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task A_subflow_of_the_other_family_joins(bool engineConnects, bool beginsOverIPv6)
    {
        Roles.RequireAll(!engineConnects || beginsOverIPv6);
        using var peers = new Peers(
            Roles.Lab(engineConnects) with { WithIPv6 = true },
            wiring: new Wiring { BothFamilies = true, BeginsOverIPv6 = beginsOverIPv6 });
        IpAddress announced = beginsOverIPv6 ? TwoPathLab.ServerAddress(1) : TwoPathLab.ServerAddressV6(1);
        peers.KernelPlace.Ip("mptcp endpoint flush");
        await peers.OnStack(stack => stack.TryAddEndpoint(
            engineConnects ? TwoPathLab.ClientAddress(0) : announced, EndpointFlags.Signal));
        if (engineConnects)
        {
            peers.KernelPlace.Ip($"mptcp endpoint add {announced} dev path2 signal");
        }

        await peers.Connect();
        await peers.Transfer(engineSends: true, Size);
        await peers.AssertCounted(Roles.Joined(engineConnects));
        peers.AssertNoFallback();
        Assert.Contains((await peers.Engine.DescribeAsync()).Subflows, subflow =>
            subflow.Local.Address.IsV4 == beginsOverIPv6 && subflow.BytesSent > 0);
    }

    [Fact]
    public async Task A_kernel_socket_of_IPv4_alone_leaves_announced_IPv6_alone()
    {
        Roles.RequireAll();
        using var peers = new Peers(Roles.Lab(engineConnects: false) with { WithIPv6 = true }, wiring: new Wiring
        {
            BothFamilies = true,
            KernelIsOfIPv4Alone = true,
        });
        peers.KernelPlace.Ip("mptcp endpoint flush");
        await peers.OnStack(stack => stack.TryAddEndpoint(TwoPathLab.ServerAddressV6(1), EndpointFlags.Signal));
        await peers.Connect();
        await peers.Transfer(engineSends: true, Size);
        await peers.AssertCounted("AddAddr");
        peers.AssertNotCounted("MPJoinSynTx");
    }
}
