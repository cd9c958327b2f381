using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Wrong checksums, MP_FAIL and infinite mappings (RFC 8684 §3.7), segment by segment.</summary>
public sealed class ChecksumFailureTests
{
    private static readonly MptcpSettings _checksums = new() { ChecksumRequired = true };

    private static byte[] Changed(byte[] bytes)
    {
        byte[] changed = [.. bytes];
        changed[0] ^= 0xff;
        return changed;
    }

    [Fact]
    public void On_the_only_subflow_the_peer_is_asked_by_MP_FAIL_on_an_ACK()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(_checksums);
        byte[] good = ScriptedPeer.Bytes(0, 100);
        byte[] bad = ScriptedPeer.Bytes(100, 100);
        peer.First.Data(1, good);
        peer.First.Take();
        peer.First.Data(101, bad, Changed(bad));
        List<Seen> answer = peer.First.Take();
        Assert.Contains(answer, seen => !seen.IsReset && seen.Fail?.DataSequenceNumber == peer.ToStack.ToWire64(101));
        Assert.All(answer, seen => Assert.True(seen.Dss is not { HasDataAck: true } dss || dss.DataAck == peer.ToStack.ToWire64(101)));
        Assert.Equal(201, answer[^1].Acknowledged);
        Assert.Equal(good, peer.Read());
        Assert.True(peer.Socket.IsMultipath);
    }

    [Fact]
    public void The_peers_infinite_mapping_reaches_back_to_what_was_held()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(_checksums);
        byte[] bad = ScriptedPeer.Bytes(0, 100);
        byte[] more = ScriptedPeer.Bytes(100, 100);
        peer.First.Data(1, bad, Changed(bad));
        peer.First.Data(101, more);
        Assert.Empty(peer.Read());
        peer.First.Take();
        peer.First.Send(TcpFlags.Ack, ScriptedPeer.Bytes(200, 50), options: [ScriptedPeer.Dss(peer.Infinite(1, 1))]);
        Assert.Equal([.. Changed(bad), .. more, .. ScriptedPeer.Bytes(200, 50)], peer.Read());
        Assert.False(peer.Socket.IsMultipath);
        Assert.Contains(TwoHosts.EventsOf(peer.Socket), e => e is { Kind: ConnectionEventKind.Fallback, Code: ConnectionEventCode.ChecksumFailed });

        // Plain data follows, and nothing of ours has an option any more but the one infinite mapping.
        peer.First.Send(TcpFlags.Ack, ScriptedPeer.Bytes(250, 50));
        Assert.Equal(ScriptedPeer.Bytes(250, 50), peer.Read());
        Assert.All(peer.First.Take(), seen => Assert.False(seen.HasMptcp));
        peer.Write(1, 2, 3);
        Assert.True(peer.First.Last.Dss is { IsInfiniteMapping: true, HasChecksum: true, Checksum: 0 });
        Assert.Equal(peer.FromStack.ToWire64(1), peer.First.Last.Dss!.Value.DataSequenceNumber);
        Assert.Equal(1u, peer.First.Last.Dss!.Value.SubflowSequenceNumber);
        peer.First.Send(TcpFlags.Ack);
        peer.Write(4, 5, 6);
        Assert.False(peer.First.Last.HasMptcp);
        Assert.Equal(new byte[] { 4, 5, 6 }, peer.First.Last.Payload);
    }

    [Fact]
    public void The_infinite_mapping_goes_again_with_its_segment()
    {
        ScriptedPeer peer = FellBack();
        peer.Write(1, 2, 3);
        peer.First.Take();
        peer.Run(2 * Instant.Second);
        List<Seen> again = peer.First.Take();
        Assert.NotEmpty(again);
        Assert.All(again, seen => Assert.True(seen.Dss is { IsInfiniteMapping: true } && seen.Sequence == 1));
    }

    [Fact]
    public void The_peers_MP_FAIL_in_answer_is_enough()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(_checksums);
        byte[] bad = ScriptedPeer.Bytes(0, 100);
        peer.First.Data(1, bad, Changed(bad));
        peer.First.Send(TcpFlags.Ack, options: [ScriptedPeer.Fail(peer.FromStack.ToWire64(1))]);
        Assert.Equal(Changed(bad), peer.Read());
        Assert.False(peer.Socket.IsMultipath);
    }

    [Fact]
    public void A_peer_that_has_answered_gets_DATA_ACKs_until_it_sends_its_infinite_mapping()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(_checksums);
        byte[] bad = ScriptedPeer.Bytes(0, 100);
        peer.First.Data(1, bad, Changed(bad));
        peer.First.Take();
        peer.First.Send(TcpFlags.Ack, options: [ScriptedPeer.Fail(peer.FromStack.ToWire64(1))]);
        Assert.Equal(Changed(bad), peer.Read());
        Assert.Equal(peer.ToStack.ToWire64(101), peer.First.Last.Dss?.DataAck);

        // What was in flight has its mappings yet, and a peer whose send buffer is full has no new data before it is acknowledged.
        peer.First.Data(101, ScriptedPeer.Bytes(100, 100));
        peer.First.Data(201, ScriptedPeer.Bytes(200, 100));
        Assert.Equal(peer.ToStack.ToWire64(301), peer.First.Last.Dss?.DataAck);
        peer.First.Take();
        peer.First.Send(TcpFlags.Ack, ScriptedPeer.Bytes(300, 50), options: [ScriptedPeer.Dss(peer.Infinite(1, 1))]);
        peer.First.Send(TcpFlags.Ack, ScriptedPeer.Bytes(350, 50));
        List<Seen> after = peer.First.Take();
        Assert.NotEmpty(after);
        Assert.All(after, seen => Assert.False(seen.HasMptcp));
        Assert.Equal(ScriptedPeer.Bytes(100, 300), peer.Read());
    }

    [Fact]
    public void Plain_segments_are_an_answer_as_well()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(_checksums);
        byte[] bad = ScriptedPeer.Bytes(0, 100);
        peer.First.Data(1, bad, Changed(bad));
        peer.Write(1, 2, 3);
        peer.First.Send(TcpFlags.Ack, ScriptedPeer.Bytes(100, 10));
        Assert.Equal([.. Changed(bad), .. ScriptedPeer.Bytes(100, 10)], peer.Read());
    }

    [Fact]
    public void A_hole_before_the_failed_mapping_is_filled_from_either_side_of_the_fallback()
    {
        foreach (bool before in new[] { true, false })
        {
            ScriptedPeer peer = ScriptedPeer.Connected(_checksums);
            byte[] first = ScriptedPeer.Bytes(0, 100);
            byte[] bad = ScriptedPeer.Bytes(100, 100);
            DssOption mapping = peer.Mapping(peer.First, 1, first);
            peer.First.Next += 100;
            peer.First.Data(101, bad, Changed(bad));
            Assert.Contains(peer.First.Take(), seen => seen.Fail?.DataSequenceNumber == peer.ToStack.ToWire64(101));
            if (before)
            {
                peer.First.Send(TcpFlags.Ack, first, at: 1, ScriptedPeer.Dss(mapping));
                Assert.Equal(first, peer.Read());
                peer.First.Send(TcpFlags.Ack, options: [ScriptedPeer.Fail(peer.FromStack.ToWire64(1))]);
                Assert.Equal(Changed(bad), peer.Read());
            }
            else
            {
                peer.First.Send(TcpFlags.Ack, options: [ScriptedPeer.Fail(peer.FromStack.ToWire64(1))]);
                Assert.Empty(peer.Read());
                peer.First.Send(TcpFlags.Ack, first, at: 1);
                Assert.Equal([.. first, .. Changed(bad)], peer.Read());
            }
        }
    }

    [Fact]
    public void Segments_that_wait_for_the_fallback_narrow_the_window()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(new MptcpSettings { ChecksumRequired = true, ReceiveBuffer = 10_000 });
        byte[] bad = ScriptedPeer.Bytes(0, 1000);
        peer.First.Data(1, bad, Changed(bad));
        for (int i = 1; i < 12; i++)
        {
            byte[] next = ScriptedPeer.Bytes(i * 1000, 1000);
            peer.First.Data(1 + (i * 1000), next);
        }

        // Ten thousand bytes were offered, and not one more is taken.
        Assert.Equal(10_001, peer.First.Last.Acknowledged);
        peer.First.Next = 10_001;
        peer.First.Send(TcpFlags.Ack, options: [ScriptedPeer.Dss(peer.Infinite(1, 1))]);
        Assert.Equal(10_000, peer.Read().Length);
    }

    [Fact]
    public void Without_an_answer_MP_FAIL_goes_again_and_then_with_a_RST()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(_checksums);
        byte[] bad = ScriptedPeer.Bytes(0, 100);
        peer.First.Data(1, bad, Changed(bad));
        peer.Run(60 * Instant.Second);
        List<Seen> seen = peer.First.Take();
        Assert.InRange(seen.Count(s => s.Fail.HasValue && !s.IsReset), 6, 12);
        Assert.True(seen[^1] is { IsReset: true, Fail: not null, Reset: { Reason: MpTcpRstReason.MiddleboxInterference } });
        Assert.Empty(peer.Read());
    }

    [Fact]
    public void With_another_subflow_the_failing_one_is_reset_and_its_data_comes_elsewhere()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(_checksums);
        byte[] first = ScriptedPeer.Bytes(0, 100);
        peer.First.Data(1, first);
        Flow second = peer.Join();
        byte[] bad = ScriptedPeer.Bytes(100, 100);
        second.Data(101, bad, Changed(bad));
        Assert.True(second.Last.IsReset);
        Assert.Equal(peer.ToStack.ToWire64(101), second.Last.Fail?.DataSequenceNumber);
        Assert.Equal(MpTcpRstReason.MiddleboxInterference, second.Last.Reset?.Reason);
        Assert.Equal(first, peer.Read());
        peer.First.Data(101, bad);
        Assert.Equal(bad, peer.Read());
        Assert.True(peer.Socket.IsMultipath);
    }

    [Fact]
    public void Data_that_is_not_in_one_piece_ends_the_subflow_by_a_RST_with_MP_FAIL()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(_checksums);
        peer.First.Data(1, ScriptedPeer.Bytes(0, 100));
        Flow second = peer.Join();
        peer.First.Send(TcpFlags.Rst | TcpFlags.Ack);

        // 101 to 200 was lost with the first subflow.
        second.Data(201, ScriptedPeer.Bytes(200, 100));
        byte[] bad = ScriptedPeer.Bytes(300, 100);
        second.Data(301, bad, Changed(bad));
        Assert.True(second.Last is { IsReset: true, Fail: not null });
    }

    [Fact]
    public void The_peers_MP_FAIL_is_answered_by_MP_FAIL_and_by_an_infinite_mapping()
    {
        ScriptedPeer peer = Sent();
        peer.First.Send(TcpFlags.Ack, options: [ScriptedPeer.Fail(peer.FromStack.ToWire64(101))]);
        List<Seen> answer = peer.First.Take();
        Assert.Single(answer, seen => seen.Fail?.DataSequenceNumber == peer.ToStack.ToWire64(1));
        Seen bare = Assert.Single(answer, seen => seen.Dss is { IsInfiniteMapping: true });
        Assert.Equal(peer.FromStack.ToWire64(101), bare.Dss!.Value.DataSequenceNumber);
        Assert.Equal(101u, bare.Dss!.Value.SubflowSequenceNumber);
        Assert.False(peer.Socket.IsMultipath);
        Assert.Contains(TwoHosts.EventsOf(peer.Socket), e => e is { Kind: ConnectionEventKind.Fallback, Code: ConnectionEventCode.PeerChecksumFailed });

        peer.Write(7, 8, 9);
        Assert.True(peer.First.Last.Dss is { IsInfiniteMapping: true });
        Assert.Equal(201, peer.First.Last.Sequence);
        peer.Write(10, 11, 12);
        Assert.False(peer.First.Last.HasMptcp);
    }

    [Fact]
    public void What_was_mapped_before_the_fallback_goes_again_without_a_mapping()
    {
        ScriptedPeer peer = Sent();
        peer.First.Received = 101;
        peer.First.Send(TcpFlags.Ack, options: [ScriptedPeer.Fail(peer.FromStack.ToWire64(101))]);
        peer.First.Take();
        peer.Run(2 * Instant.Second);
        List<Seen> again = peer.First.Take();
        Assert.Contains(again, seen => seen.Sequence == 101 && seen.Payload.SequenceEqual(ScriptedPeer.Bytes(100, 100)) && !seen.HasMptcp);
        peer.First.Send(TcpFlags.Ack);
        Assert.Equal(0, peer.Socket.Unacknowledged);
    }

    [Fact]
    public void MP_FAIL_that_comes_again_is_answered_again_but_not_for_ever()
    {
        ScriptedPeer peer = Sent();
        for (int i = 0; i < 50; i++)
        {
            peer.First.Send(TcpFlags.Ack, options: [ScriptedPeer.Fail(peer.FromStack.ToWire64(101))]);
        }

        Assert.InRange(peer.First.Take().Count(seen => seen.Fail.HasValue), 2, 10);
    }

    [Fact]
    public void MP_FAIL_while_there_are_two_subflows_resets_the_one_that_brought_it()
    {
        ScriptedPeer peer = Sent();
        Flow second = peer.Join();
        peer.First.Send(TcpFlags.Ack, options: [ScriptedPeer.Fail(peer.FromStack.ToWire64(101))]);
        Assert.True(peer.First.Last is { IsReset: true, Fail: not null, Reset: { Reason: MpTcpRstReason.MiddleboxInterference } });
        peer.Run(Instant.Second);
        Assert.True(peer.Socket.IsMultipath);
        Assert.Contains(second.Seen, seen => seen.Payload.SequenceEqual(ScriptedPeer.Bytes(100, 100)));
    }

    [Fact]
    public void MP_FAIL_about_data_that_was_never_sent_is_ignored()
    {
        ScriptedPeer peer = Sent();
        peer.First.Send(TcpFlags.Ack, options: [ScriptedPeer.Fail(peer.FromStack.ToWire64(5000))]);
        Assert.True(peer.Socket.IsMultipath);
        Assert.Equal(1, peer.Socket.CountOf(ConnectionEventCode.AckOfUnsent));
    }

    [Fact]
    public void An_infinite_mapping_elsewhere_resets_the_subflow()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(_checksums);
        peer.First.Data(1, ScriptedPeer.Bytes(0, 100));
        peer.First.Send(TcpFlags.Ack, ScriptedPeer.Bytes(100, 10), options: [ScriptedPeer.Dss(peer.Infinite(150, 101))]);
        Assert.True(peer.First.Last.IsReset);
        Assert.Equal(ScriptedPeer.Bytes(0, 100), peer.Read());
    }

    [Fact]
    public void The_last_of_several_subflows_can_fall_back_as_well()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(_checksums);
        peer.First.Data(1, ScriptedPeer.Bytes(0, 100));
        peer.Write(ScriptedPeer.Bytes(0, 10));
        peer.Ack();
        Flow second = peer.Join();
        second.Data(101, ScriptedPeer.Bytes(100, 100));
        peer.First.Send(TcpFlags.Rst | TcpFlags.Ack);
        byte[] bad = ScriptedPeer.Bytes(200, 100);
        second.Data(201, bad, Changed(bad));
        Assert.Contains(second.Take(), seen => seen.Fail.HasValue && !seen.IsReset);
        second.Send(TcpFlags.Ack, ScriptedPeer.Bytes(0, 10), options: [ScriptedPeer.Dss(peer.Infinite(201, 101))]);
        Assert.Equal([.. ScriptedPeer.Bytes(0, 200), .. Changed(bad), .. ScriptedPeer.Bytes(0, 10)], peer.Read());

        // Both directions are shifted against the subflow, and its FIN ends the stream.
        peer.Write(1, 2, 3);
        Assert.Equal(new byte[] { 1, 2, 3 }, second.Last.Payload);
        Assert.Equal(1, second.Last.Sequence);
        Assert.Equal(peer.FromStack.ToWire64(11), second.Last.Dss?.DataSequenceNumber);
        second.Send(TcpFlags.Ack);
        Assert.Equal(0, peer.Socket.Unacknowledged);
        second.Send(TcpFlags.Fin | TcpFlags.Ack);
        Assert.True(peer.Socket.EndOfStream);
    }

    [Fact]
    public void A_DATA_FIN_from_before_the_fallback_gives_way_to_the_FIN()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(_checksums);
        byte[] bad = ScriptedPeer.Bytes(0, 100);
        peer.First.Data(1, bad, Changed(bad), fin: true);
        peer.First.Send(TcpFlags.Ack, options: [ScriptedPeer.Fail(peer.FromStack.ToWire64(1))]);
        Assert.Equal(Changed(bad), peer.Read());
        Assert.False(peer.Socket.EndOfStream);
        peer.First.Send(TcpFlags.Fin | TcpFlags.Ack, ScriptedPeer.Bytes(0, 5));
        Assert.Equal(5, peer.Read().Length);
        Assert.True(peer.Socket.EndOfStream);
    }

    [Theory]
    [InlineData("")]
    [InlineData("MpFail")]
    public void A_box_that_changes_a_byte_leaves_plain_tcp_between_two_engines(string lost)
    {
        int drops = 0;
        int packets = 0;
        var hosts = new TwoHosts(_checksums, _checksums, seed: 2, PathOptions.Of(50, 10, 125_000))
        {
            Drop = (_, line) => lost.Length > 0 && line.Contains(lost, StringComparison.Ordinal) && drops++ < 2,
            Rewrite = (_, direction, packet) =>
            {
                if (direction == PathDirection.Forward && packet.Length > 1000 && ++packets == 20)
                {
                    MptcpStripper.ChangePayload(packet);
                }
            },
        };
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var upward = new Stream(client, server, 300_000);
        var downward = new Stream(server, client, 300_000);
        Assert.True(
            hosts.Network.RunUntil(
                () =>
                {
                    upward.Pump();
                    downward.Pump();
                    return upward.Complete && downward.Complete;
                },
                60 * Instant.Second),
            $"{upward}, {downward}\n{string.Join('\n', TwoHosts.EventsOf(client))}\n{string.Join('\n', TwoHosts.EventsOf(server))}");
        Assert.False(client.IsMultipath || server.IsMultipath);
        Assert.False(upward.Intact);
        Assert.True(downward.Intact);
        Assert.Equal(lost.Length > 0, drops > 0);
        hosts.Network.Run(130 * Instant.Second);
        Assert.Equal((0, 0), (hosts.Client.Connections, hosts.Server.Connections));
    }

    /// <summary>A stack that has sent 200 bytes in two segments, the first acknowledged.</summary>
    private static ScriptedPeer Sent()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(_checksums);
        peer.Write(ScriptedPeer.Bytes(0, 100));
        peer.Ack();
        peer.Write(ScriptedPeer.Bytes(100, 100));
        peer.First.Take();
        peer.DataReceived = 101;
        return peer;
    }

    private static ScriptedPeer FellBack()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(_checksums);
        byte[] bad = ScriptedPeer.Bytes(0, 100);
        peer.First.Data(1, bad, Changed(bad));
        peer.First.Send(TcpFlags.Ack, options: [ScriptedPeer.Fail(peer.FromStack.ToWire64(1))]);
        peer.First.Take();
        return peer;
    }
}
