using Mptcp.Tcp;
using Mptcp.Wire;
using static Mptcp.Simulation.Tests.BoxBench;

namespace Mptcp.Simulation.Tests;

/// <summary>Middleboxes that change where things stand in the stream, and mend the numbers both ways.</summary>
public sealed class SequenceBoxTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Another_initial_sequence_number_is_mended_the_other_way(bool v6)
    {
        var bench = new BoxBench(v6, "rewrite-isn");
        BoxSegment syn = bench.Handshake()[0];
        uint shift = unchecked(syn.Sequence - NearOrigin);
        Assert.NotEqual(0u, shift);
        BoxSegment data = Assert.Single(bench.Push(Near(Ack, 2000, 5, 100)));
        Assert.Equal(unchecked(NearOrigin + 1 + 2000 + shift), data.Sequence);
        Assert.Equal(FarOrigin + 1 + 5, data.Acknowledgment);

        uint At(int offset) => unchecked(NearOrigin + 1 + (uint)offset);
        BoxSegment answer = Assert.Single(bench.Push(Far(Ack, 5, 0) with
        {
            Acknowledgment = unchecked(At(2100) + shift),
            Options = Sack(unchecked(At(3000) + shift), unchecked(At(4000) + shift)),
        }));
        Assert.Equal((FarOrigin + 1 + 5, At(2100)), (answer.Sequence, answer.Acknowledgment));
        Assert.Equal(new SackBlock(At(3000), At(4000)), BlockOf(answer));
    }

    [Fact]
    public void Each_connection_gets_a_shift_of_its_own()
    {
        var bench = new BoxBench(v6: false, "rewrite-isn");
        BoxSegment first = Assert.Single(bench.Push(Near(TcpFlags.Syn, -1, 0)));
        BoxSegment second = Assert.Single(bench.Push(Near(TcpFlags.Syn, -1, 0) with { NearPort = 40_001 }));
        BoxSegment repeat = Assert.Single(bench.Push(Near(TcpFlags.Syn, -1, 0)));
        Assert.NotEqual(first.Sequence, second.Sequence);
        Assert.Equal(first.Sequence, repeat.Sequence);
    }

    [Theory]
    [InlineData("change:50", 0)]
    [InlineData("lengthen:50", 2)]
    [InlineData("shorten:50", -2)]
    public void A_gateway_mends_numbers_behind_what_it_changed(string name, int longer)
    {
        var bench = new BoxBench(v6: false, name);
        Assert.Equal(NearOrigin, bench.Handshake()[0].Sequence);
        byte[] stream = [.. Bytes(0, 100), .. Bytes(100, 100)];

        // The change lies within the first segment; a repeat is changed the same way.
        for (int i = 0; i < 2; i++)
        {
            BoxSegment data = Assert.Single(bench.Push(Near(Ack, 0, 0, 100)));
            Assert.Equal(NearOrigin + 1, data.Sequence);
            Assert.Equal(100 + longer, data.Payload.Length);
            Assert.Equal(stream[..50], data.Payload[..50]);
            Assert.Equal((byte)~stream[50], data.Payload[50]);
            Assert.Equal(stream[90..100], data.Payload[^10..]);
        }

        BoxSegment next = Assert.Single(bench.Push(Near(Ack | TcpFlags.Fin, 100, 0, 40)));
        Assert.Equal(unchecked(NearOrigin + 1 + 100 + (uint)longer), next.Sequence);
        uint At(int offset) => unchecked(NearOrigin + 1 + (uint)offset);
        foreach (int before in (int[])[0, 30, 50])
        {
            Assert.Equal(At(before), Assert.Single(bench.Push(Far(Ack, 0, before))).Acknowledgment);
        }

        BoxSegment after = Assert.Single(bench.Push(Far(Ack, 0, 100 + longer) with
        {
            Options = Sack(At(110 + longer), At(140 + longer)),
        }));
        Assert.Equal(At(100), after.Acknowledgment);
        Assert.Equal(new SackBlock(At(110), At(140)), BlockOf(after));
        Assert.Equal(At(141), Assert.Single(bench.Push(Far(Ack, 0, 141 + longer))).Acknowledgment);
    }

    [Fact]
    public void What_is_half_arrived_is_not_acknowledged()
    {
        var bench = new BoxBench(v6: true, "lengthen:50");
        bench.Handshake();
        bench.Push(Near(Ack, 0, 0, 100));
        uint At(int offset) => unchecked(NearOrigin + 1 + (uint)offset);
        Assert.Equal(At(50), Assert.Single(bench.Push(Far(Ack, 0, 52))).Acknowledgment);
        Assert.Equal(At(51), Assert.Single(bench.Push(Far(Ack, 0, 53))).Acknowledgment);
    }

    [Fact]
    public void An_edit_is_the_same_in_any_pieces()
    {
        byte[] stream = Bytes(0, 5000);
        foreach ((int removed, int inserted) in (ReadOnlySpan<(int, int)>)[(1, 1), (1, 3), (3, 1), (0, 4), (5, 0)])
        {
            var edit = new StreamEdit { First = 100, Period = 333, Count = 9, Removed = removed, Inserted = inserted };
            byte[] whole = Applied(edit, stream, stream.Length);
            Assert.Equal(stream.Length + (9 * (inserted - removed)), whole.Length);
            foreach (int piece in (int[])[1, 2, 7, 1000])
            {
                Assert.Equal(whole, Applied(edit, stream, piece));
            }

            for (int at = 0; at <= stream.Length; at++)
            {
                var piece = new byte[10_000];
                Assert.Equal(edit.Apply(0, stream.AsSpan(0, at), piece), edit.Out(at));
                Assert.True(edit.In(edit.Out(at)) >= at);
                Assert.True(edit.Out(edit.In(at)) <= at);
            }
        }
    }

    [Fact]
    public void Segments_are_cut_and_keep_their_place()
    {
        var bench = new BoxBench(v6: true, "split:40");
        bench.Handshake();
        List<BoxSegment> parts = bench.Push(Near(Ack | TcpFlags.Psh | TcpFlags.Fin, 200, 0, 100) with { Options = Option(MptcpSubtype.Dss, 20) });
        Assert.Equal([40, 40, 20], parts.Select(part => part.Payload.Length));
        Assert.Equal(Bytes(200, 100), parts.SelectMany(part => part.Payload));
        Assert.Equal([200u, 240u, 280u], parts.Select(part => unchecked(part.Sequence - NearOrigin - 1)));
        Assert.Equal([Ack, Ack, Ack | TcpFlags.Psh | TcpFlags.Fin], parts.Select(part => part.Flags));
        Assert.All(parts, part => Assert.Single(part.Subtypes));

        bench = new BoxBench(v6: false, "split-first:40");
        bench.Handshake();
        parts = bench.Push(Near(Ack, 0, 0, 100) with { Options = Option(MptcpSubtype.Dss, 20) });
        Assert.Equal([1, 0, 0], parts.Select(part => part.Subtypes.Count));
    }

    [Theory]
    [InlineData("coalesce", 1)]
    [InlineData("coalesce-last", 2)]
    public void Two_segments_become_one(string name, byte mark)
    {
        var bench = new BoxBench(v6: false, name);
        bench.Handshake();
        Assert.Empty(bench.Push(Near(Ack, 0, 0, 60) with { Options = [253, 4, 0, 1] }));
        BoxSegment joined = Assert.Single(bench.Push(Near(Ack | TcpFlags.Psh, 60, 9, 40) with { Options = [253, 4, 0, 2] }));
        Assert.Equal(Bytes(0, 60).Concat(Bytes(60, 40)), joined.Payload);
        Assert.Equal((NearOrigin + 1, FarOrigin + 1 + 9, Ack | TcpFlags.Psh), (joined.Sequence, joined.Acknowledgment, joined.Flags));
        Assert.Equal([253, 4, 0, mark], joined.Options);

        // One without a successor goes on after a moment, or before what does not follow it.
        Assert.Empty(bench.Push(Near(Ack, 100, 0, 10)));
        Assert.Single(bench.Wait(Coalescer.Wait));
        Assert.Empty(bench.Push(Near(Ack, 110, 0, 10)));
        Assert.Equal([10, 0], bench.Push(Near(Ack, 120, 0)).Select(segment => segment.Payload.Length));
        Assert.Empty(bench.Push(Near(Ack, 110, 0, 10)));
        Assert.Equal([10], bench.Push(Near(Ack, 200, 0, 20)).Select(segment => segment.Payload.Length));
        Assert.Equal(Instant.Never, WaitedOut(bench));
    }

    [Fact]
    public void A_stream_is_cut_anew()
    {
        var bench = new BoxBench(v6: false, "resegment:80");
        bench.Handshake();
        List<BoxSegment> seen = bench.Push(Near(Ack, 0, 0, 100) with { Options = [253, 4, 0, 1] });
        seen.AddRange(bench.Push(Near(Ack, 100, 0, 100) with { Options = [253, 4, 0, 2] }));
        seen.AddRange(bench.Push(Near(Ack | TcpFlags.Fin, 200, 0, 30) with { Options = [253, 4, 0, 3] }));
        Assert.Equal([80, 80, 40, 30], seen.Select(segment => segment.Payload.Length));
        Assert.Equal([1, 1, 2, 3], seen.Select(segment => (int)segment.Options[3]));
        Assert.Equal([Ack, Ack, Ack, Ack | TcpFlags.Fin], seen.Select(segment => segment.Flags));
        Assert.Equal([.. Bytes(0, 100), .. Bytes(100, 100), .. Bytes(200, 30)], seen.SelectMany(segment => segment.Payload));

        // A repeat begins where it begins.
        BoxSegment repeat = Assert.Single(bench.Push(Near(Ack, 100, 0, 100)));
        Assert.Equal((unchecked(NearOrigin + 101), 80), (repeat.Sequence, repeat.Payload.Length));
        Assert.Equal(20, Assert.Single(bench.Wait(Coalescer.Wait)).Payload.Length);
        Assert.Equal(Instant.Never, WaitedOut(bench));
    }

    private static Instant WaitedOut(BoxBench bench)
    {
        bench.Wait(Instant.Second);
        return bench.Chain.NextTimeout;
    }

    private static byte[] Applied(StreamEdit edit, byte[] stream, int piece)
    {
        var output = new byte[10_000];
        int length = 0;
        for (int at = 0; at < stream.Length; at += piece)
        {
            Assert.Equal(length, edit.Out(at));
            length += edit.Apply(at, stream.AsSpan(at, Math.Min(piece, stream.Length - at)), output.AsSpan(length));
        }

        return output[..length];
    }

    private static SackBlock BlockOf(BoxSegment segment)
    {
        Assert.True(TcpOptions.TryParse(segment.Options, out TcpOptions options));
        return options.GetSack(0);
    }
}
