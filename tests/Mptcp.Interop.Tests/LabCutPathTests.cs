using Mptcp.Lab;
using Xunit;

namespace Mptcp.Interop.Tests;

/// <summary>The first path becomes a black hole in mid-transfer: the stream goes on over the other.</summary>
public sealed class LabCutPathTests
{
    private const int Size = 5_000_000;

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task The_stream_ends_whole(bool engineConnects, bool engineSends)
    {
        using var peers = new Peers(new LabOptions
        {
            Paths = [LabPath.Of(50, 10, 125_000), LabPath.Of(50, 10, 125_000)],
            Client = engineConnects ? LabPeer.Engine : LabPeer.Kernel,
            Server = engineConnects ? LabPeer.Kernel : LabPeer.Engine,
        });
        await (engineConnects ? peers.ConnectFromEngine() : peers.ConnectFromKernel());
        await peers.Transfer(engineSends, Size, received => peers.Emulator.SetBlackHole(0, received.Bytes > Size / 4));
        EmulatedPath cut = peers.Emulator.Paths[0];
        Assert.True(cut.Forward.BlackHoled.Packets + cut.Back.BlackHoled.Packets > 0);
    }
}
