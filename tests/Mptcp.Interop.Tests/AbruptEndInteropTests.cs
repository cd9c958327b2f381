using System.Net.Sockets;
using Mptcp.Multipath;
using Xunit;

namespace Mptcp.Interop.Tests;

/// <summary>MP_FASTCLOSE by either end (RFC 8684 §3.5), and subflows that the kernel kills.</summary>
public sealed class AbruptEndInteropTests
{
    private const int Size = 3_000_000;

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task The_engine_ends_it_at_once(bool engineConnects, bool byAck)
    {
        Roles.RequireAll(!engineConnects || byAck);
        using var peers = new Peers(Roles.Lab(engineConnects), new MptcpSettings { FastCloseByAck = byAck });
        await peers.Connect();
        await peers.Begin(engineSends: true, Size / 3);
        await peers.Engine.AbortAsync();
        SocketException failure = await Assert.ThrowsAsync<SocketException>(
            () => peers.Kernel.ReceiveAsync(new byte[1]));
        Assert.Equal(SocketError.ConnectionReset, failure.SocketErrorCode);
        await peers.AssertCounted("MPFastcloseRx");
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task The_kernel_ends_it_at_once(bool engineConnects, bool unread)
    {
        Roles.RequireAll(!engineConnects || unread);
        using var peers = new Peers(Roles.Lab(engineConnects));
        await peers.Connect();
        await peers.Begin(engineSends: unread, Size / 3, unread: unread ? 100_000 : 0);
        if (unread)
        {
            await peers.Until(() => Task.FromResult(peers.Kernel.Available > 0));
        }
        else
        {
            peers.Kernel.LingerState = new LingerOption(true, 0);
        }

        peers.Kernel.Dispose();
        var failure = await Assert.ThrowsAsync<IOException>(() => peers.Engine.ReadAsync(new byte[1]));
        Assert.Equal(SocketError.ConnectionReset, ((SocketException)failure.InnerException!).SocketErrorCode);
        await peers.AssertCounted("MPFastcloseTx");
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    [InlineData(false, 1)]
    public async Task The_kernel_kills_a_subflow(bool engineConnects, int subflow)
    {
        Roles.RequireAll();
        using var peers = new Peers(Roles.Lab(engineConnects));
        await peers.Connect();
        bool killed = false;
        await peers.Transfer(engineSends: true, Size, meter =>
        {
            if (!killed && meter.Bytes > Size / 4)
            {
                killed = true;
                peers.KernelPlace.Command(
                    "ss", "-K", "-t", engineConnects ? "dst" : "src", Lab.TwoPathLab.ClientAddress(subflow).ToString());
            }
        });
        await peers.AssertCounted(Roles.Joined(engineConnects));
        Assert.Equal(Tcp.TcpCloseReason.ResetByPeer, (await peers.Engine.DescribeAsync()).Subflows[subflow].CloseReason);
    }
}
