using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Subflows that are lost, and come back (docs/decisions/0012).</summary>
public sealed class RecreationTests
{
    private static readonly PathOptions _path = PathOptions.Of(10, 10, 25_000);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_killed_subflow_is_back_within_a_second_and_carries_its_share(int killed)
    {
        var hosts = new TwoHosts(_path, _path) { Describes = false };
        Transfer transfer = Transfer.Begin(hosts, 8_000_000);
        transfer.RunUntil(Instant.Second);
        Assert.True(transfer.Server.ResetSubflow(killed, MpTcpRstReason.Unspecified));
        transfer.RunUntil(Instant.Second);
        SubflowInfo again = hosts.SubflowsOf(transfer.Client)[^1];
        SubflowInfo before = hosts.SubflowsOf(transfer.Client)[killed];
        Assert.Equal((2, TcpState.Established, before.Local.Address), (again.Number, again.State, again.Local.Address));
        Assert.NotEqual(before.Local.Port, again.Local.Port);
        transfer.RunToEnd();
        Assert.InRange(hosts.SubflowsOf(transfer.Client)[^1].BytesSent, 2_000_000, 6_000_000);
    }

    [Theory]
    [Trait("Requirement", "202")]
    [InlineData(null, false, 200)]
    [InlineData(MpTcpRstReason.Unspecified, false, 200)]
    [InlineData(MpTcpRstReason.MptcpSpecificError, false, null)]
    [InlineData(MpTcpRstReason.LackOfResources, false, null)]
    [InlineData(MpTcpRstReason.AdministrativelyProhibited, false, null)]
    [InlineData(MpTcpRstReason.LackOfResources, true, 10_000)]
    [InlineData(MpTcpRstReason.TooMuchOutstandingData, true, 1_000)]
    [InlineData(MpTcpRstReason.UnacceptablePerformance, true, 30_000)]
    public void What_the_RST_says_decides_whether_and_when(MpTcpRstReason? reason, bool transient, int? milliseconds)
    {
        ScriptedPeer peer = ScriptedPeer.Accepted();
        Flow joined = peer.Flows[1];
        peer.AnswerJoin(joined);
        Instant at = Kill(peer, joined, reason is { } said ? new MpTcpRstOption(transient, said) : null);
        Instant? again = NextJoin(peer, limit: 100 * Instant.Second);
        Assert.Equal(milliseconds, again is null ? null : (int)((again.Value - at) / Instant.Millisecond));
    }

    [Fact]
    public void The_pause_doubles_up_to_a_minute_and_is_short_again_after_a_long_life()
    {
        ScriptedPeer peer = ScriptedPeer.Accepted();
        long[] pauses = new long[11];
        for (int i = 0; i < pauses.Length; i++)
        {
            peer.AnswerJoin(peer.Flows[^1]);
            peer.Run(i == 10 ? 10 * Instant.Second : Instant.Second);
            Instant at = Kill(peer, peer.Flows[^1], null);
            pauses[i] = (NextJoin(peer, 70 * Instant.Second)!.Value - at) / Instant.Millisecond;
        }

        Assert.Equal([200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 200], pauses);
    }

    [Fact]
    public void A_join_that_is_refused_is_not_repeated()
    {
        ScriptedPeer peer = ScriptedPeer.Accepted();
        Kill(peer, peer.Flows[1], null);
        Assert.Null(NextJoin(peer, 100 * Instant.Second));
    }

    [Fact]
    public void A_subflow_that_stays_silent_is_given_up_and_opened_anew()
    {
        PathOptions slow = PathOptions.Of(2, 10, 50_000);
        var hosts = new TwoHosts(slow, slow) { Describes = false };
        Transfer transfer = Transfer.Begin(hosts, 100_000_000);
        transfer.RunUntil(Instant.Second);
        hosts.Network.Paths[1].BlackHoled = true;
        transfer.RunUntil(179 * Instant.Second);
        Assert.Equal(0, transfer.Client.CountOf(ConnectionEventCode.StayedSilent));
        transfer.RunUntil(2 * Instant.Second);
        Assert.Equal(1, transfer.Client.CountOf(ConnectionEventCode.StayedSilent));
        hosts.Network.Paths[1].BlackHoled = false;
        transfer.RunUntil(60 * Instant.Second);
        Assert.Equal(TcpState.Established, hosts.SubflowsOf(transfer.Client)[^1].State);
        Assert.InRange(hosts.SubflowsOf(transfer.Client).Count, 3, 8);
    }

    [Fact]
    public void What_the_user_closes_stays_closed()
    {
        var hosts = new TwoHosts(_path, _path) { Describes = false };
        Transfer transfer = Transfer.Begin(hosts, 8_000_000);
        transfer.RunUntil(Instant.Second);
        Assert.True(transfer.Client.CloseSubflow(1));
        transfer.RunToEnd();
        Assert.Equal(2, hosts.SubflowsOf(transfer.Client).Count);
    }

    [Fact]
    public void What_was_lost_from_an_endpoint_that_is_removed_stays_away()
    {
        var hosts = new TwoHosts(_path, _path) { Describes = false };
        LocalEndpoint? endpoint = hosts.Client.TryAddEndpoint(TwoHosts.Address(1, 1), EndpointFlags.Subflow);
        Transfer transfer = Transfer.Begin(hosts, 8_000_000);
        transfer.RunUntil(Instant.Second);
        Assert.True(transfer.Server.ResetSubflow(1, MpTcpRstReason.Unspecified));
        hosts.Network.Run(50 * Instant.Millisecond);
        Assert.True(hosts.Client.RemoveEndpoint(endpoint!.Value.Id));
        transfer.RunToEnd();
        Assert.All(hosts.SubflowsOf(transfer.Client).Skip(2), subflow => Assert.NotEqual(TwoHosts.Address(1, 1), subflow.Local.Address));
    }

    private static Instant Kill(ScriptedPeer peer, Flow flow, MpTcpRstOption? option)
    {
        flow.Send(TcpFlags.Rst | TcpFlags.Ack, options: option is { } reset
            ? [(ref TcpOptionWriter writer) => reset.TryWrite(ref writer)]
            : []);
        return peer.Now;
    }

    private static Instant? NextJoin(ScriptedPeer peer, long limit)
    {
        int before = peer.Flows.Count;
        Instant end = peer.Now + limit;
        while (peer.Flows.Count == before && peer.Now < end)
        {
            peer.Run(Instant.Millisecond * 10);
        }

        return peer.Flows.Count > before ? peer.Now : null;
    }
}
