using System.Buffers;
using System.Diagnostics;
using System.Security.Cryptography;
using CsCheck;
using Mptcp.Stack;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation.Tests;

/// <summary>Traces of whole runs, to the byte.</summary>
public sealed class TraceTests
{
    private static readonly IpEndpoint _a = new(IpAddress.Parse("10.0.0.1"), 1000);
    private static readonly IpEndpoint _b = new(IpAddress.Parse("10.0.0.2"), 2000);

    [Fact]
    public void The_medium_does_the_same_everywhere()
    {
        var text = new StringWriter();
        (SimulatedNetwork network, PumpNode first, PumpNode second) = Medium();
        network.Observer = new TextTrace(text);
        network.Run(20 * Instant.Second);
        foreach ((string name, PumpNode node) in (ReadOnlySpan<(string, PumpNode)>)[("first", first), ("second", second)])
        {
            foreach ((Instant at, _, byte[] packet) in node.Arrived)
            {
                text.Write($"{name} got at {at.Nanoseconds} {Convert.ToHexString(SHA256.HashData(packet).AsSpan(0, 8))}\n");
            }
        }

        Golden.Verify("medium.txt", text.ToString());
    }

    [Fact]
    public void A_whole_transfer_over_two_paths_does_the_same_everywhere()
    {
        var text = new StringWriter();
        var capture = new ArrayBufferWriter<byte>();
        (SimulatedNetwork network, NetworkStack client, NetworkStack server) = TwoPaths(7);
        network.Observer = new ObserverList([new TextTrace(text), new PcapngTrace(capture, network.Paths)]);
        Transfer(network, client, server, 60_000);
        string digest = Convert.ToHexString(SHA256.HashData(capture.WrittenSpan));
        Golden.Verify("two-paths.txt", $"{text}capture of {capture.WrittenCount} bytes, SHA-256 {digest}\n");
    }

    [Fact]
    public void Release_agrees_with_Debug()
    {
        // The texts are in the repository; whichever build runs compares itself with them. ./test --all builds the other.
        if (Environment.GetEnvironmentVariable("MPTCP_TEST_ALL") != "1")
        {
            Assert.Skip("needs MPTCP_TEST_ALL=1 (./test --all): builds the other configuration");
        }

        string project = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../../tests/Mptcp.Simulation.Tests"));
        string other = AppContext.BaseDirectory.Contains("/debug", StringComparison.Ordinal) ? "Release" : "Debug";
        Assert.Equal(0, Run("build", project, "-c", other, "-v", "quiet"));
        string assembly = Path.GetFullPath(Path.Combine(
            AppContext.BaseDirectory, "..", other.ToLowerInvariant(), "Mptcp.Simulation.Tests.dll"));
        Assert.Equal(0, Run(assembly, "-method-", "*Release_agrees*", "-class", typeof(TraceTests).FullName!));
    }

    [Fact]
    public void The_text_says_what_a_segment_is()
    {
        var text = new StringWriter();
        var network = new SimulatedNetwork(1);
        var sender = new PumpNode(_a, _b, 1, 0, 1) { Flags = TcpFlags.Syn | TcpFlags.Ece | TcpFlags.Cwr };
        PumpNode sink = new(_b, _a, 0, 0, 1);
        SimulatedPath path = network.Connect(network.AddNode(sender), 0, network.AddNode(sink), 0, new PathOptions(), name: "wire");
        network.Observer = new TextTrace(text);
        network.Run(1);
        sender.Flags = TcpFlags.Psh | TcpFlags.Ack;
        sender.TrafficClass = 2;
        path.BlackHoled = true;
        sender.Send(1);
        network.Run(1);
        path.Filter = (_, _) => false;
        sender.Send(1);
        network.Run(1);
        Assert.Equal(
            "1.000000000 wire > SEW 0 win 1000 len 0\n"
            + "1.000000001 wire > P. 0 ack 0 win 1000 len 0 ecn 2 cut\n"
            + "1.000000002 wire > P. 0 ack 0 win 1000 len 0 ecn 2 filtered\n",
            text.ToString());
    }

    [Fact]
    public void A_rewriter_may_change_the_length()
    {
        var network = new SimulatedNetwork(1);
        var sender = new PumpNode(_a, _b, 3, 100, 1);
        PumpNode sink = new(_b, _a, 0, 0, 1);
        SimulatedPath path = network.Connect(network.AddNode(sender), 0, network.AddNode(sink), 0, new PathOptions());
        int seen = 0;
        path.Rewriter = (PathDirection _, Span<byte> buffer, ref int length) =>
        {
            length = seen++ switch { 0 => 60, 1 => 5000, _ => length };
            return seen < 4;
        };
        network.Run(Instant.Second);
        Assert.Equal([60, 5000, 140], sink.Arrived.Select(arrival => arrival.Packet.Length));
        Assert.Equal(5200, path.Forward.Counters.Delivered.Bytes);
    }

