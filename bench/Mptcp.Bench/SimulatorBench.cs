using System.Globalization;
using Mptcp.Simulation;
using Mptcp.Stack;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Bench;

/// <summary>
/// What virtual time costs: events of the bare core, and packets with an engine at both ends. Per second of processor time,
/// so that busy neighbours do not count.
/// </summary>
internal static class SimulatorBench
{
    private const int Rounds = 3;

    public static int Run()
    {
        PathOptions whole = PathOptions.Of(1000, 5, 4_000_000);
        PathOptions half = PathOptions.Of(500, 5, 2_000_000);
        PathOptions lossy = half with { LossPerMillion = 1000, JitterNanoseconds = Instant.Millisecond / 5, JitterReorders = true };

        // The first round is the compiler's, and not shown.
        for (int round = 0; round <= Rounds; round++)
        {
            bool shown = round > 0;
            Pump(shown);
            Transfer(shown, "one path 1 Gbit/s, 10 ms RTT", [whole]);
            Transfer(shown, "two paths 500 Mbit/s, 10 ms RTT", [half, half]);
            Transfer(shown, "two paths 500 Mbit/s, 10 ms RTT, 0.1 % loss, reordering", [lossy, lossy]);
        }

        return 0;
    }

    private static void Pump(bool shown)
    {
        const long packets = 5_000_000;
        var network = new SimulatedNetwork(1);
        var first = new Reflector(64);
        var second = new Reflector(0);
        network.Connect(network.AddNode(first), 0, network.AddNode(second), 0, PathOptions.Of(1000, 5, 1_000_000));
        TimeSpan start = Environment.CpuUsage.TotalTime;
        while (network.Events < packets)
        {
            network.Run(Instant.Millisecond);
        }

        double seconds = (Environment.CpuUsage.TotalTime - start).TotalSeconds;
        Print(shown, $"core: {network.Events / seconds / 1e6:F2} million events/s (packets of 1500 bytes, none of them parsed)");
    }

    private static void Transfer(bool shown, string name, PathOptions[] paths)
    {
        const long size = 400_000_000;
        const int port = 80;
        var network = new SimulatedNetwork(1);
        var client = new NetworkStack(new StackOptions(), new SeededEntropy(1));
        var server = new NetworkStack(new StackOptions(), new SeededEntropy(2));
        int a = network.AddHost(client), b = network.AddHost(server);
        for (int i = 0; i < paths.Length; i++)
        {
            client.AddAddress(new LocalAddress(i, IpAddress.Parse($"10.{i}.0.1"), 1500));
            server.AddAddress(new LocalAddress(i, IpAddress.Parse($"10.{i}.0.2"), 1500));
            network.Connect(a, i, b, i, paths[i]);
        }

        StackListener listener = server.TryListen(port)!;
        StackSocket from = client.TryConnect(network.Now, client.Addresses[0], new IpEndpoint(server.Addresses[0].Address, port))!;
        StackSocket? to = null;
        byte[] chunk = new byte[65_536];
        (long written, long read) = (0, 0);
        TimeSpan start = Environment.CpuUsage.TotalTime;
        bool whole = network.RunUntil(
            () =>
            {
                if (written < size)
                {
                    written += from.TryWrite(chunk.AsSpan(0, (int)Math.Min(chunk.Length, size - written)));
                }

                if (to is not null || listener.TryAccept(out to))
                {
                    read += to!.TryRead(chunk);
                }

                return read >= size;
            },
            600 * Instant.Second);
        double seconds = (Environment.CpuUsage.TotalTime - start).TotalSeconds;
        long data = network.Paths.Sum(path => path.Forward.Counters.Delivered.Packets);
        double virtualSeconds = (network.Now - new Instant(Instant.Second)) / 1e9;
        Print(shown, $"{name}: {data / seconds:N0} data segments/s, {network.Events / seconds:N0} events/s; {read / 1e6:F0} MB in {virtualSeconds:F2} s of virtual time ({read * 8 / virtualSeconds / 1e6:F0} Mbit/s), {seconds:F2} s of processor time{(whole ? "" : ", NOT WHOLE")}");
    }

    private static void Print(bool shown, FormattableString line)
    {
        if (shown)
        {
            Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Sends back what arrives, and begins with some packets.</summary>
    private sealed class Reflector(int first) : ISimulatedNode
    {
        private const int Length = 1500;
        private int _waiting = first;

        public Instant NextTimeout => Instant.Never;

        public void HandlePacket(Instant now, int link, ReadOnlySpan<byte> packet) => _waiting++;

        public void HandleTimeout(Instant now)
        {
        }

        public bool TryTransmit(Instant now, Span<byte> buffer, out int link, out int length)
        {
            (link, length) = (0, Length);
            return _waiting > 0 && _waiting-- > 0;
        }
    }
}
