using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Connections that lose their last subflow and go on (RFC 8684 §3.3.3).</summary>
public sealed class BreakBeforeMakeTests
{
    private static readonly PathOptions _path = PathOptions.Of(50, 10, 125_000);

    [Fact]
    public void A_connection_without_a_subflow_lives_for_a_minute_and_then_says_so()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        peer.First.Send(TcpFlags.Rst | TcpFlags.Ack);
        Assert.Equal(TcpState.Established, peer.Socket.State);
        Assert.False(peer.Socket.SubflowsFinished);
        peer.Run(59 * Instant.Second);
        Assert.Equal(TcpState.Established, peer.Socket.State);
        peer.Run(2 * Instant.Second);
        Assert.Equal((TcpState.Closed, TcpCloseReason.TimedOut), (peer.Socket.State, peer.Socket.CloseReason));
        Assert.Equal(0, peer.Stack.Connections);
        Assert.Equal(
            [ConnectionEventCode.Initial, ConnectionEventCode.ResetByPeer, ConnectionEventCode.NoPathLeft, ConnectionEventCode.NoPathCame],
            TwoHosts.EventsOf(peer.Socket).Select(e => e.Code));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(5, 5)]
    public void The_time_is_a_setting(int seconds, int lives)
    {
        ScriptedPeer peer = ScriptedPeer.Connected(new MptcpSettings { CloseTimeout = seconds * Instant.Second });
        peer.First.Send(TcpFlags.Rst | TcpFlags.Ack);
        Assert.Equal(lives > 0, peer.Socket.State == TcpState.Established);
        peer.Run((lives + 1) * Instant.Second);
        Assert.Equal(TcpState.Closed, peer.Socket.State);
    }

    [Fact]
    public void Joins_that_bring_nothing_on_do_not_begin_the_wait_anew()
    {
        var hosts = new TwoHosts(_path);
        hosts.Drop = (_, line) => line.StartsWith("0> ", StringComparison.Ordinal) && !$"{line} ".Contains(" 0 ", StringComparison.Ordinal);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        server.TryWrite(new byte[100]);
        hosts.Network.Run(Instant.Second);
        client.TryWrite(new byte[1000]);
        Assert.True(hosts.Network.RunUntil(() => client.State == TcpState.Closed, 1200 * Instant.Second));
        Assert.Equal(TcpCloseReason.TimedOut, client.CloseReason);
        List<ConnectionEvent> events = TwoHosts.EventsOf(client);
        Assert.Equal(2, events.Count(e => e.Kind == ConnectionEventKind.SubflowsLost));
        Assert.Equal(ConnectionEventCode.NoPathCame, events[^1].Code);
    }

    [Fact]
    public void A_join_from_a_new_address_brings_what_was_kept()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        peer.First.Data(1, ScriptedPeer.Bytes(0, 10));
        peer.Write(ScriptedPeer.Bytes(0, 100));
        peer.DataReceived = 1;
        peer.First.Send(TcpFlags.Rst | TcpFlags.Ack);
        peer.Write(ScriptedPeer.Bytes(100, 50));
        peer.Run(30 * Instant.Second);
        Flow second = peer.Join();
        peer.Run(Instant.Second);
        Assert.Equal(ScriptedPeer.Bytes(0, 150), second.Seen.SelectMany(seen => seen.Payload).Take(150).ToArray());
        second.Data(11, ScriptedPeer.Bytes(10, 10));
        Assert.Equal(ScriptedPeer.Bytes(0, 20), peer.Read());
        second.Send(TcpFlags.Ack, options: [ScriptedPeer.Dss(peer.DataAck())]);
        Assert.Equal(0, peer.Socket.Unacknowledged);
        peer.Run(100 * Instant.Second);
        Assert.Equal(TcpState.Established, peer.Socket.State);
    }

    [Fact]
    public void All_subflows_closed_by_FIN_leave_the_connection_as_it_is()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        peer.First.Send(TcpFlags.Fin | TcpFlags.Ack, options: [ScriptedPeer.Dss(peer.DataAck())]);
        Assert.True((peer.First.Last.Flags & TcpFlags.Fin) != 0);
        peer.First.Send(TcpFlags.Ack);
        Assert.Equal(TcpState.Established, peer.Socket.State);
        Flow second = peer.Join();
        second.Data(1, ScriptedPeer.Bytes(0, 10), fin: true);
        Assert.Equal(10, peer.Read().Length);
        Assert.True(peer.Socket.EndOfStream);
    }

    [Fact]
    public void A_DATA_FIN_that_was_lost_with_the_last_subflow_goes_again_on_the_new_one()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        peer.Write(1, 2, 3);
        peer.Socket.CompleteWrites();
        peer.First.Send(TcpFlags.Rst | TcpFlags.Ack);
        peer.DataReceived = 1;
        Flow second = peer.Join();
        peer.Run(Instant.Second);
        Assert.Contains(second.Seen, seen => seen.Payload.Length == 3);
        Assert.Contains(second.Seen, seen => seen.Dss is { DataFin: true });
        second.Send(TcpFlags.Ack, options: [ScriptedPeer.Dss(peer.DataAck())]);
        Assert.Equal(TcpState.FinWait2, peer.Socket.State);
    }

    [Theory]
    [InlineData(TcpFlags.Rst)]
    [InlineData(TcpFlags.Fin)]
    public void The_initiator_tries_again_by_itself_ever_more_rarely(TcpFlags end)
    {
        ScriptedPeer peer = ScriptedPeer.Accepted(paths: 1);
        peer.First.Send(end | TcpFlags.Ack, options: [ScriptedPeer.Dss(peer.DataAck())]);
        if (end == TcpFlags.Fin)
        {
            // Its own FIN is acknowledged: the subflow has ended in order, and is not one that was lost.
            peer.First.Send(TcpFlags.Ack);
        }

        int before = peer.Flows.Count;
        peer.Run(59 * Instant.Second);
        Assert.InRange(peer.Flows.Count - before, 1, 12);

        Flow last = peer.Flows[^1];
        Assert.Equal(MptcpCrypto.Token(peer.Key), last.Seen[0].JoinSyn?.Token);
        peer.Write(1, 2, 3);
        peer.AnswerJoin(last);
        peer.Run(10 * Instant.Second);
        Assert.Contains(last.Seen, seen => seen.Payload.Length == 3);
        Assert.Equal(TcpState.Established, peer.Socket.State);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public void A_path_that_was_reset_for_good_is_not_tried_again(bool transient, bool tried)
    {
        ScriptedPeer peer = ScriptedPeer.Accepted(paths: 1);
        peer.First.Send(TcpFlags.Rst | TcpFlags.Ack, options: [(ref TcpOptionWriter writer) =>
            new MpTcpRstOption(transient, MpTcpRstReason.LackOfResources).TryWrite(ref writer)]);
        int before = peer.Flows.Count;

        // A subflow with siblings would be opened again after ten seconds: without any it does not wait for that.
        peer.Run(5 * Instant.Second);
        Assert.Equal(tried, peer.Flows.Count > before);
        peer.Run(15 * Instant.Second);
        Assert.Equal(tried, peer.Flows.Count > before);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(30)]
    public void Two_engines_find_each_other_again_and_lose_nothing(int seconds)
    {
        var hosts = new TwoHosts(_path);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var upward = new Stream(client, server, 3_000_000);
        var downward = new Stream(server, client, 3_000_000);
        bool Pumped()
        {
            upward.Pump();
            downward.Pump();
            return upward.Complete && downward.Complete;
        }

        hosts.Network.RunUntil(Pumped, 400 * Instant.Millisecond);
        bool reset = false;
        hosts.Drop = (_, line) =>
            line.Contains("MpJoin", StringComparison.Ordinal) && hosts.Network.Now < new Instant(seconds * Instant.Second);
        hosts.Rewrite = (_, _, packet) => reset = reset || MptcpStripper.TurnIntoReset(packet);
        Assert.True(hosts.Network.RunUntil(Pumped, 60 * Instant.Second), $"{upward}, {downward}");
        Assert.True(upward.Intact && downward.Intact);
        Assert.True(reset && client.IsMultipath && server.IsMultipath);
        hosts.Network.Run(130 * Instant.Second);
        Assert.Equal((0, 0), (hosts.Client.Connections, hosts.Server.Connections));
        Assert.Equal((TcpCloseReason.None, TcpCloseReason.None), (client.CloseReason, server.CloseReason));
    }

    [Fact]
    public void A_plain_connection_ends_with_its_only_subflow()
    {
        ScriptedPeer peer = ScriptedPeer.Proposed(settings: null, option: null);
        peer.First.Send(TcpFlags.Ack);
        Assert.Equal(1, peer.Stack.Connections);
        peer.First.Send(TcpFlags.Rst | TcpFlags.Ack);
        Assert.Equal(0, peer.Stack.Connections);
    }
}
