using Xunit;

namespace Mptcp.Interop.Tests;

/// <summary>The two directions of a stream: half-closed, both at once, and in small writes.</summary>
public sealed class StreamInteropTests
{
    private const int Size = 2_000_000;

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task A_half_closed_stream_goes_on(bool engineConnects, bool engineSends)
    {
        Roles.RequireAll(!engineConnects || !engineSends);
        using var peers = new Peers(Roles.Lab(engineConnects));
        await peers.Connect();
        await peers.Begin(engineSends, Size / 10);

        // The kernel takes and completes no join once an end has closed.
        await peers.UntilJoined();
        await peers.AssertCounted(Roles.Joined(engineConnects));
        await peers.TransferHalfClosed(engineSends, Size);
        peers.AssertNoFallback();
    }

    [Theory]
    [InlineData(true, 2)]
    [InlineData(true, 4)]
    [InlineData(false, 2)]
    [InlineData(false, 4)]
    public async Task Both_directions_are_busy_at_once(bool engineConnects, int paths)
    {
        Roles.RequireAll();
        using var peers = new Peers(Roles.Lab(engineConnects, paths));
        await peers.Connect();
        await peers.TransferBothWays(2 * Size);
        await peers.AssertCounted(Roles.Joined(engineConnects));
        peers.AssertNoFallback();
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task Small_writes_stay_in_order(bool engineConnects, bool engineSends)
    {
        Roles.RequireAll();
        using var peers = new Peers(Roles.Lab(engineConnects));
        await peers.Connect();
        await peers.TransferInSmallWrites(engineSends, writes: 4000);
        await peers.AssertCounted(Roles.Joined(engineConnects));
        peers.AssertNoFallback();
    }
}
