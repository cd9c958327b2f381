using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>
/// Random connections over random weather, from a seed: a stream arrives whole, or its end says why not, and nothing is
/// left at either host.
/// </summary>
public sealed class StressTests
{
    private const int Scenarios = 200;

    [Fact]
    public void Random_connections_end_intact_or_explained()
    {
        var failures = new List<string>();
        for (ulong seed = 1; seed <= Scenarios; seed++)
        {
            if (Run(seed) is { } failure)
            {
                failures.Add($"seed {seed}: {failure}");
            }
        }

        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }

    private static string? Run(ulong seed)
    {
        var dice = new Random((int)seed);
        TwoHosts hosts = Build(dice, seed);
        StackSocket client = hosts.Connect();
        StackSocket? server = null;
        var up = new Side(dice);
        var down = new Side(dice);
        List<(Instant At, Action Do)> cuts = Cuts(dice, hosts);
        Instant abort = dice.Next(6) == 0 ? hosts.Network.Now + dice.NextInt64(2000) * Instant.Millisecond : Instant.Never;
        bool byClient = dice.Next(2) == 0;
        bool aborted = false;
        Stream? upward = null;
        Stream? downward = null;
        bool Turn()
        {
            if (server is null && hosts.Listener.TryAccept(out server))
            {
                (upward, downward) = (new Stream(client, server, up.Size), new Stream(server, client, down.Size));
            }

            for (int i = cuts.Count - 1; i >= 0; i--)
            {
                if (cuts[i].At <= hosts.Network.Now)
                {
                    cuts[i].Do();
                    cuts.RemoveAt(i);
                }
            }

            if (!aborted && abort <= hosts.Network.Now)
            {
                aborted = true;
                (byClient ? client : server ?? client).Abort();
            }

            upward?.Pump();
            downward?.Pump();
            return hosts.Client.Connections == 0 && hosts.Server.Connections == 0;
        }

        // Time must pass also where nothing happens: the script's own events are not the network's.
        bool empty = false;
        for (int step = 0; step < 400 && !empty; step++)
        {
            // Who only listens to a peer that is gone cannot know: its user's patience ends it.
            if (step == 300 && (hosts.Client.Connections == 0 || hosts.Server.Connections == 0))
            {
                client.Abort();
                server?.Abort();
            }

            empty = hosts.Network.RunUntil(Turn, step < 100 ? 50 * Instant.Millisecond : 5 * Instant.Second) || Turn();
        }

        return Judge(hosts, client, server, upward, downward, empty);
    }

    private static string? Judge(
        TwoHosts hosts, StackSocket client, StackSocket? server, Stream? up, Stream? down, bool empty)
    {
        string state = $"client {client.State} {client.CloseReason}, server {server?.State} {server?.CloseReason}; up {up}; down {down}";
        if (!empty)
        {
            return $"left: {hosts.Client.Connections} and {hosts.Server.Connections}; {state}";
        }

        if (up is { Intact: false } || down is { Intact: false })
        {
            return $"damaged: {state}";
        }

        bool whole = up is { Complete: true } && down is { Complete: true };
        bool explained = client.CloseReason != TcpCloseReason.None;
        if (!whole && !explained)
        {
            return $"not whole, and no reason: {state}";
        }

        return hosts.Client.Memory.Used == 0 && hosts.Server.Memory.Used == 0 ? null : $"memory is left: {state}";
    }

    private static TwoHosts Build(Random dice, ulong seed)
    {
        var paths = new PathOptions[dice.Next(1, 4)];
        for (int i = 0; i < paths.Length; i++)
        {
            paths[i] = PathOptions.Of(dice.Next(2, 60), dice.Next(1, 80), dice.Next(10_000, 200_000)) with
            {
                LossPerMillion = dice.Next(3) == 0 ? dice.Next(50_000) : 0,
                ReorderPerMillion = dice.Next(3) == 0 ? dice.Next(100_000) : 0,
                DuplicatePerMillion = dice.Next(3) == 0 ? dice.Next(100_000) : 0,
            };
        }

        return new TwoHosts(Settings(dice), Settings(dice), seed, paths);
    }

    private static MptcpSettings Settings(Random dice) => new()
    {
        SendBuffer = dice.Next(2) == 0 ? dice.Next(5_000, 40_000) : 1_000_000,
        ReceiveBuffer = dice.Next(2) == 0 ? dice.Next(5_000, 40_000) : 1_000_000,
        ChecksumRequired = dice.Next(3) == 0,
    };

    private static List<(Instant At, Action Do)> Cuts(Random dice, TwoHosts hosts)
    {
        var cuts = new List<(Instant At, Action Do)>();
        for (int i = dice.Next(4); i > 0; i--)
        {
            SimulatedPath path = hosts.Network.Paths[dice.Next(hosts.Network.Paths.Count)];
            Instant at = hosts.Network.Now + dice.NextInt64(1500) * Instant.Millisecond;
            cuts.Add((at, () => path.BlackHoled = true));
            if (dice.Next(3) > 0)
            {
                cuts.Add((at + dice.NextInt64(4000) * Instant.Millisecond, () => path.BlackHoled = false));
            }
        }

        return cuts;
    }

    private readonly struct Side(Random dice)
    {
        public int Size { get; } = dice.Next(4) == 0 ? 0 : dice.Next(1, 150_000);
    }
}