    [Fact]
    public void Any_bytes_are_written_down()
    {
        var trace = new TextTrace(TextWriter.Null);
        SimulatedPath path = new SimulatedNetwork(1) is var network
            ? network.Connect(network.AddNode(new PumpNode(_a, _b, 0, 0, 1)), 0, network.AddNode(new PumpNode(_a, _b, 0, 0, 1)), 0, new PathOptions())
            : null!;
        byte[] packet = new byte[200];
        int valid = TcpPacket.Write(packet, new TcpHeaderFields { Source = _a, Destination = _b }, new byte[40], 20);
        Check.Sample(
            Gen.Select(Gen.Byte.Array[0, 40], Gen.Byte.Array[0, 100]),
            (options, garbage) =>
            {
                trace.HandleSent(new Instant(1), path, PathDirection.Back, PacketFate.Lost, garbage);
                Array.Resize(ref options, 40);
                TcpPacket.Write(packet, new TcpHeaderFields { Source = _a, Destination = _b }, options, 20);
                trace.HandleSent(new Instant(1), path, PathDirection.Back, PacketFate.Lost, packet.AsSpan(0, valid));
            },
            threads: 1);
    }

    private static (SimulatedNetwork Network, PumpNode First, PumpNode Second) Medium()
    {
        var network = new SimulatedNetwork(99);
        var first = new PumpNode(_a, _b, 150, 1000, 30 * Instant.Millisecond) { TrafficClass = 2 };
        var second = new PumpNode(_b, _a, 150, 500, 30 * Instant.Millisecond);
        var medium = new PathOptions
        {
            BitsPerSecond = 300_000,
            DelayNanoseconds = 20 * Instant.Millisecond,
            JitterNanoseconds = 10 * Instant.Millisecond,
            QueueBytes = 9_000,
            Red = new RedQueue { MinimumBytes = 2_000, MaximumBytes = 6_000, WeightShift = 2, MarksEcn = true },
            LossPerMillion = 30_000,
            BurstLoss = new BurstLoss(20_000, 300_000),
            DuplicatePerMillion = 50_000,
            ReorderPerMillion = 50_000,
            ReorderNanoseconds = 70 * Instant.Millisecond,
            CorruptPerMillion = 50_000,
            CorruptBits = 15,
            Cuts = [new PathCut(2 * Instant.Second, 300 * Instant.Millisecond)],
        };
        PathOptions back = medium with
        {
            BitsPerSecond = 0,
            Trace = DeliveryTrace.Parse("10\n40\n45\n90\n200\n"),
            JitterReorders = true,
            Red = medium.Red! with { MarksEcn = false },
        };
        network.Connect(network.AddNode(first), 0, network.AddNode(second), 0, medium, back, "medium");
        return (network, first, second);
    }

    private static (SimulatedNetwork Network, NetworkStack Client, NetworkStack Server) TwoPaths(ulong seed)
    {
        var network = new SimulatedNetwork(seed);
        var client = new NetworkStack(new StackOptions(), new SeededEntropy(seed));
        var server = new NetworkStack(new StackOptions(), new SeededEntropy(seed + 1));
        int a = network.AddHost(client), b = network.AddHost(server);
        PathOptions wifi = PathOptions.Of(20, 5, 30_000) with { LossPerMillion = 30_000 };
        PathOptions lte = PathOptions.Of(10, 20, 60_000) with { JitterNanoseconds = 3 * Instant.Millisecond };
        foreach ((int link, string name, PathOptions options) in (ReadOnlySpan<(int, string, PathOptions)>)[(0, "wifi", wifi), (1, "lte", lte)])
        {
            client.AddAddress(new LocalAddress(link, IpAddress.Parse($"10.{link}.0.1"), 1500));
            server.AddAddress(new LocalAddress(link, IpAddress.Parse($"10.{link}.0.2"), 1500));
            network.Connect(a, link, b, link, options, name: name);
        }

        return (network, client, server);
    }

    private static void Transfer(SimulatedNetwork network, NetworkStack client, NetworkStack server, int size)
    {
        StackListener listener = server.TryListen(80)!;
        StackSocket from = client.TryConnect(network.Now, client.Addresses[0], new IpEndpoint(server.Addresses[0].Address, 80))!;
        StackSocket? to = null;
        byte[] bytes = new byte[size];
        int written = 0;
        Assert.True(network.RunUntil(
            () =>
            {
                if (written < size && (written += from.TryWrite(bytes.AsSpan(written))) == size)
                {
                    from.CompleteWrites();
                }

                if (to is not null || listener.TryAccept(out to))
                {
                    to.TryRead(bytes);
                }

                return to is { EndOfStream: true };
            },
            30 * Instant.Second));
    }

    private static int Run(params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true })!;
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode;
    }
}
