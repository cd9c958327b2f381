using Mptcp.Lab;
using Mptcp.Links.Tests;
using Xunit;

namespace Mptcp.Interop.Tests;

/// <summary>The engine at one end, the kernel's Multipath TCP at the other, two emulated paths between.</summary>
public sealed class EngineAndKernelTests
{
    private const int Size = 20_000_000;
    private static readonly LabOptions _twoEqualPaths = new()
    {
        Paths = [LabPath.Of(50, 10, 125_000), LabPath.Of(50, 10, 125_000)],
    };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_engine_connects(bool engineSends)
    {
        using Peers peers = await Meet(_twoEqualPaths, engineConnects: true);
        await peers.Transfer(engineSends, Size);
        peers.AssertBothPathsCarried(forward: engineSends, Size);
        AssertNoFallback(peers.KernelCounters, joins: "MPJoinSynRx");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_engine_listens(bool engineSends)
    {
        using Peers peers = await Meet(_twoEqualPaths, engineConnects: false);
        await peers.Transfer(engineSends, Size);
        peers.AssertBothPathsCarried(forward: !engineSends, Size);
        AssertNoFallback(peers.KernelCounters, joins: "MPJoinSynTx");
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task Checksums_agree_with_the_kernels(bool engineConnects, bool engineSends)
    {
        LabOptions options = _twoEqualPaths with { Checksum = true };
        using Peers peers = await Meet(options, engineConnects);
        await peers.Transfer(engineSends, Size / 2);
        IReadOnlyDictionary<string, long> counters = peers.KernelCounters;
        AssertNoFallback(counters, engineConnects ? "MPJoinSynRx" : "MPJoinSynTx");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task IPv6_carries_both_paths(bool engineConnects)
    {
        using Peers peers = await Meet(_twoEqualPaths with { WithIPv6 = true }, engineConnects);
        await peers.Transfer(engineConnects, Size / 2);
        peers.AssertBothPathsCarried(forward: true, Size / 2);
        AssertNoFallback(peers.KernelCounters, engineConnects ? "MPJoinSynRx" : "MPJoinSynTx");
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task A_plain_kernel_is_served_in_plain_tcp(bool engineConnects, bool engineSends)
    {
        using Peers peers = await Meet(_twoEqualPaths, engineConnects, kernelIsMultipath: false);
        await peers.Transfer(engineSends, Size / 2);
        Assert.Equal(0, peers.Emulator.Paths[1].Forward.Offered.Packets);
        Assert.False((await peers.Engine.DescribeAsync()).IsMultipath);
    }

    [Theory]
    [InlineData(true, true, false, false)]
    [InlineData(false, true, false, false)]
    [InlineData(true, true, true, false)]
    [InlineData(false, true, true, false)]
    [InlineData(true, true, false, true)]
    [InlineData(false, true, true, true)]
    [InlineData(true, false, false, false)]
    [InlineData(false, false, false, false)]
    public async Task Wireshark_finds_nothing_malformed(bool engineConnects, bool multipath, bool checksum, bool overIPv6)
    {
        Tshark.Require();
        string capture = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".pcapng");
        try
        {
            using (Peers peers = await Meet(
                _twoEqualPaths with { Checksum = checksum, WithIPv6 = overIPv6 }, engineConnects, multipath, capture))
            {
                await peers.Transfer(engineSends: true, Size / 10);
            }

            Tshark.AssertClean(capture);
            string[] subtypes = [.. Tshark.Fields(capture, "tcp.options.mptcp.subtype").Distinct()];
            Assert.Equal(multipath, subtypes.Contains("2"));
        }
        finally
        {
            File.Delete(capture);
        }
    }

    private static async Task<Peers> Meet(
        LabOptions options, bool engineConnects, bool kernelIsMultipath = true, string? capture = null)
    {
        options = engineConnects ? options with { Client = LabPeer.Engine } : options with { Server = LabPeer.Engine };
        var peers = new Peers(options, kernelIsMultipath: kernelIsMultipath, capture: capture);
        try
        {
            await (engineConnects ? peers.ConnectFromEngine() : peers.ConnectFromKernel());
            return peers;
        }
        catch
        {
            peers.Dispose();
            throw;
        }
    }

    private static void AssertNoFallback(IReadOnlyDictionary<string, long> counters, string joins)
    {
        string all = string.Join(", ", counters.Where(c => c.Value != 0).Select(c => $"{c.Key} {c.Value}"));
        TestContext.Current.TestOutputHelper?.WriteLine(all);
        Assert.True(counters[joins] >= 1, all);
        string[] failures = ["MPFailRx", "MPFailTx", "DSSNotMatching", "DataCsumErr", "MPRstRx"];
        Assert.All(
            counters.Where(c => c.Key.Contains("Fallback", StringComparison.Ordinal) || failures.Contains(c.Key)),
            c => Assert.True(c.Value == 0, all));
    }
}
