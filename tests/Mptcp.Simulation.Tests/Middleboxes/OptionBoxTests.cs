using Mptcp.Wire;
using static Mptcp.Simulation.Tests.BoxBench;

namespace Mptcp.Simulation.Tests;

/// <summary>Middleboxes that do something to options, and to nothing else.</summary>
public sealed class OptionBoxTests
{
    private static readonly byte[] _dss = Option(MptcpSubtype.Dss, 12);

    public static TheoryData<string, string> Removers => new()
    {
        { "strip-syn", "0" },
        { "strip-third-ack", "2" },
        { "strip-data", "3" },
        { "strip-acks", "45" },
        { "strip-ack-dss", "45" },
        { "strip-from:3", "45" },
        { "strip-mptcp", "02345" },
        { "strip-unknown", "02345" },
        { "nop-mptcp", "02345" },
        { "eol-mptcp", "02345" },
    };

    [Theory]
    [MemberData(nameof(Removers))]
    public void Options_go_from_the_segments_that_are_meant(string name, string from)
    {
        foreach (bool v6 in (bool[])[false, true])
        {
            List<BoxSegment> seen = Opening(new BoxBench(v6, name));
            string without = string.Concat(Enumerable.Range(0, seen.Count).Where(i => seen[i].Subtypes.Count == 0));
            Assert.Equal(from, without);
            Assert.Equal(Bytes(0, 100), seen[3].Payload);
            Assert.All(seen, segment => Assert.False(segment.Dropped));
        }
    }

    [Fact]
    public void A_SYN_ACK_loses_its_options_where_it_goes_outward()
    {
        var bench = new BoxBench(v6: false, "strip-syn-ack");
        BoxSegment syn = Assert.Single(bench.Push(Far(TcpFlags.Syn, -1, 0) with { Options = Option(MptcpSubtype.MpCapable, 4) }));
        BoxSegment answer = Assert.Single(bench.Push(Near(TcpFlags.Syn | Ack, -1, 0) with { Options = [.. Mss, .. Option(MptcpSubtype.MpCapable, 12)] }));
        Assert.Single(syn.Subtypes);
        Assert.Empty(answer.Subtypes);
        Assert.Equal(Mss, answer.Options[..4]);
    }

    [Theory]
    [InlineData("nop-mptcp", 24)]
    [InlineData("strip-mptcp", 12)]
    public void What_stands_in_place_of_an_option(string name, int length)
    {
        var bench = new BoxBench(v6: false, name);
        bench.Handshake();
        byte[] timestamps = [1, 1, TcpOptionKind.Timestamps, 10, 0, 0, 0, 1, 0, 0, 0, 2];
        BoxSegment seen = Assert.Single(bench.Push(Near(Ack, 0, 0, 10) with { Options = [.. _dss, .. timestamps] }));
        Assert.Equal(length, seen.Options.Length);
        Assert.True(TcpOptions.TryParse(seen.Options, out TcpOptions parsed));
        Assert.Equal((false, true, 1u, 2u), (parsed.HasMptcp, parsed.HasTimestamps, parsed.TimestampValue, parsed.TimestampEcho));
    }

    [Fact]
    public void The_end_of_the_list_hides_what_follows()
    {
        var bench = new BoxBench(v6: true, "eol-mptcp");
        bench.Handshake();
        BoxSegment seen = Assert.Single(bench.Push(Near(Ack, 0, 0, 10) with { Options = [.. _dss, .. Sack(1, 2)] }));
        Assert.Equal(new byte[24], seen.Options);
    }

    [Fact]
    public void Options_come_twice_where_there_is_room()
    {
        var bench = new BoxBench(v6: false, "duplicate-options");
        List<BoxSegment> opening = bench.Handshake();
        Assert.Equal([MptcpSubtype.MpCapable, MptcpSubtype.MpCapable], opening[0].Subtypes);
        Assert.Single(opening[1].Subtypes);
        BoxSegment twice = Assert.Single(bench.Push(Near(Ack, 0, 0, 10) with { Options = Option(MptcpSubtype.Dss, 20) }));
        Assert.Equal([MptcpSubtype.Dss, MptcpSubtype.Dss], twice.Subtypes);
        Assert.Equal(Bytes(0, 10), twice.Payload);
        BoxSegment once = Assert.Single(bench.Push(Near(Ack, 10, 0, 10) with { Options = Option(MptcpSubtype.Dss, 28) }));
        Assert.Single(once.Subtypes);
    }

    [Theory]
    [InlineData("drop-unknown", "02345")]
    [InlineData("drop-unknown-syn", "0")]
    [InlineData("drop-unknown-data", "3")]
    public void Segments_with_unknown_options_are_dropped(string name, string dropped)
    {
        List<BoxSegment> seen = Opening(new BoxBench(v6: false, name));
        Assert.Equal(dropped, string.Concat(Enumerable.Range(0, seen.Count).Where(i => seen[i].Dropped)));
        var bench = new BoxBench(v6: false, name);
        Assert.False(Assert.Single(bench.Push(Near(TcpFlags.Syn, -1, 0) with { Options = Mss })).Dropped);
    }

    [Fact]
    public void A_smaller_window_is_announced()
    {
        var bench = new BoxBench(v6: false, "shrink-window:300");
        List<BoxSegment> opening = bench.Handshake();
        Assert.Equal([1000, 1000, 300], opening.Select(segment => (int)segment.Window));
        Assert.Equal(200, Assert.Single(bench.Push(Near(Ack, 0, 0) with { Window = 200 })).Window);
    }

    /// <summary>SYN, SYN/ACK, third ACK, data, an ACK, data and FIN; all with options.</summary>
    private static List<BoxSegment> Opening(BoxBench bench)
    {
        List<BoxSegment> seen = bench.Handshake();
        seen.AddRange(bench.Push(Near(Ack, 0, 0, 100) with { Options = _dss }));
        seen.AddRange(bench.Push(Near(Ack, 100, 50) with { Options = _dss }));
        seen.AddRange(bench.Push(Near(Ack | TcpFlags.Fin, 100, 50) with { Options = _dss }));
        Assert.Equal(6, seen.Count);
        return seen;
    }
}
