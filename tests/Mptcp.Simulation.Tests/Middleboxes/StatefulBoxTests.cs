using Mptcp.Tcp;
using Mptcp.Wire;
using static Mptcp.Simulation.Tests.BoxBench;

namespace Mptcp.Simulation.Tests;

/// <summary>Middleboxes that answer, keep, drop or end connections.</summary>
public sealed class StatefulBoxTests
{
    [Theory]
    [InlineData("ack-early", 0)]
    [InlineData("ack-early-copy", 1)]
    public void Data_is_acknowledged_before_it_arrives(string name, int options)
    {
        var bench = new BoxBench(v6: false, name);
        bench.Handshake();
        bench.Push(Far(Ack, 0, 0) with { Options = Option(MptcpSubtype.Dss, 12), Window = 777 });
        List<BoxSegment> seen = bench.Push(Near(Ack, 0, 0, 100));
        Assert.Equal([Heading.Outward, Heading.Inward], seen.Select(segment => segment.Heading));
        Assert.Equal((FarOrigin + 1, unchecked(NearOrigin + 101), 777, 0, Ack), (seen[1].Sequence, seen[1].Acknowledgment, (int)seen[1].Window, seen[1].Payload.Length, seen[1].Flags));
        Assert.Equal(options, seen[1].Subtypes.Count);

        // Beyond a hole it acknowledges what it has; what the far end says is not taken back.
        Assert.Equal(unchecked(NearOrigin + 101), bench.Push(Near(Ack, 200, 0, 100)) is [_] ? unchecked(NearOrigin + 101) : 0);
        BoxSegment late = Assert.Single(bench.Push(Far(Ack, 0, 50) with { Options = [.. Sack(1, 2), .. Option(MptcpSubtype.Dss, 12)] }));
        Assert.Equal(unchecked(NearOrigin + 101), late.Acknowledgment);
        Assert.True(TcpOptions.TryParse(late.Options, out TcpOptions parsed));
        Assert.Equal((0, true), (parsed.SackCount, parsed.HasMptcp));
    }

    [Fact]
    public void What_it_acknowledged_it_repeats_until_the_far_end_has_it()
    {
        var bench = new BoxBench(v6: true, "ack-early");
        bench.Handshake();
        bench.Push(Near(Ack, 0, 0, 100));
        bench.Push(Near(Ack, 100, 0, 100));
        bench.Push(Near(Ack, 200, 77) with { Window = 55 });
        BoxSegment repeat = Assert.Single(bench.Wait(400 * Instant.Millisecond));
        Assert.Equal(Bytes(0, 100), repeat.Payload);
        Assert.Equal((FarOrigin + 1 + 77, 55), (repeat.Acknowledgment, repeat.Window));
        bench.Push(Far(Ack, 0, 100));
        repeat = Assert.Single(bench.Wait(400 * Instant.Millisecond));
        Assert.Equal(Bytes(100, 100), repeat.Payload);
        for (int i = 1; i <= 3; i++)
        {
            Assert.Equal(i == 3 ? 2 : 1, bench.Push(Far(Ack, 0, 100)).Count);
        }

        bench.Push(Far(Ack, 0, 200));
        Assert.Equal(Instant.Never, bench.Chain.NextTimeout);

        // A far end that never answers is given up.
        bench.Push(Near(Ack, 200, 0, 100));
        Assert.Equal(15, bench.Wait(3600 * Instant.Second).Count);
    }

    [Fact]
    public void An_early_ACK_may_follow_from_the_SYN_ACK_alone()
    {
        var bench = new BoxBench(v6: false, "ack-early");
        bench.Push(Near(TcpFlags.Syn, -1, 0));
        bench.Push(Far(TcpFlags.Syn | Ack, -1, 0) with { Options = [.. Mss, 1, TcpOptionKind.WindowScale, 3, 7], Window = 12_800 });
        BoxSegment early = bench.Push(Near(Ack, 0, 0, 10))[1];
        Assert.Equal((100, FarOrigin + 1), (early.Window, early.Sequence));
        Assert.All(early.Options, padding => Assert.Equal(TcpOptionKind.NoOperation, padding));
    }

    [Fact]
    public void ACKs_of_data_that_was_not_seen_are_dropped()
    {
        var bench = new BoxBench(v6: false, "drop-unseen-acks");
        bench.Handshake();
        bench.Push(Near(Ack, 0, 0, 100));
        Assert.False(Assert.Single(bench.Push(Far(Ack, 0, 100))).Dropped);
        Assert.True(Assert.Single(bench.Push(Far(Ack, 0, 101, 20))).Dropped);
    }

