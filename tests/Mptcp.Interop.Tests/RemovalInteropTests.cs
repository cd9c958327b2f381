using Mptcp.Lab;
using Mptcp.Multipath;
using Xunit;

namespace Mptcp.Interop.Tests;

/// <summary>REMOVE_ADDR in mid-transfer (RFC 8684 §3.4.2): of announced addresses, of identifier 0, of several at once.</summary>
public sealed class RemovalInteropTests
{
    private const int Size = 3_000_000;
    private static readonly Wiring _everywhere = new() { KernelListensEverywhere = true };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_announced_address_is_taken_back(bool engineConnects)
    {
        Roles.RequireAll(engineConnects);
        using Peers peers = await JoinedByAnnouncement(engineConnects);
        await TransferAndOnce(peers, engineSends: !engineConnects, () =>
        {
            if (engineConnects)
            {
                peers.KernelPlace.Ip($"mptcp endpoint delete id {peers.KernelEndpoint(TwoPathLab.ServerAddress(1))}");
            }
            else
            {
                RemoveEndpoints(peers, 1);
            }
        });
        await AssertRemoved(peers, byKernel: engineConnects);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_kernel_takes_back_the_address_of_the_first_subflow(bool engineConnects)
    {
        Roles.RequireAll(!engineConnects);
        using Peers peers = await JoinedByAnnouncement(engineConnects);
        await TransferAndOnce(peers, engineSends: true, () =>
            peers.KernelPlace.Ip($"mptcp endpoint delete id 0 {Roles.KernelAddress(engineConnects, 0)}"));
        await AssertRemoved(peers, byKernel: true);
        Assert.True((await peers.Engine.DescribeAsync()).Subflows[1].BytesSent > Size / 2);
    }

    [Fact]
    public async Task The_engine_takes_back_the_address_at_which_the_kernel_connected()
    {
        Roles.RequireAll();
        using Peers peers = await JoinedByAnnouncement(engineConnects: false);
        await TransferAndOnce(peers, engineSends: false, () => RemoveEndpoints(peers, 0));
        await AssertRemoved(peers, byKernel: false);
        Assert.True((await peers.Engine.DescribeAsync()).Subflows[1].BytesReceived > Size / 2);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_kernel_takes_back_two_of_its_addresses(bool engineConnects)
    {
        Roles.RequireAll();
        using var peers = new Peers(Roles.Lab(engineConnects, paths: 3), wiring: _everywhere);
        if (engineConnects)
        {
            peers.KernelPlace.Ip($"mptcp endpoint add {TwoPathLab.ServerAddress(1)} dev path2 signal");
            peers.KernelPlace.Ip($"mptcp endpoint add {TwoPathLab.ServerAddress(2)} dev path3 signal");
            await peers.OnStack(stack => stack.TryAddEndpoint(TwoPathLab.ClientAddress(0), EndpointFlags.Signal));
        }

        await peers.Connect();
        await TransferAndOnce(peers, engineSends: true, () =>
        {
            if (engineConnects)
            {
                peers.KernelPlace.Ip("mptcp endpoint flush");
                return;
            }

            // A kernel client that flushes its endpoints closes the initial subflow too, and has nowhere to join from.
            peers.KernelPlace.Ip($"mptcp endpoint delete id {peers.KernelEndpoint(TwoPathLab.ClientAddress(1))}");
            peers.KernelPlace.Ip($"mptcp endpoint delete id {peers.KernelEndpoint(TwoPathLab.ClientAddress(2))}");
        });
        await AssertRemoved(peers, byKernel: true, count: 2);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_engine_takes_back_two_of_its_addresses(bool engineConnects)
    {
        Roles.RequireAll();
        using var peers = new Peers(Roles.Lab(engineConnects, paths: 3));
        EndpointFlags flags = engineConnects ? EndpointFlags.Subflow : EndpointFlags.Signal;
        await peers.OnStack(stack => Enumerable.Range(1, 2).All(
            path => stack.TryAddEndpoint(Roles.EngineAddress(engineConnects, path), flags) is not null));
        if (!engineConnects)
        {
            peers.KernelPlace.Ip("mptcp endpoint flush");
        }

        await peers.Connect();
        await TransferAndOnce(peers, engineSends: false, () => RemoveEndpoints(peers, 1, 2));
        await AssertRemoved(peers, byKernel: false);
        Assert.Equal(1, (await peers.Engine.DescribeAsync()).Subflows.Count(subflow => subflow.CloseReason == Tcp.TcpCloseReason.None
            && subflow.Local.Address == Roles.EngineAddress(engineConnects, 0)));
    }

    /// <summary>Two subflows that share no address, the second to one that the server has announced.</summary>
    private static async Task<Peers> JoinedByAnnouncement(bool engineConnects)
    {
        var peers = new Peers(Roles.Lab(engineConnects), wiring: _everywhere);
        if (engineConnects)
        {
            peers.KernelPlace.Ip($"mptcp endpoint add {TwoPathLab.ServerAddress(1)} dev path2 signal");
            await peers.OnStack(stack => stack.TryAddEndpoint(TwoPathLab.ClientAddress(0), EndpointFlags.Signal));
        }
        else
        {
            peers.KernelPlace.Ip("mptcp endpoint flush");
            await peers.OnStack(stack => Enumerable.Range(0, 2).All(
                path => stack.TryAddEndpoint(TwoPathLab.ServerAddress(path), EndpointFlags.Signal) is not null));
        }

        await peers.Connect();
        return peers;
    }

    private static async Task TransferAndOnce(Peers peers, bool engineSends, Action action)
    {
        bool done = false;
        await peers.Transfer(engineSends, Size, meter =>
        {
            if (!done && meter.Bytes > Size / 4)
            {
                done = true;
                action();
            }
        });
        Assert.True(done);
    }

    private static void RemoveEndpoints(Peers peers, params int[] places) => _ = peers.OnStack(stack =>
    {
        byte[] ids = [.. places.Select(place => stack.Endpoints[place].Id)];
        return ids.All(stack.RemoveEndpoint);
    });

    private static async Task AssertRemoved(Peers peers, bool byKernel, int count = 1)
    {
        // Whether the kernel closes the subflow, and counts it, depends on what comes first: our FIN or our REMOVE_ADDR.
        await peers.AssertCounted(byKernel ? "RmAddrTx" : "RmAddr");
        peers.AssertNoFallback();
        long received = await peers.OnStack(stack => stack.Signals[MptcpCounter.RemovalReceived]);
        Assert.True(byKernel ? received >= count : received == 0, $"{received}");
    }
}
