using Mptcp.Multipath;
using Xunit;

namespace Mptcp.Interop.Tests;

/// <summary>The kernel's <c>net.mptcp.checksum_enabled</c> and the engine's wish, each on and off, in both roles.</summary>
public sealed class ChecksumInteropTests
{
    private const int Size = 2_000_000;

    [Theory]
    [InlineData(true, false, false)]
    [InlineData(true, false, true)]
    [InlineData(true, true, false)]
    [InlineData(true, true, true)]
    [InlineData(false, false, false)]
    [InlineData(false, false, true)]
    [InlineData(false, true, false)]
    [InlineData(false, true, true)]
    public async Task Either_ends_wish_is_enough(bool engineConnects, bool kernelWants, bool engineWants)
    {
        Roles.RequireAll(engineConnects ? kernelWants || !engineWants : !kernelWants || engineWants);
        var peers = new Peers(
            Roles.Lab(engineConnects) with { Checksum = kernelWants }, new MptcpSettings { ChecksumRequired = engineWants });
        using (peers)
        {
            await peers.Connect();
            await peers.TransferBothWays(Size);
            await peers.AssertCounted(Roles.Joined(engineConnects));
            peers.AssertNoFallback();
        }

        Assert.Equal(kernelWants || engineWants, peers.Findings!.Checksums > 0);
    }

    [Theory]
    [InlineData(true, "MPCapableFallbackACK")]
    [InlineData(false, "MPCapableFallbackSYNACK")]
    public async Task A_kernel_that_requires_them_gets_plain_tcp_where_they_are_refused(bool engineConnects, string counter)
    {
        Roles.RequireAll();
        using var peers = new Peers(
            Roles.Lab(engineConnects) with { Checksum = true },
            new MptcpSettings { ChecksumRefused = true },
            wiring: new Wiring { AuditedConnections = 0 });
        await peers.Connect();
        await peers.Transfer(engineSends: !engineConnects, Size);
        await peers.AssertCounted(counter);
        Assert.False((await peers.Engine.DescribeAsync()).IsMultipath);
    }
}
