using Mptcp.Lab;
using Mptcp.Multipath;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Interop.Tests;

/// <summary>Paths that fail and come back, devices that go down, addresses that go and come back while nothing is sent.</summary>
public sealed class LinkFailureInteropTests
{
    private const int Size = 3_000_000;

    [Theory]
    [InlineData(true, 0)]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    [InlineData(false, 1)]
    public async Task A_device_of_the_kernel_goes_down(bool engineConnects, int path)
    {
        Roles.RequireAll(!engineConnects || path == 1);
        using var peers = new Peers(Roles.Lab(engineConnects));
        await peers.Connect();
        bool down = false;
        await peers.Transfer(engineSends: path == 0, Size, meter =>
        {
            if (!down && meter.Bytes > Size / 4)
            {
                down = true;
                peers.KernelPlace.Ip($"link set path{path + 1} down");
            }
        });
        await peers.AssertCounted(Roles.Joined(engineConnects));
        peers.AssertNoFallback();
    }

    [Theory]
    [InlineData(true, 0, true)]
    [InlineData(true, 1, false)]
    [InlineData(false, 0, false)]
    [InlineData(false, 1, true)]
    public async Task A_path_is_cut_and_mended(bool engineConnects, int path, bool engineSends)
    {
        Roles.RequireAll();
        using var peers = new Peers(Roles.Lab(engineConnects));
        await peers.Connect();
        await peers.Transfer(engineSends, 2 * Size, meter =>
            peers.Emulator.SetBlackHole(path, meter.Bytes is > Size / 4 and < Size));
        EmulatedPath cut = peers.Emulator.Paths[path];
        Assert.True(cut.Forward.BlackHoled.Packets + cut.Back.BlackHoled.Packets > 0);
        await peers.AssertCounted(Roles.Joined(engineConnects));
        peers.AssertNoFallback();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_idle_address_of_the_engine_goes_and_comes_back(bool engineConnects)
    {
        Roles.RequireAll(!engineConnects);
        using var peers = new Peers(Roles.Lab(engineConnects));
        if (!engineConnects)
        {
            peers.KernelPlace.Ip("mptcp endpoint flush");
        }

        await peers.Connect();
        await peers.Begin(engineSends: true, Size / 10);
        await peers.UntilSubflows(alive: 2);
        LocalEndpoint second = await peers.OnStack(stack => stack.Endpoints[1]);
        Assert.True(await peers.OnStack(stack => stack.RemoveAddress(second.Address)));
        await peers.UntilSubflows(alive: 1);
        await peers.AssertCounted("RmAddr");
        await peers.OnStack(stack =>
        {
            stack.AddAddress(new Stack.LocalAddress(second.Link, second.Address, 1500));
            return true;
        });
        await peers.UntilSubflows(alive: 2);
        await peers.Transfer(engineSends: true, Size / 2);
        Assert.True((await peers.Engine.DescribeAsync()).Subflows[^1] is { Number: >= 2, BytesSent: > 0 });
        peers.AssertNoFallback();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_idle_address_of_the_kernel_goes_and_comes_back(bool engineConnects)
    {
        Roles.RequireAll();
        using var peers = new Peers(Roles.Lab(engineConnects), wiring: new Wiring { KernelListensEverywhere = true });
        IpAddress address = Roles.KernelAddress(engineConnects, 1);
        string add = $"mptcp endpoint add {address} dev path2 {(engineConnects ? "signal" : "subflow")}";
        if (engineConnects)
        {
            peers.KernelPlace.Ip(add);
        }

        await peers.OnStack(stack => stack.TryAddEndpoint(Roles.EngineAddress(engineConnects, 0), EndpointFlags.Signal));
        await peers.Connect();
        await peers.Begin(engineSends: true, Size / 10);
        await peers.UntilSubflows(alive: 2);
        peers.KernelPlace.Ip($"mptcp endpoint delete id {peers.KernelEndpoint(address)}");
        peers.KernelPlace.Ip($"addr del {address}/24 dev path2");
        await peers.UntilSubflows(alive: 1);
        peers.KernelPlace.Ip($"addr add {address}/24 dev path2");
        peers.KernelPlace.Ip(add);
        await peers.UntilSubflows(alive: 2);
        await peers.Transfer(engineSends: true, Size / 2);
        await peers.AssertCounted("RmAddrTx", Roles.Joined(engineConnects));
        Assert.True((await peers.Engine.DescribeAsync()).Subflows[^1] is { Number: >= 2, BytesSent: > 0 });
        peers.AssertNoFallback();
    }
}
