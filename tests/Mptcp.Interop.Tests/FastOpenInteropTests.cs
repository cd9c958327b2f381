using Mptcp.Lab;
using Xunit;

namespace Mptcp.Interop.Tests;

/// <summary>Fast Open with the kernel at the other end, in both roles (RFC 7413, RFC 8684 Appendix B).</summary>
public sealed class FastOpenInteropTests
{
    private static readonly LabOptions _onePath = new() { Paths = [LabPath.Of(50, 10, 125_000)] };

    [Theory]
    [InlineData(false, 500)]
    [InlineData(false, 20_000)]
    [InlineData(true, 500)]
    [InlineData(true, 20_000)]
    public async Task The_engine_opens_fast(bool multipath, int size)
    {
        using var peers = new Peers(_onePath with { Client = LabPeer.Engine }, kernelIsMultipath: multipath);
        peers.AllowFastOpen();
        await Repeat(multipath, size, peers.AskFromEngine);
    }

    [Theory]
    [InlineData(false, 500)]
    [InlineData(false, 20_000)]
    [InlineData(true, 500)]
    [InlineData(true, 20_000)]
    public async Task The_kernel_opens_fast(bool multipath, int size)
    {
        using var peers = new Peers(_onePath with { Server = LabPeer.Engine }, kernelIsMultipath: multipath);
        peers.AllowFastOpen();
        await Repeat(multipath, size, peers.AskFromKernel);
    }

    private static async Task Repeat(
        bool multipath, int size, Func<byte[], Task<(bool FastOpened, bool IsMultipath)>> ask)
    {
        var question = new byte[size];
        new Random(size).NextBytes(question);
        List<(bool FastOpened, bool IsMultipath)> outcomes = [await ask(question), await ask(question), await ask(question)];
        Assert.Equal([(false, multipath), (true, multipath), (true, multipath)], outcomes);
    }
}
