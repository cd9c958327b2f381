using Mptcp.Multipath;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>What options are to TCP, and what TCP is to options (RFC 8684 §2.7, §4).</summary>
public sealed class SignalTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Duplicate_ACKs_with_signals_are_no_sign_of_loss(bool signals)
    {
        ScriptedPeer peer = ScriptedPeer.Connected(new MptcpSettings { AnnounceAddresses = false }, sack: false);
        peer.Socket.TryWrite(new byte[8000]);
        peer.Drain();
        peer.First.Take();
        peer.First.Received = 1;
        peer.DataReceived = 1;
        for (byte i = 0; i < 6; i++)
        {
            PutOption priority = (ref TcpOptionWriter writer) => new MpPrioOption(false).TryWrite(ref writer);
            peer.First.Send(TcpFlags.Ack, options: [signals ? priority : ScriptedPeer.Dss(peer.DataAck())]);
        }

        Assert.Equal(!signals, peer.First.Take().Exists(seen => seen.Sequence == 1 && seen.Payload.Length > 0));
    }

    [Theory]
    [InlineData(-70_000)]
    [InlineData(7_000_000)]
    public void An_option_of_a_segment_that_TCP_refuses_counts_for_nothing(long distance)
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        peer.First.Send(TcpFlags.Ack, at: peer.First.Next + distance, options: [ScriptedPeer.FastClose(peer.StackKey)]);
        peer.First.Send(TcpFlags.Rst | TcpFlags.Ack, at: peer.First.Next + distance, options: [ScriptedPeer.FastClose(peer.StackKey)]);
        peer.First.Received += 1_000_000;
        peer.First.Send(TcpFlags.Ack, options: [ScriptedPeer.Fail(peer.FromStack.ToWire64(1))]);
        Assert.Equal(TcpState.Established, peer.Socket.State);
        Assert.True(peer.Socket.IsMultipath);
    }

    [Theory]
    [InlineData(500, false)]
    [InlineData(0, true)]
    public void A_RST_with_MP_FASTCLOSE_counts_at_its_exact_place_only(long distance, bool counts)
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        peer.First.Send(TcpFlags.Rst | TcpFlags.Ack, at: peer.First.Next + distance, options: [ScriptedPeer.FastClose(peer.StackKey)]);
        Assert.Equal(counts, peer.Socket.State == TcpState.Closed);
    }

    [Fact]
    public void Before_the_fourth_ACK_a_join_carries_its_third_again_and_no_data()
    {
        ScriptedPeer peer = ScriptedPeer.Accepted();
        Flow second = peer.Flows[1];
        peer.First.Window = 0;
        peer.Ack();
        MpJoinSynOption syn = second.Seen[0].JoinSyn!.Value;
        ulong hmac = MptcpCrypto.JoinSynAckHmac(peer.Key, peer.StackKey, 98, syn.Nonce);
        second.Send(TcpFlags.Syn | TcpFlags.Ack, options: [(ref TcpOptionWriter writer) =>
            new MpJoinSynAckOption(false, 7, hmac, 98).TryWrite(ref writer)]);
        peer.Socket.TryWrite(new byte[50_000]);
        peer.Drain();
        peer.Run(5 * Instant.Second);
        Assert.All(second.Seen, seen => Assert.Empty(seen.Payload));
        Assert.InRange(second.Seen.Count(seen => seen.JoinAck.HasValue), 3, 8);
        second.Send(TcpFlags.Ack, options: [ScriptedPeer.Dss(peer.DataAck())]);
        Assert.Contains(second.Seen, seen => seen.Payload.Length > 0);
        int acks = second.Seen.Count(seen => seen.JoinAck.HasValue);
        peer.Run(5 * Instant.Second);
        Assert.Equal(acks, second.Seen.Count(seen => seen.JoinAck.HasValue));
    }

    [Fact]
    public void The_addresses_of_a_connection_are_those_of_its_first_subflow_for_ever()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        (IpEndpoint local, IpEndpoint remote) = (peer.Socket.Local, peer.Socket.Remote);
        peer.First.Data(1, [1]);
        Flow second = peer.Join();
        peer.First.Send(TcpFlags.Rst | TcpFlags.Ack);
        second.Data(2, [2]);
        Assert.Equal((local, remote), (peer.Socket.Local, peer.Socket.Remote));
        Assert.NotEqual(second.Remote, remote);
    }
}
