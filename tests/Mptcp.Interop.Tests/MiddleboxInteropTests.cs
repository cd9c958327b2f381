using Mptcp.Multipath;
using Xunit;

namespace Mptcp.Interop.Tests;

/// <summary>Middleboxes between the engine and the kernel: both ends agree on what is left (RFC 8684 §3.7).</summary>
public sealed class MiddleboxInteropTests
{
    private const int Size = 2_000_000;

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task Changed_payload_on_the_only_subflow_ends_in_plain_tcp(bool engineConnects, bool engineSends)
    {
        const int Period = 700_000;
        Roles.RequireAll(!engineConnects);
        using var peers = new Peers(
            Roles.Lab(engineConnects, paths: 1) with { Checksum = true },
            wiring: new Wiring { Box = $"change:{Period}", BoxActsOnKernel = !engineSends, CapturesBeyondBox = !engineSends });
        await peers.Connect();
        if (!engineSends)
        {
            // The kernel (6.18) fills a segment for plain TCP and adds its infinite mapping, which the device must let pass.
            peers.KernelPlace.Ip("link set path1 mtu 1600");
        }

        await peers.TransferChanged(engineSends, Size, Period);
        await peers.AssertCounted(engineSends ? ["DataCsumErr", "MPFailTx"] : ["MPFailRx", "InfiniteMapTx"]);
        Assert.False((await peers.Engine.DescribeAsync()).IsMultipath);
    }

    [Theory]
    [InlineData(true, true, 0)]
    [InlineData(true, true, 1)]
    [InlineData(true, false, 0)]
    [InlineData(true, false, 1)]
    [InlineData(false, true, 0)]
    [InlineData(false, true, 1)]
    [InlineData(false, false, 0)]
    [InlineData(false, false, 1)]
    public async Task Changed_payload_on_one_of_two_subflows_goes_again_on_the_other(bool engineConnects, bool engineSends, int path)
    {
        Roles.RequireAll(!engineConnects || !engineSends || path == 0);
        using var peers = new Peers(
            Roles.Lab(engineConnects) with { Checksum = true },
            wiring: new Wiring
            {
                Box = "change:300000",
                BoxPath = path,
                BoxActsOnKernel = !engineSends,
                CapturesBeyondBox = !engineSends,
            });
        await peers.Connect();
        await peers.Transfer(engineSends, Size);
        await peers.AssertCounted(engineSends ? ["DataCsumErr", "MPFailTx"] : ["MPFailRx"]);
        Assert.True((await peers.Engine.DescribeAsync()).IsMultipath);
        Assert.NotEqual(Tcp.TcpCloseReason.None, (await peers.Engine.DescribeAsync()).Subflows[path].CloseReason);
    }

    [Theory]
    [InlineData(true, "strip-syn", false, "MPCapableSYNRX", false)]
    [InlineData(true, "strip-syn-ack", true, "MPCapableSYNRX", true)]
    [InlineData(true, "strip-third-ack", false, "MPCapableSYNRX", true)]
    [InlineData(true, "strip-mptcp", false, "MPCapableSYNRX", false)]
    [InlineData(true, "strip-mptcp", true, "MPCapableSYNRX", true)]
    [InlineData(true, "nop-mptcp", true, "MPCapableSYNRX", true)]
    [InlineData(true, "drop-unknown-syn", false, "MPCapableSYNRX", false)]
    [InlineData(false, "strip-syn", true, "MPCapableFallbackSYNACK", true)]
    [InlineData(false, "strip-syn-ack", false, "MPCapableFallbackSYNACK", true)]
    [InlineData(false, "strip-third-ack", true, "MPCapableSYNACKRX", true)]
    [InlineData(false, "strip-mptcp", true, "MPCapableFallbackSYNACK", true)]
    [InlineData(false, "nop-mptcp", false, "MPCapableFallbackSYNACK", true)]
    public async Task Where_options_are_removed_both_ends_speak_plain_tcp(
        bool engineConnects, string box, bool actsOnKernel, string counter, bool counted)
    {
        Roles.RequireAll(!engineConnects || box != "strip-syn-ack");
        using var peers = new Peers(
            Roles.Lab(engineConnects, paths: 1),
            wiring: new Wiring { Box = box, BoxActsOnKernel = actsOnKernel, AuditedConnections = Wiring.AnyNumber });
        await peers.Connect();
        await peers.Transfer(engineSends: engineConnects, Size);
        await peers.AssertCounted(counted ? [counter] : []);
        if (!counted)
        {
            peers.AssertNotCounted(counter);
        }

        Assert.False((await peers.Engine.DescribeAsync()).IsMultipath);
    }

    [Theory]
    [InlineData(true, false, "strip-syn")]
    [InlineData(true, true, "strip-syn-ack")]
    [InlineData(false, true, "strip-syn")]
    [InlineData(false, false, "strip-syn-ack")]
    public async Task Where_options_are_removed_from_a_join_the_first_subflow_carries_all(
        bool engineConnects, bool actsOnKernel, string box)
    {
        Roles.RequireAll();
        using var peers = new Peers(
            Roles.Lab(engineConnects),
            new MptcpSettings { AnnounceAddresses = false },
            wiring: new Wiring { Box = box, BoxPath = 1, BoxActsOnKernel = actsOnKernel });
        await peers.Connect();
        await peers.Transfer(engineSends: true, Size);
        peers.AssertNotCounted("MPJoinAckRx", "MPJoinSynAckRx", "DSSNotMatching", "MPFailRx");
        Assert.True((await peers.Engine.DescribeAsync()).IsMultipath);
        Assert.Equal(1, (await peers.Engine.DescribeAsync()).Subflows.Count(subflow => subflow.BytesSent > 0));
    }

    [Theory]
    [InlineData(true, "split:700")]
    [InlineData(true, "rewrite-isn")]
    [InlineData(true, "duplicate-options")]
    [InlineData(true, "nat")]
    [InlineData(false, "split:700")]
    [InlineData(false, "rewrite-isn")]
    [InlineData(false, "duplicate-options")]
    public async Task A_box_that_keeps_options_leaves_the_connection_as_it_is(bool engineConnects, string box)
    {
        Roles.RequireAll();
        using var peers = new Peers(Roles.Lab(engineConnects), wiring: new Wiring { Box = box });
        await peers.Connect();
        await peers.TransferBothWays(Size);
        await peers.AssertCounted(Roles.Joined(engineConnects));
        peers.AssertNoFallback();
        Assert.True((await peers.Engine.DescribeAsync()).IsMultipath);
    }
}
