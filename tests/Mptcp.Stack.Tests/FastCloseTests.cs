using Mptcp.Multipath;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>MP_FASTCLOSE in both forms, from either end (RFC 8684 §3.5).</summary>
public sealed class FastCloseTests
{
    private static readonly MptcpSettings _byAck = new() { FastCloseByAck = true };

    [Fact]
    public void By_RST_it_leaves_on_every_subflow_and_nothing_is_left()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        Flow second = Joined(peer);
        peer.Socket.Abort();
        peer.Drain();
        foreach (Flow flow in new[] { peer.First, second })
        {
            Assert.True(flow.Last.IsReset);
            Assert.Equal(peer.Key, flow.Last.FastClose?.ReceiverKey);
        }

        Assert.Equal((TcpState.Closed, 0), (peer.Socket.State, peer.Stack.Connections));
    }

    [Fact]
    public void By_ACK_it_leaves_on_one_subflow_and_the_others_are_reset()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(_byAck);
        Flow second = Joined(peer);
        peer.First.Take();
        second.Take();
        peer.Socket.Abort();
        peer.Drain();
        List<Seen> seen = [.. peer.First.Take(), .. second.Take()];
        Seen ack = Assert.Single(seen, s => s.FastClose is not null);
        Assert.False(ack.IsReset);
        Assert.Equal(peer.Key, ack.FastClose?.ReceiverKey);
        Assert.Single(seen, s => s.IsReset && s.FastClose is null);
        Assert.Equal(TcpState.Closed, peer.Socket.State);
        Assert.Equal(1, peer.Stack.Connections);

        Flow carrier = CarrierOf(peer, second);
        carrier.Send(TcpFlags.Rst | TcpFlags.Ack);
        Assert.Equal(0, peer.Stack.Connections);
    }

    [Fact]
    public void An_unanswered_ACK_goes_three_times_more_and_then_as_a_RST()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(_byAck);
        peer.Socket.Abort();
        peer.Drain();
        peer.Run(30 * Instant.Second);
        List<Seen> seen = [.. peer.First.Take().Where(s => s.FastClose is not null)];
        Assert.Equal(5, seen.Count);
        Assert.All(seen[..4], s => Assert.False(s.IsReset));
        Assert.True(seen[4].IsReset);
        Assert.Equal(0, peer.Stack.Connections);
    }

    [Fact]
    public void Two_that_close_at_the_same_time_answer_each_other_with_a_RST()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(_byAck);
        peer.Socket.Abort();
        peer.Drain();
        peer.First.Send(TcpFlags.Ack, options: [ScriptedPeer.FastClose(peer.StackKey)]);
        Assert.True(peer.First.Last.IsReset);
        Assert.Equal(0, peer.Stack.Connections);
    }

    [Theory]
    [InlineData(TcpFlags.Ack)]
    [InlineData(TcpFlags.Rst | TcpFlags.Ack)]
    public void The_peers_ends_everything_and_every_subflow_is_reset(TcpFlags form)
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        Flow second = Joined(peer);
        peer.First.Send(form, options: [ScriptedPeer.FastClose(peer.StackKey)]);
        Assert.Equal((TcpState.Closed, TcpCloseReason.ResetByPeer), (peer.Socket.State, peer.Socket.CloseReason));
        Assert.True(second.Last.IsReset);
        Assert.Equal(form == TcpFlags.Ack, peer.First.Last.IsReset);
        Assert.Equal(0, peer.Stack.Connections);
        Assert.Contains(TwoHosts.EventsOf(peer.Socket), e => e is { Kind: ConnectionEventKind.ConnectionFailed, Code: ConnectionEventCode.FastClosed });
    }

    [Fact]
    public void A_wrong_key_has_no_effect_but_on_a_counter()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        Flow second = Joined(peer);
        peer.First.Send(TcpFlags.Ack, options: [ScriptedPeer.FastClose(peer.StackKey + 1)]);
        Assert.False(peer.First.Last.IsReset);
        second.Send(TcpFlags.Rst | TcpFlags.Ack, options: [ScriptedPeer.FastClose(peer.Key)]);
        Assert.Equal(TcpState.Established, peer.Socket.State);
        Assert.Equal(2, peer.Socket.CountOf(ConnectionEventCode.WrongFastCloseKey));
        peer.First.Data(1, ScriptedPeer.Bytes(0, 10));
        Assert.Equal(10, peer.Read().Length);
    }

    private static Flow Joined(ScriptedPeer peer)
    {
        peer.First.Send(TcpFlags.Ack, options: [ScriptedPeer.Dss(peer.DataAck())]);
        return peer.Join();
    }

    private static Flow CarrierOf(ScriptedPeer peer, Flow second)
    {
        peer.Run(Instant.Second * 3 / 2);
        return second.Seen.Exists(seen => seen.FastClose is not null) ? second : peer.First;
    }
}
