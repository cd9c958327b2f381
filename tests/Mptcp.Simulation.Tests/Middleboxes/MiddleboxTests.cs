using System.Runtime.CompilerServices;
using Mptcp.Tcp;
using Mptcp.Wire;
using static Mptcp.Simulation.Tests.BoxBench;

namespace Mptcp.Simulation.Tests;

/// <summary>What holds for every middlebox, for chains of them, and for their place on a path.</summary>
public sealed class MiddleboxTests
{
    public static TheoryData<string> Names => [.. MiddleboxCatalog.Kinds.Select(kind => kind.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Whatever_comes_out_has_right_checksums(string name)
    {
        foreach (bool v6 in (bool[])[false, true])
        {
            var bench = new BoxBench(v6, name);
            bench.Handshake();
            for (int i = 0; i < 400; i++)
            {
                // Each segment is read on its way out, which checks it.
                int at = (int)(SplitMix64.At(1, (ulong)i) % 40_000);
                int payload = i % 3 == 0 ? 0 : (int)(SplitMix64.At(2, (ulong)i) % 1400);
                byte[] options = i % 4 == 0 ? Sack(NearOrigin + (uint)at, NearOrigin + (uint)at + 500) : Option(MptcpSubtype.Dss, 20);
                bench.Push((i % 2 == 0 ? Near(Ack, at, at / 2, payload) : Far(Ack, at, at / 2, payload)) with { Options = options });
                bench.Wait(Instant.Millisecond / 2);
            }

            bench.Push(Near(TcpFlags.Rst | Ack, 40_000, 0));
            bench.Wait(1000 * Instant.Second);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_is_damaged_or_not_TCP_is_never_made_good(string name)
    {
        var bench = new BoxBench(v6: false, name);
        bench.Handshake();
        var buffer = new byte[65_536];
        byte[] packet = bench.PacketOf(Near(Ack, 0, 0, 100) with { Options = Option(MptcpSubtype.Dss, 12) });
        for (ulong i = 0; i < 2000; i++)
        {
            // A wrong bit or the end missing; sometimes nothing is right.
            byte[] damaged = packet[..(i % 3 == 0 ? (int)(SplitMix64.At(3, i) % (ulong)packet.Length) : packet.Length)];
            for (int at = 0; at < damaged.Length && i % 7 == 0; at++)
            {
                damaged[at] = (byte)SplitMix64.At(i, (ulong)at);
            }

            if (damaged.Length == packet.Length)
            {
                ulong bit = SplitMix64.At(4, i) % ((ulong)packet.Length * 8);
                damaged[bit / 8] ^= (byte)(1 << (int)(bit % 8));
            }

            bench.Chain.HandlePacket(bench.Now, i % 3 == 0 ? Heading.Inward : Heading.Outward, damaged);
            while (bench.Chain.TryTake(buffer, out _, out int left, out _))
            {
                Assert.False(
                    IpPacket.TryParse(buffer.AsSpan(0, left), out IpPacket ip, out _) && TcpSegment.TryParse(ip, out _, out _),
                    $"packet {i}");
            }
        }
    }

    [Fact]
    public void A_chain_is_passed_in_both_orders()
    {
        // The NAT beside the node, the firewall outside: what comes in is first mended, then translated.
        var bench = new BoxBench(v6: false, "nat", "rewrite-isn", "split:40");
        BoxSegment syn = Assert.Single(bench.Push(Near(TcpFlags.Syn, -1, 0)));
        Assert.NotEqual((NearPort, NearOrigin), (syn.NearPort, syn.Sequence));
        BoxSegment answer = Assert.Single(bench.Push(Far(TcpFlags.Syn | Ack, -1, 0) with { NearPort = syn.NearPort, Acknowledgment = syn.Sequence + 1 }));
        Assert.Equal((NearPort, NearOrigin + 1), (answer.NearPort, answer.Acknowledgment));
        Assert.Equal([40, 40, 20], bench.Push(Near(Ack, 0, 0, 100)).Select(part => part.Payload.Length));
    }

    [Theory]
    [InlineData("nap", "one of strip-syn, strip-syn-ack, ")]
    [InlineData("split:0", "split, or split:N with a whole number of 1 to 65000")]
    [InlineData("split:", "split, or split:N")]
    [InlineData("split:-1", "split, or split:N")]
    [InlineData("split:65001", "split, or split:N")]
    [InlineData("nat:3", "nat without a number")]
    [InlineData("", "one of strip-syn")]
    public void A_wrong_name_says_what_would_be_right(string name, string expected)
    {
        Assert.False(MiddleboxCatalog.TryMake(name, 0, out _, out string? says));
        Assert.StartsWith(expected, says, StringComparison.Ordinal);
    }

    [Fact]
    public void The_documentation_lists_each_with_its_number()
    {
        string page = File.ReadAllText(Path.Combine(FolderOf(), "../../../docs/middleboxes.md"));
        foreach (MiddleboxKind kind in MiddleboxCatalog.Kinds)
        {
            string number = kind.HasNumber ? $" {kind.Otherwise}" : "";
            Assert.Contains($"| `{kind.Name}` |{number} | {kind.Does} |\n", page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void It_stands_where_its_direction_begins()
    {
        var network = new SimulatedNetwork(1);
        var near = new PumpNode(At("10.0.0.1", 4000), At("10.0.0.2", 80), 1, 100, Instant.Second);
        var far = new PumpNode(At("10.0.0.2", 80), At("10.0.0.1", 4000), 0, 0, Instant.Second);
        SimulatedPath path = network.Connect(
            network.AddNode(near), 0, network.AddNode(far), 0, PathOptions.Of(100, 5, 100_000));
        path.SetBoxes(PathDirection.Forward, Make("drop-unseen-acks"), Make("nat"));
        var seen = new List<(PacketFate? Fate, PathDirection Direction)>();
        network.Observer = new Watcher(seen);
        network.Run(100 * Instant.Millisecond);
        Assert.Equal([(PacketFate.OnItsWay, PathDirection.Forward), (null, PathDirection.Forward)], seen);
        IpEndpoint outside = SourceOf(Assert.Single(far.Arrived).Packet);
        Assert.NotEqual(4000, outside.Port);

        // What comes to a port without a mapping ends in the box, after it has crossed the path.
        far.Send(1);
        network.Run(2 * Instant.Second);
        Assert.Equal((PacketFate.OnItsWay, PathDirection.Back), seen[2]);
        Assert.Equal(3, seen.Count);
        Assert.Empty(near.Arrived);

        path.SetBoxes(PathDirection.Forward);
        far.Send(1);
        network.Run(2 * Instant.Second);
        Assert.Single(near.Arrived);
    }

    [Fact]
    public void What_it_holds_leaves_when_its_time_has_come()
    {
        var network = new SimulatedNetwork(1);
        var near = new PumpNode(At("10.0.0.1", 4000), At("10.0.0.2", 80), 1, 0, Instant.Second) { Flags = TcpFlags.Syn };
        var far = new PumpNode(At("10.0.0.2", 80), At("10.0.0.1", 4000), 0, 0, Instant.Second);
        SimulatedPath path = network.Connect(
            network.AddNode(near), 0, network.AddNode(far), 0, new PathOptions());
        path.SetBoxes(PathDirection.Forward, Make("coalesce"));
        network.Run(Instant.Millisecond);
        Assert.Single(far.Arrived);
        near.Flags = TcpFlags.Ack;
        near.Payload = 10;
        near.Send(1);
        network.Run(Instant.Second - (Instant.Millisecond / 2));
        Assert.Single(far.Arrived);
        network.Run(Instant.Millisecond);
        Assert.Equal(2, far.Arrived.Count);
    }

    [Fact]
    public void Nothing_is_allocated_for_a_segment()
    {
        foreach (string name in (string[])["nop-mptcp", "strip-mptcp", "duplicate-options", "rewrite-isn", "split", "coalesce", "resegment", "lengthen:500", "nat", "drop-unseen-acks"])
        {
            var bench = new BoxBench(v6: false, name);
            bench.Handshake();
            var buffer = new byte[65_536];
            byte[] data = bench.PacketOf(Near(Ack, 0, 0, 1000) with { Options = Option(MptcpSubtype.Dss, 20) });
            byte[] answer = bench.PacketOf(Far(Ack, 0, 0) with { Options = Sack(NearOrigin + 100, NearOrigin + 200) });
            Once(bench, data, answer, buffer);

            // What the runtime itself allocates now and then is not the boxes'.
            long allocated = long.MaxValue;
            for (int round = 0; round < 3; round++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                Once(bench, data, answer, buffer);
                allocated = Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - before);
            }

            Assert.True(allocated == 0, name);
        }
    }

    private static void Once(BoxBench bench, byte[] data, byte[] answer, byte[] buffer)
    {
        for (int i = 0; i < 100; i++)
        {
            bench.Chain.HandlePacket(bench.Now, Heading.Outward, data);
            bench.Chain.HandlePacket(bench.Now, Heading.Inward, answer);
            while (bench.Chain.TryTake(buffer, out _, out _, out _))
            {
            }
        }
    }

    private static string FolderOf([CallerFilePath] string source = "") => Path.GetDirectoryName(source)!;

    private static IpEndpoint At(string address, ushort port) => new(IpAddress.Parse(address), port);

    private static IpEndpoint SourceOf(byte[] packet)
    {
        Assert.True(IpPacket.TryParse(packet, out IpPacket ip, out _));
        Assert.True(TcpSegment.TryParse(ip, out TcpSegment segment, out _));
        return segment.Source;
    }

    private sealed class Watcher(List<(PacketFate? Fate, PathDirection Direction)> seen) : INetworkObserver
    {
        public void HandleSent(Instant now, SimulatedPath path, PathDirection direction, PacketFate fate, ReadOnlySpan<byte> packet) =>
            seen.Add((fate, direction));

        public void HandleDelivered(Instant now, SimulatedPath path, PathDirection direction, ReadOnlySpan<byte> packet) =>
            seen.Add((null, direction));
    }
}
