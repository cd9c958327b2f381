using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Paths that go dark: how soon others take over, and how soon they are used again (docs/decisions/0010).</summary>
public sealed class SilenceTests
{
    private static readonly PathOptions _path = PathOptions.Of(20, 15, 75_000);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_dark_path_costs_less_than_150_ms(int dark)
    {
        var hosts = new TwoHosts(_path, _path) { Describes = false };
        Transfer transfer = Transfer.Begin(hosts, 20_000_000);
        transfer.RunUntil(2 * Instant.Second);
        hosts.Network.Paths[dark].BlackHoled = true;
        transfer.RunToEnd();
        Assert.True(transfer.LongestGap <= 150 * Instant.Millisecond, $"{transfer.LongestGap / Instant.Millisecond} ms");
        Assert.True(transfer.Megabits > 0.9 * 22.9, $"{transfer.Megabits:F1} Mbit/s");
    }

    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(20)]
    public void Data_flows_half_a_second_after_all_paths_have_come_back(int seconds)
    {
        var hosts = new TwoHosts(_path, _path) { Describes = false };
        Transfer transfer = Transfer.Begin(hosts, 20_000_000);
        transfer.RunUntil(2 * Instant.Second);
        Cut(hosts, cut: true);
        transfer.RunUntil(seconds * Instant.Second);
        Cut(hosts, cut: false);
        int before = transfer.Stream.Received;
        Assert.True(hosts.Network.RunUntil(() => transfer.Pump() > before, Instant.Second / 2), "nothing came for half a second");
        transfer.RunToEnd();
    }

    [Fact]
    public void A_path_that_has_come_back_carries_its_share()
    {
        var hosts = new TwoHosts(_path, _path) { Describes = false };
        Transfer transfer = Transfer.Begin(hosts, 60_000_000);
        transfer.RunUntil(2 * Instant.Second);
        hosts.Network.Paths[0].BlackHoled = true;
        transfer.RunUntil(4 * Instant.Second);
        hosts.Network.Paths[0].BlackHoled = false;
        transfer.RunUntil(Instant.Second);
        (long first, long second) = Carried(hosts);
        transfer.RunUntil(2 * Instant.Second);
        (long firstLater, long secondLater) = Carried(hosts);
        double share = (firstLater - first) / (double)(firstLater - first + secondLater - second);
        Assert.True(share >= 0.3, $"{share:P0}");
    }

    [Fact]
    public void A_dark_path_is_asked_each_400_ms_and_less_often_after_a_minute()
    {
        var hosts = new TwoHosts(_path, _path);
        Transfer transfer = Transfer.Begin(hosts, 1_000_000);
        transfer.RunUntil(Instant.Second / 10);
        hosts.Drop = (path, _) => path == 0;
        hosts.Log.Clear();
        transfer.RunUntil(10 * Instant.Second);
        Assert.InRange(Probes(hosts), 22, 26);
        transfer.RunUntil(50 * Instant.Second);
        hosts.Log.Clear();
        transfer.RunUntil(110 * Instant.Second);
        Assert.InRange(Probes(hosts), 5, 12);
    }

    [Fact]
    public void A_sender_is_reminded_of_a_path_on_which_it_has_become_silent()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        Flow other = peer.Join();
        peer.First.Data(1, ScriptedPeer.Bytes(0, 100));
        for (int i = 0; i < 40; i++)
        {
            peer.Run(50 * Instant.Millisecond);
            peer.First.Take();
            other.Data(101 + (100 * i), ScriptedPeer.Bytes(100 + i, 100));
            Assert.Equal(i is 7 or 15 or 23 or 31 or 39, peer.First.Seen.Count > 0);
        }
    }

    [Fact]
    public void A_path_that_answers_probes_and_delivers_nothing_is_left_in_peace()
    {
        var hosts = new TwoHosts(_path, _path);
        Transfer transfer = Transfer.Begin(hosts, 20_000_000);
        transfer.RunUntil(Instant.Second);
        hosts.Drop = (path, line) => path == 0 && line[1] == '>' && !$"{line} ".Contains(" 0 ", StringComparison.Ordinal);
        hosts.Log.Clear();
        transfer.RunToEnd();
        Assert.InRange(Probes(hosts), 2, 12);
        Assert.Equal(TcpState.Established, hosts.SubflowsOf(transfer.Client)[0].State);
        Assert.True(transfer.LongestGap <= 150 * Instant.Millisecond, $"{transfer.LongestGap / Instant.Millisecond} ms");
    }

    [Fact]
    public void Full_queues_and_losses_raise_no_suspicion()
    {
        PathOptions[][] pairs =
        [
            [PathOptions.Of(50, 10, 125_000), PathOptions.Of(50, 10, 125_000)],
            [PathOptions.Of(30, 10, 90_000), PathOptions.Of(20, 50, 300_000)],
            [PathOptions.Of(50, 5, 64_000), PathOptions.Of(5, 100, 500_000)],
            [PathOptions.Of(50, 10, 125_000) with { LossPerMillion = 10_000 }, PathOptions.Of(20, 30, 150_000)],
        ];
        foreach (PathOptions[] pair in pairs)
        {
            var hosts = new TwoHosts(pair) { Describes = false };
            Transfer transfer = Transfer.Begin(hosts, 20_000_000);
            transfer.RunToEnd();
            Assert.Equal(0, transfer.Client.CountOf(ConnectionEventCode.Silent));
        }
    }

    private static void Cut(TwoHosts hosts, bool cut)
    {
        foreach (SimulatedPath path in hosts.Network.Paths)
        {
            path.BlackHoled = cut;
        }
    }

    private static (long First, long Second) Carried(TwoHosts hosts) =>
        (hosts.Network.Paths[0].Forward.Counters.Delivered.Bytes, hosts.Network.Paths[1].Forward.Counters.Delivered.Bytes);

    private static int Probes(TwoHosts hosts) =>
        hosts.Log.Count(line => line.StartsWith("0> Ack 0", StringComparison.Ordinal));
}
