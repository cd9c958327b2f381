using Mptcp.Lab;
using Mptcp.Multipath;
using Xunit;

namespace Mptcp.Interop.Tests;

/// <summary>MP_PRIO in mid-transfer (RFC 8684 §3.3.8): the subflow that becomes a backup rests.</summary>
public sealed class PriorityInteropTests
{
    private const int Size = 4_000_000;

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task A_subflow_becomes_a_backup(bool engineConnects, bool engineSwitches)
    {
        Roles.RequireAll(!engineConnects || engineSwitches);
        using var peers = new Peers(Roles.Lab(engineConnects), wiring: new Wiring { KernelListensEverywhere = true });
        if (engineConnects)
        {
            peers.KernelPlace.Ip($"mptcp endpoint add {TwoPathLab.ServerAddress(1)} dev path2 signal");
            await peers.OnStack(stack => stack.TryAddEndpoint(TwoPathLab.ClientAddress(0), EndpointFlags.Signal));
        }

        await peers.Connect();
        bool engineSends = !engineSwitches;
        long atHalf = -1;
        bool switched = false;
        await peers.Transfer(engineSends, Size, meter =>
        {
            if (!switched && meter.Bytes > Size / 4)
            {
                switched = true;
                Switch(peers, engineConnects, engineSwitches);
            }
            else if (atHalf < 0 && meter.Bytes > Size / 2)
            {
                atHalf = Carried(peers, engineSends);
            }
        });
        long rest = Carried(peers, engineSends) - atHalf;
        Assert.True(atHalf > 0 && rest < Size / 20, $"{rest} bytes after {atHalf}");
        await peers.AssertCounted(engineSwitches ? "MPPrioRx" : "MPPrioTx");
        peers.AssertNoFallback();
    }

    private static void Switch(Peers peers, bool engineConnects, bool engineSwitches)
    {
        if (engineSwitches)
        {
            _ = peers.Engine.SetBackupAsync(1, true);
        }
        else
        {
            string id = peers.KernelEndpoint(Roles.KernelAddress(engineConnects, 1));
            peers.KernelPlace.Ip($"mptcp endpoint change id {id} backup");
        }
    }

    // Called by the one who reads the stream; the engine's own thread answers.
    private static long Carried(Peers peers, bool engineSends)
    {
        SubflowInfo second = peers.Engine.DescribeAsync().GetAwaiter().GetResult().Subflows[1];
        return engineSends ? second.BytesSent : second.BytesReceived;
    }
}
