using CsCheck;
using Mptcp.Multipath;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Forty octets for everything: who goes first, and that nobody is forgotten.</summary>
public sealed class OptionSpaceTests
{
    [Fact]
    public void While_holes_exist_SACK_blocks_go_before_a_DATA_ACK_that_stands_still()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(timestamps: true);
        peer.First.Data(1, ScriptedPeer.Bytes(0, 100));
        peer.Join();
        peer.First.Take();
        for (int i = 0; i < 3; i++)
        {
            peer.First.Next += 100;
            peer.First.Data(peer.First.Next, ScriptedPeer.Bytes(0, 100));
        }

        List<Seen> answers = peer.First.Take();
        Assert.Equal(3, answers[^1].SackBlocks);
        Assert.Null(answers[^1].Dss);

        // The hole is filled: what advances is told again, with the rest of the SACK blocks.
        peer.First.Send(TcpFlags.Ack, ScriptedPeer.Bytes(0, 100), at: 101, ScriptedPeer.Dss(peer.Mapping(peer.First, 101, ScriptedPeer.Bytes(0, 100)) with { SubflowSequenceNumber = 101 }));
        Assert.Equal(peer.ToStack.ToWire64(301), peer.First.Last.Dss?.DataAck);
        Assert.True(peer.First.Last.SackBlocks > 0);
    }

    [Fact]
    public void What_another_subflow_brought_is_told_even_while_holes_exist()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(timestamps: true);
        peer.First.Data(1, ScriptedPeer.Bytes(0, 100));
        Flow second = peer.Join();
        peer.First.Next += 100;
        peer.First.Data(301, ScriptedPeer.Bytes(0, 100));
        peer.First.Data(401, ScriptedPeer.Bytes(0, 100));
        Assert.Null(peer.First.Last.Dss);
        second.Data(101, ScriptedPeer.Bytes(0, 100));
        peer.First.Data(501, ScriptedPeer.Bytes(0, 100));
        Assert.Equal(peer.ToStack.ToWire64(201), peer.First.Last.Dss?.DataAck);
    }

    [Fact]
    public void A_window_that_opens_is_told_even_while_holes_exist()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(new MptcpSettings { ReceiveBuffer = 10_000 }, timestamps: true);
        for (int i = 0; i < 9; i++)
        {
            peer.First.Data(1 + (i * 1000), ScriptedPeer.Bytes(0, 1000));
        }

        peer.Join();
        peer.First.Next += 100;
        peer.First.Data(peer.First.Next, ScriptedPeer.Bytes(0, 100));
        peer.First.Next += 100;
        peer.First.Data(peer.First.Next, ScriptedPeer.Bytes(0, 100));
        Assert.Null(peer.First.Last.Dss);
        Assert.Equal(9000, peer.Read().Length);
        Assert.Equal(peer.ToStack.ToWire64(9001), peer.First.Last.Dss?.DataAck);
    }

    [Fact]
    public void Whatever_happens_no_segment_has_more_than_forty_octets_and_what_is_owed_is_sent() =>
        Gen.Select(Gen.Bool, Gen.Bool, Gen.Int[0, 6].Array[1, 40]).Sample(
            (timestamps, checksums, steps) =>
            {
                ScriptedPeer peer = ScriptedPeer.Connected(new MptcpSettings { ChecksumRequired = checksums }, timestamps: timestamps);
                var seen = new List<Seen>();
                long data = 1;
                byte announced = 0;
                peer.First.Data(data++, [1]);
                foreach (int step in steps)
                {
                    switch (step)
                    {
                        case 0:
                            peer.First.Data(data, ScriptedPeer.Bytes(0, 50));
                            data += 50;
                            break;
                        case 1:
                            peer.Socket.TryWrite(new byte[3000]);
                            break;
                        case 2 when announced < 8:
                            Announce(peer, ++announced);
                            break;
                        case 3:
                            // A segment is overtaken by the next one.
                            DssOption late = peer.Mapping(peer.First, data, ScriptedPeer.Bytes(0, 50));
                            long at = peer.First.Next;
                            peer.First.Next += 50;
                            peer.First.Data(data + 50, ScriptedPeer.Bytes(50, 50));
                            peer.First.Send(TcpFlags.Ack, ScriptedPeer.Bytes(0, 50), at, ScriptedPeer.Dss(late));
                            data += 100;
                            break;
                        case 4:
                            peer.Socket.CompleteWrites();
                            break;
                        case 5:
                            peer.Ack();
                            break;
                        default:
                            peer.Run(50 * Instant.Millisecond);
                            break;
                    }
                }

                for (int i = 0; i < 10; i++)
                {
                    peer.Ack();
                    peer.Run(Instant.Second);
                }

                seen.AddRange(peer.First.Take());
                Assert.All(seen, s => Assert.InRange(s.OptionsLength, 0, 40));
                Assert.Equal(peer.ToStack.ToWire64(data), seen.Last(s => s.Dss is { HasDataAck: true }).Dss!.Value.DataAck);
                Assert.Equal(
                    Enumerable.Range(1, announced), seen.Where(s => s.AddAddress is { Echo: true }).Select(s => (int)s.AddAddress!.Value.AddressId).Distinct());
                Assert.Equal(steps.Contains(4), seen.Exists(s => s.Dss is { DataFin: true }));
                Assert.Equal(0, peer.Socket.Unacknowledged);
            },
            iter: 100, threads: 1);

    private static void Announce(ScriptedPeer peer, byte id)
    {
        var option = new AddAddressOption { AddressId = id, Address = IpAddress.Parse($"2001:db8::{id}"), Port = 80 };
        option = option with { TruncatedHmac = MptcpCrypto.AddAddressHmac(peer.Key, peer.StackKey, option) };
        peer.First.Send(TcpFlags.Ack, options: [(ref TcpOptionWriter writer) => option.TryWrite(ref writer)]);
    }
}
