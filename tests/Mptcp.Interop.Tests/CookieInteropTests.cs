using Mptcp.Lab;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Interop.Tests;

/// <summary>SYN cookies at either end (RFC 4987 §3.6): keys and joins survive a handshake without state.</summary>
public sealed class CookieInteropTests
{
    private const int Size = 2_000_000;

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public async Task The_kernel_answers_by_cookies(bool engineSends, bool checksum)
    {
        Roles.RequireAll();
        using var peers = new Peers(Roles.Lab(engineConnects: true) with { Checksum = checksum });
        peers.KernelPlace.SetSysctl("ipv4/tcp_syncookies", "2");
        await peers.Connect();
        await peers.Transfer(engineSends, Size);
        await peers.AssertCounted("MPCapableACKRX", "MPJoinAckRx");
        peers.AssertNoFallback();
        Assert.True(KernelMib.Read(peers.KernelPlace, "TcpExt")["SyncookiesRecv"] > 0);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public async Task The_engine_answers_by_a_cookie(bool engineSends, bool checksum)
    {
        Roles.RequireAll(!engineSends || checksum);
        using var peers = new Peers(
            Roles.Lab(engineConnects: false) with { Checksum = checksum }, wiring: new Wiring { Backlog = 1 });
        await peers.ConnectFromKernel(halfOpen: IpAddress.Parse("10.1.1.77"));
        await peers.Transfer(engineSends, Size);
        await peers.AssertCounted("MPCapableSYNACKRX", "MPJoinSynAckRx");
        peers.AssertNoFallback();
        Assert.True((await peers.Engine.DescribeAsync()).IsMultipath);
    }
}