    [Fact]
    public void Repeats_have_other_bytes()
    {
        var bench = new BoxBench(v6: false, "repeat-changed:2");
        bench.Handshake();
        Assert.Equal(Bytes(0, 100), Assert.Single(bench.Push(Near(Ack, 0, 0, 100))).Payload);
        Assert.True(Assert.Single(bench.Push(Near(Ack, 100, 0, 100))).Dropped);
        Assert.Equal(Bytes(200, 100), Assert.Single(bench.Push(Near(Ack, 200, 0, 100))).Payload);
        BoxSegment repeat = Assert.Single(bench.Push(Near(Ack, 100, 0, 100)));
        Assert.Equal(Bytes(100, 100).Select(value => (byte)~value), repeat.Payload);
        Assert.False(repeat.Dropped);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_NAT_changes_ports_and_changes_them_back(bool v6)
    {
        var bench = new BoxBench(v6, "nat");
        List<BoxSegment> opening = bench.Push(Near(TcpFlags.Syn, -1, 0));
        ushort outside = Assert.Single(opening).NearPort;
        Assert.NotEqual(NearPort, outside);
        BoxSegment answer = Assert.Single(bench.Push(Far(TcpFlags.Syn | Ack, -1, 0) with { NearPort = outside }));
        Assert.Equal((NearPort, false), (answer.NearPort, answer.Dropped));
        Assert.Equal(outside, Assert.Single(bench.Push(Near(Ack, 0, 0, 10))).NearPort);
        Assert.True(Assert.Single(bench.Push(Far(Ack, 0, 10))).Dropped);
    }

    [Fact]
    public void Connections_from_outside_come_in_by_a_forwarded_port()
    {
        var bench = new BoxBench(v6: false, "nat-restart:2");
        Assert.Equal(NearPort, Assert.Single(bench.Push(Far(TcpFlags.Syn, -1, 0))).NearPort);
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(NearPort, Assert.Single(bench.Push(Near(TcpFlags.Syn | Ack, -1, 0))).NearPort);
            Assert.Equal(NearPort, Assert.Single(bench.Push(Far(Ack, 0, 0))).NearPort);
        }
    }

    [Fact]
    public void A_NAT_forgets_in_mid_connection()
    {
        var restart = new BoxBench(v6: false, "nat-restart:3");
        List<ushort> ports = [.. Enumerable.Range(0, 4).Select(i => Assert.Single(restart.Push(Near(Ack, i, 0, 1))).NearPort)];
        Assert.Equal(ports[0], ports[1]);
        Assert.NotEqual(ports[1], ports[2]);
        Assert.Equal(ports[2], ports[3]);
        Assert.True(Assert.Single(restart.Push(Far(Ack, 0, 0) with { NearPort = ports[0] })).Dropped);

        var idle = new BoxBench(v6: false, "nat-idle:10");
        ushort first = Assert.Single(idle.Push(Near(TcpFlags.Syn, -1, 0))).NearPort;
        idle.Now += 9 * Instant.Second;
        Assert.Equal(first, Assert.Single(idle.Push(Near(Ack, 0, 0))).NearPort);
        idle.Now += 11 * Instant.Second;
        Assert.NotEqual(first, Assert.Single(idle.Push(Near(Ack, 0, 0))).NearPort);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_proxy_is_the_other_end_to_both(bool v6)
    {
        var bench = new BoxBench(v6, "proxy");
        List<BoxSegment> opening = bench.Push(Near(TcpFlags.Syn, -1, 0) with { Options = [.. Mss, .. Option(MptcpSubtype.MpCapable, 4)] });
        BoxSegment answer = Assert.Single(opening, segment => segment.Heading == Heading.Inward);
        BoxSegment onward = Assert.Single(opening, segment => segment.Heading == Heading.Outward);
        Assert.Equal((TcpFlags.Syn | Ack, NearOrigin + 1), (answer.Flags, answer.Acknowledgment));
        Assert.Empty(answer.Subtypes);
        Assert.Equal(TcpFlags.Syn, onward.Flags);
        Assert.Empty(onward.Subtypes);

        // Data waits for the far end's answer.
        uint proxied = answer.Sequence + 1;
        BoxSegment Mine(TcpFlags flags, int at, int payload = 0) => Near(flags, at, 0, payload) with { Acknowledgment = proxied };
        bench.Push(Mine(Ack, 0));
        Assert.DoesNotContain(bench.Push(Mine(Ack, 0, 100)), segment => segment.Payload.Length > 0);
        List<BoxSegment> rest = bench.Push(Far(TcpFlags.Syn | Ack, -1, 0) with { Acknowledgment = onward.Sequence + 1 });
        Assert.Equal(Bytes(0, 100), Assert.Single(rest, segment => segment.Payload.Length > 0).Payload);

        // And back, and the end of the stream.
        rest = bench.Push(Far(Ack | TcpFlags.Fin, 0, 0, 50) with { Acknowledgment = onward.Sequence + 101 });
        BoxSegment back = Assert.Single(rest, segment => segment.Payload.Length > 0);
        Assert.Equal((Heading.Inward, proxied), (back.Heading, back.Sequence));
        Assert.Contains(rest, segment => segment.Heading == Heading.Inward && (segment.Flags & TcpFlags.Fin) != 0);
    }

    [Fact]
    public void A_proxy_passes_a_reset_on_and_keeps_nothing()
    {
        var bench = new BoxBench(v6: false, "proxy");
        List<BoxSegment> opening = bench.Push(Far(TcpFlags.Syn, -1, 0));
        BoxSegment answer = Assert.Single(opening, segment => segment.Heading == Heading.Outward);
        BoxSegment inward = Assert.Single(opening, segment => segment.Heading == Heading.Inward);
        bench.Push(Near(TcpFlags.Syn | Ack, -1, 0) with { Acknowledgment = inward.Sequence + 1 });
        bench.Push(Far(Ack, 0, 0) with { Acknowledgment = answer.Sequence + 1 });
        List<BoxSegment> ends = bench.Push(Far(TcpFlags.Rst, 0, 0));
        Assert.Equal(Heading.Inward, Assert.Single(ends, segment => (segment.Flags & TcpFlags.Rst) != 0).Heading);
        Assert.Equal(Instant.Never, bench.Chain.NextTimeout);
        Assert.True(Assert.Single(bench.Push(Far(Ack, 0, 0))).Dropped);
    }
}
