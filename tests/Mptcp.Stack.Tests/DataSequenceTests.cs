using Mptcp.Multipath;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Mappings and DATA_ACKs (RFC 8684 §3.3), as a peer may make them, well or badly.</summary>
public sealed class DataSequenceTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_width_of_a_DATA_ACK_follows_the_peers_numbers(bool wide)
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        byte[] bytes = ScriptedPeer.Bytes(0, 10);
        peer.First.Send(TcpFlags.Ack, bytes, options: [ScriptedPeer.Dss(Narrow(peer.Mapping(peer.First, 1, bytes), dsn: !wide, ack: false))]);
        Assert.Equal(wide, peer.First.Last.Dss!.Value.DataAck64);
        Assert.Equal(
            wide ? peer.ToStack.ToWire64(11) : peer.ToStack.ToWire32(11), peer.First.Last.Dss!.Value.DataAck);
        Assert.Equal(bytes, peer.Read());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Numbers_of_32_bits_wrap_in_both_directions(bool checksums)
    {
        ScriptedPeer peer = ScriptedPeer.Connected(
            new MptcpSettings { ChecksumRequired = checksums }, key: ScriptedPeer.KeyBeforeWrap);
        Assert.True(peer.ToStack.ToWire32(1) > uint.MaxValue - 1500);
        var all = new List<byte>();
        for (int i = 0; i < 5; i++)
        {
            byte[] bytes = ScriptedPeer.Bytes(i, 500);
            all.AddRange(bytes);
            DssOption mapping = Narrow(peer.Mapping(peer.First, 1 + (500 * i), bytes), dsn: true, ack: true);
            peer.First.Send(TcpFlags.Ack, bytes, options: [ScriptedPeer.Dss(mapping)]);
            Assert.Equal(peer.ToStack.ToWire32(501 + (500 * i)), peer.First.Last.Dss!.Value.DataAck);
        }

        Assert.True(peer.ToStack.ToWire32(2501) < 2000);
        Assert.Equal(all.ToArray(), peer.Read());

        // An old number is not one of the next round.
        DssOption old = Narrow(peer.Mapping(peer.First, 1, ScriptedPeer.Bytes(0, 500)), dsn: true, ack: true);
        peer.First.Send(TcpFlags.Ack, ScriptedPeer.Bytes(0, 500), options: [ScriptedPeer.Dss(old)]);
        Assert.Empty(peer.Read());
        Assert.Equal(peer.ToStack.ToWire32(2501), peer.First.Last.Dss!.Value.DataAck);
    }

    [Fact]
    public void A_DATA_ACK_of_either_width_is_taken_and_may_come_only_when_it_advances()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        peer.Write(ScriptedPeer.Bytes(0, 100));
        peer.First.Send(TcpFlags.Ack, options: [ScriptedPeer.Dss(Narrow(peer.DataAck(), dsn: false, ack: true))]);
        Assert.Equal(0, peer.Socket.Unacknowledged);

        // Segments without DATA_ACK in between, as a saving peer sends them.
        peer.Write(ScriptedPeer.Bytes(0, 100));
        byte[] bytes = ScriptedPeer.Bytes(0, 10);
        peer.First.Received = 101;
        peer.First.Send(TcpFlags.Ack, bytes, options: [ScriptedPeer.Dss(peer.Mapping(peer.First, 1, bytes) with { HasDataAck = false })]);
        peer.First.Received = 201;
        Assert.Equal(100, peer.Socket.Unacknowledged);
        peer.Ack();
        Assert.Equal(0, peer.Socket.Unacknowledged);
        Assert.True(peer.Socket.IsMultipath);
    }

    [Fact]
    public void The_window_counts_only_beside_a_DATA_ACK_and_its_edge_never_moves_back()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        peer.First.Window = 1000;
        peer.Ack();
        Assert.Equal(3000, peer.Socket.TryWrite(new byte[3000]));
        peer.Drain();

        // The handshake had offered the full window; a smaller one later takes nothing back.
        Assert.Equal(1000, peer.First.Seen.Sum(seen => seen.Payload.Length));
        peer.First.Window = 65_535;
        peer.Ack();
        Assert.Equal(3000, peer.First.Seen.Sum(seen => seen.Payload.Length));
    }

    [Fact]
    public void A_smaller_window_on_one_subflow_takes_nothing_back_from_another()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        peer.Ack();
        Flow second = peer.Join();
        second.Window = 100;
        second.Send(TcpFlags.Ack, options: [ScriptedPeer.Dss(peer.DataAck())]);
        peer.Socket.TryWrite(new byte[3000]);
        peer.Drain();
        Assert.Equal(3000, peer.First.Seen.Concat(second.Seen).Sum(seen => seen.Payload.Length));
    }

    [Fact]
    public void The_send_buffer_keeps_what_a_subflow_may_have_to_repeat()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(new MptcpSettings { SendBuffer = 1500 });
        Assert.Equal(1000, peer.Socket.TryWrite(new byte[1000]));
        peer.Drain();
        peer.First.Received = 1;
        Flow second = peer.Join();
        second.Send(TcpFlags.Ack, options: [ScriptedPeer.Dss(peer.DataAck())]);
        Assert.Equal(0, peer.Socket.Unacknowledged);
        Assert.Equal(500, peer.Socket.TryWrite(new byte[1000]));
        peer.First.Received = 1001;
        peer.Ack();
        Assert.Equal(1000, peer.Socket.TryWrite(new byte[2000]));
    }

    [Fact]
    public void Data_beyond_the_window_is_neither_kept_nor_acknowledged_but_counted()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(new MptcpSettings { ReceiveBuffer = 10_000 });
        peer.First.Data(1, ScriptedPeer.Bytes(0, 10));
        peer.First.Data(20_011, ScriptedPeer.Bytes(0, 10));
        Assert.Equal(peer.ToStack.ToWire64(11), peer.First.Last.Dss!.Value.DataAck);
        Assert.Equal(1, peer.Socket.CountOf(ConnectionEventCode.DataBeyondWindow));
        Assert.Equal(TcpState.Established, peer.Socket.State);
    }

    [Fact]
    public void A_mapping_that_gives_mapped_bytes_another_place_resets_the_subflow()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        byte[] bytes = ScriptedPeer.Bytes(0, 100);
        DssOption mapping = peer.Mapping(peer.First, 1, bytes);
        peer.First.Next += 10;
        peer.First.Send(TcpFlags.Ack, bytes[10..], options: [ScriptedPeer.Dss(mapping)]);
        peer.First.Next = 1;
        peer.First.Send(TcpFlags.Ack, bytes, options: [ScriptedPeer.Dss(mapping with { DataSequenceNumber = mapping.DataSequenceNumber + 7 })]);
        Assert.True(peer.First.Last is { IsReset: true, Reset: { Reason: MpTcpRstReason.MptcpSpecificError, Transient: false } });
        Assert.Equal(1, peer.Socket.CountOf(ConnectionEventCode.MappingContradiction));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_checksum_where_none_was_agreed_or_none_where_one_was_resets_the_subflow(bool agreed)
    {
        ScriptedPeer peer = ScriptedPeer.Connected(new MptcpSettings { ChecksumRequired = agreed });
        peer.First.Data(1, ScriptedPeer.Bytes(0, 10));
        peer.Checksum = !agreed;
        peer.First.Data(11, ScriptedPeer.Bytes(10, 10));
        Assert.True(peer.First.Last is { IsReset: true, Reset: { Reason: MpTcpRstReason.MptcpSpecificError } });
        Assert.Equal(ScriptedPeer.Bytes(0, 10), peer.Read());
        Assert.Equal(1, peer.Socket.CountOf(ConnectionEventCode.ChecksumNotAgreed));
    }

    [Fact]
    public void One_mapping_may_cover_many_segments_and_a_segment_many_mappings()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        byte[] bytes = ScriptedPeer.Bytes(0, 200);
        peer.First.Send(TcpFlags.Ack, bytes[..50], options: [ScriptedPeer.Dss(peer.Mapping(peer.First, 1, bytes))]);
        peer.First.Send(TcpFlags.Ack, bytes[50..120]);
        peer.First.Send(TcpFlags.Ack, bytes[120..]);
        Assert.Equal(bytes, peer.Read());
    }

    [Fact]
    public void Bytes_of_a_mapping_with_a_checksum_count_when_all_are_there()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(new MptcpSettings { ChecksumRequired = true });
        byte[] bytes = ScriptedPeer.Bytes(0, 200);
        peer.First.Send(TcpFlags.Ack, bytes[..150], options: [ScriptedPeer.Dss(peer.Mapping(peer.First, 1, bytes))]);
        Assert.Empty(peer.Read());
        Assert.Equal(151, peer.First.Last.Acknowledged);
        Assert.Equal(peer.ToStack.ToWire64(1), peer.First.Last.Dss!.Value.DataAck);
        peer.First.Send(TcpFlags.Ack, bytes[150..]);
        Assert.Equal(bytes, peer.Read());
    }

    [Fact]
    public void Without_a_mapping_data_is_acknowledged_by_the_subflow_alone_and_waits_for_it_a_while()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        peer.First.Data(1, ScriptedPeer.Bytes(0, 10));
        peer.Join();
        byte[] bytes = ScriptedPeer.Bytes(10, 100);
        DssOption mapping = peer.Mapping(peer.First, 11, bytes);
        peer.First.Send(TcpFlags.Ack, bytes[..60], options: [ScriptedPeer.Dss(peer.DataAck())]);
        Assert.Equal(71, peer.First.Last.Acknowledged);
        Assert.Equal(peer.ToStack.ToWire64(11), peer.First.Last.Dss!.Value.DataAck);
        peer.First.Send(TcpFlags.Ack, bytes[60..], options: [ScriptedPeer.Dss(mapping)]);
        Assert.Equal(ScriptedPeer.Bytes(0, 110), peer.Read());
    }

    [Fact]
    public void More_data_without_a_mapping_than_may_wait_breaks_the_subflow()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        peer.First.Data(1, ScriptedPeer.Bytes(0, 10));
        peer.Join();
        for (int i = 0; i < 400 && !peer.First.Last.IsReset; i++)
        {
            peer.First.Send(TcpFlags.Ack, new byte[1400], options: [ScriptedPeer.Dss(peer.DataAck())]);
        }

        Assert.True(peer.First.Last is { IsReset: true, Reset.Reason: MpTcpRstReason.MiddleboxInterference });
        Assert.Equal(1, peer.Socket.CountOf(ConnectionEventCode.MappingMissing));
    }

    [Fact]
    public void The_first_copy_of_data_counts_whichever_subflow_brings_it()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        peer.First.Data(1, [1, 2, 3]);
        Flow second = peer.Join();
        second.Data(7, [7, 8, 9]);
        peer.First.Data(4, [4, 5, 6, 99, 99, 99]);
        second.Data(4, [77, 77, 77]);
        Assert.Equal(new byte[] { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, peer.Read());
    }

    [Fact]
    public void Urgent_data_stays_in_its_place()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        byte[] bytes = ScriptedPeer.Bytes(0, 10);
        peer.First.Send(TcpFlags.Ack | TcpFlags.Urg, bytes, options: [ScriptedPeer.Dss(peer.Mapping(peer.First, 1, bytes))]);
        Assert.Equal(bytes, peer.Read());
    }

    [Fact]
    public void A_DATA_FIN_alone_has_no_subflow_sequence_and_a_checksum_of_its_own()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(new MptcpSettings { ChecksumRequired = true });
        peer.Write(1, 2, 3);
        DssOption data = peer.First.Last.Dss!.Value;
        Assert.True(DssChecksum.Verify(
            peer.FromStack.ToWire64(1), 1, 3, InternetChecksum.Accumulate(peer.First.Last.Payload), data.Checksum));
        peer.Ack();
        peer.Socket.CompleteWrites();
        peer.Drain();
        DssOption fin = peer.First.Last.Dss!.Value;
        ulong number = peer.FromStack.ToWire64(4);
        Assert.True(fin is { DataFin: true, SubflowSequenceNumber: 0, DataLength: 1, HasChecksum: true });
        Assert.Equal((number, DssChecksum.Compute(number, 0, 1, 0)), (fin.DataSequenceNumber, fin.Checksum));
        Assert.Empty(peer.First.Last.Payload);
    }

    [Fact]
    public void Every_segment_of_data_has_its_mapping_and_repeats_have_the_same()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        peer.Socket.TryWrite(new byte[5000]);
        peer.Drain();
        List<Seen> first = [.. peer.First.Take().Where(seen => seen.Payload.Length > 0)];
        Assert.True(first.Count > 3);
        Assert.All(first, seen => Assert.True(seen.Dss is { HasMapping: true, DataSequence64: true } dss
            && dss.SubflowSequenceNumber == seen.Sequence && dss.DataLength == seen.Payload.Length));
        peer.First.Received = 1;
        peer.Run(5 * Instant.Second);
        foreach (Seen again in peer.First.Take().Where(seen => seen.Payload.Length > 0))
        {
            Seen before = first.Find(seen => seen.Dss!.Value.SubflowSequenceNumber == again.Dss!.Value.SubflowSequenceNumber)!;
            Assert.Equal(before.Dss!.Value.DataSequenceNumber, again.Dss!.Value.DataSequenceNumber);
            Assert.Equal(before.Dss.Value.DataLength, again.Dss.Value.DataLength);
        }
    }

    [Fact]
    public void Data_that_was_sent_elsewhere_still_goes_again_on_its_own_subflow()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        peer.Write(ScriptedPeer.Bytes(0, 50));
        Flow second = peer.Join();
        peer.Run(5 * Instant.Second);
        Assert.Contains(second.Seen, seen => seen.Payload.Length == 50);

        // Everything is acknowledged as data, and the first subflow has not delivered its bytes.
        second.Send(TcpFlags.Ack, options: [ScriptedPeer.Dss(peer.DataAck())]);
        Assert.Equal(0, peer.Socket.Unacknowledged);
        peer.Socket.TryWrite(new byte[100_000]);
        peer.First.Take();
        peer.Run(20 * Instant.Second);
        Assert.Contains(peer.First.Take(), seen => seen.Sequence == 1 && seen.Payload.SequenceEqual(ScriptedPeer.Bytes(0, 50)));
    }

    [Fact]
    public void A_lost_option_on_a_further_subflow_resets_it_alone()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        peer.Write(1, 2, 3);
        Flow second = peer.Join();
        peer.Run(5 * Instant.Second);
        Assert.Contains(second.Seen, seen => seen.Payload.Length == 3);
        second.Send(TcpFlags.Ack);
        Assert.True(second.Last is { IsReset: true, Reset.Reason: MpTcpRstReason.MiddleboxInterference });
        Assert.Equal(TcpState.Established, peer.Socket.State);
        Assert.True(peer.Socket.IsMultipath);
    }

    [Fact]
    public void A_lost_option_on_the_first_subflow_is_the_end_of_Multipath_TCP_and_told_by_an_infinite_mapping()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        peer.Write(1, 2, 3);
        peer.First.Send(TcpFlags.Ack);
        Assert.False(peer.Socket.IsMultipath);
        peer.Write(4, 5, 6);
        Assert.True(peer.First.Last.Dss is { IsInfiniteMapping: true, HasDataAck: false });
        peer.First.Send(TcpFlags.Ack);
        peer.Write(7, 8, 9);
        Assert.False(peer.First.Last.HasMptcp);
        peer.First.Send(TcpFlags.Ack, ScriptedPeer.Bytes(0, 5));
        Assert.Equal(5, peer.Read().Length);
        Assert.Single(TwoHosts.EventsOf(peer.Socket), e => e is { Kind: ConnectionEventKind.Fallback, Code: ConnectionEventCode.OptionsRemoved });
    }

    private static DssOption Narrow(DssOption dss, bool dsn, bool ack) => dss with
    {
        DataSequence64 = dss.DataSequence64 && !dsn,
        DataSequenceNumber = dsn ? (uint)dss.DataSequenceNumber : dss.DataSequenceNumber,
        DataAck64 = dss.DataAck64 && !ack,
        DataAck = ack ? (uint)dss.DataAck : dss.DataAck,
    };

    [Theory]
    [InlineData(40, true)]
    [InlineData(10, false)]
    public void What_closes_a_wide_hole_is_acknowledged_on_the_quickest_subflow_at_once(int segmentsBehind, bool acknowledged)
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        Flow slow = peer.Join();
        for (int i = 0; i < segmentsBehind; i++)
        {
            peer.First.Data(1001 + (1000 * i), ScriptedPeer.Bytes(i, 1000));
        }

        peer.Run(100 * Instant.Millisecond);
        peer.First.Take();
        slow.Data(1, ScriptedPeer.Bytes(0, 1000));
        ulong expected = peer.ToStack.ToWire64(1001 + (1000 * segmentsBehind));
        Assert.Equal(acknowledged, peer.First.Take().Exists(seen => seen.Dss is { } dss && (uint)dss.DataAck == (uint)expected));
    }
}
