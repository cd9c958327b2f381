using Mptcp.Tcp.Tests.Scripts;

namespace Mptcp.Tcp.Tests;

/// <summary>RACK-TLP, rate reduction, limited transmit, and the undoing of recoveries that were not needed.</summary>
public class RecoveryTests
{
    private const string Full = "len 1448";

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void The_loss_of_the_last_segments_is_found_by_a_probe_and_not_by_the_timer(int lost)
    {
        var pair = new TcpPair();
        var up = new Transfer(pair.Client, pair.ClientUser, pair.ServerUser, 100 * 1448);
        int data = 0;
        pair.Drop = line => IsData(line) && ++data > 100 - lost && data <= 100;
        (bool complete, int timeouts) = Run(pair, up);
        Assert.True(complete && up.Equal);
        Assert.Equal(0, timeouts);
        Assert.True(pair.Client.LossProbes >= 1);
    }

    [Fact]
    public void A_loss_with_a_single_segment_behind_it_is_found_without_timer_and_probe()
    {
        // One SACK is less than three duplicates: only time can tell (RFC 8985 §6).
        var pair = new TcpPair();
        var up = new Transfer(pair.Client, pair.ClientUser, pair.ServerUser, 100 * 1448);
        int data = 0;
        pair.Drop = line => IsData(line) && ++data == 99;
        (bool complete, int timeouts) = Run(pair, up);
        Assert.True(complete);
        Assert.Equal((0, 0L, 1L), (timeouts, pair.Client.LossProbes, pair.Client.Retransmissions));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_retransmission_that_is_lost_is_found_without_the_timer(int repeats)
    {
        // The peer's window has to last until the hole is filled.
        var pair = new TcpPair(buffers: 2 * 1024 * 1024);
        var up = new Transfer(pair.Client, pair.ClientUser, pair.ServerUser, 900 * 1448);
        long before = 0;
        int data = 0;
        int left = repeats + 1;
        pair.Drop = line =>
        {
            bool repeat = pair.Client.Retransmissions > before;
            before = pair.Client.Retransmissions;
            bool drop = IsData(line) && left > 0 && (++data == 60 || repeat);
            left -= drop ? 1 : 0;
            return drop;
        };
        (bool complete, int timeouts) = Run(pair, up);
        Assert.True(complete && up.Equal);
        Assert.Equal((0, repeats + 1L), (timeouts, pair.Client.Retransmissions));
    }

    [Fact]
    public void A_path_that_reorders_is_learnt_and_what_it_cost_is_given_back()
    {
        var pair = new TcpPair();
        int data = 0;

        // Every fiftieth segment is as late as eight others take.
        pair.Late = line => IsData(line) && ++data % 50 == 0 ? 4 * Instant.Millisecond : 0;
        var up = new Transfer(pair.Client, pair.ClientUser, pair.ServerUser, 3000 * 1448);
        (bool complete, int timeouts) = Run(pair, up);
        Assert.True(complete && up.Equal);
        Assert.Equal(0, timeouts);
        Assert.InRange(pair.Client.Retransmissions, 0, 6);
        Assert.True(pair.Client.CongestionWindow > 60 * 1448, $"{pair.Client.CongestionWindow}");
    }

    [Fact]
    public void A_path_that_pauses_costs_a_timeout_but_neither_the_window_nor_the_flight_again()
    {
        var pair = new TcpPair();
        Instant pauseUntil = default;
        pair.Late = line => Math.Max(0, pauseUntil - pair.Now);
        var up = new Transfer(pair.Client, pair.ClientUser, pair.ServerUser, 3000 * 1448);
        long window = 0;
        int timeouts = 0;
        pair.Client.Connect();
        Assert.True(pair.RunUntil(() =>
        {
            up.Pump(pair.Server);
            if (pauseUntil == default && pair.Client.CongestionWindow > 60 * 1448)
            {
                (pauseUntil, window) = (pair.Now + 600 * Instant.Millisecond, pair.Client.CongestionWindow);
            }

            timeouts = Math.Max(timeouts, pair.Client.Timeouts);
            return up.Complete;
        }));
        Assert.True(timeouts >= 1);
        Assert.Equal(1, pair.Client.SpuriousRecoveries);
        Assert.True(pair.Client.CongestionWindow >= window);
        Assert.InRange(pair.Client.Retransmissions, 1, 4);
    }

    [Fact]
    public void Duplicates_reported_for_all_that_was_repeated_prove_a_recovery_needless()
    {
        var spurious = default(SpuriousRecovery);
        spurious.Begin(byTimeout: false);
        spurious.HandleRepeated(new Instant(1), new SentRange { Start = 1000, Length = 1000 });
        spurious.HandleRepeated(new Instant(2), new SentRange { Start = 3000, Length = 1000 });
        Assert.False(spurious.HandleDuplicate(1000, 2000));
        Assert.False(spurious.HandleDuplicate(8000, 9000));
        Assert.True(spurious.HandleDuplicate(3000, 4000));
        Assert.False(spurious.HandleDuplicate(3000, 4000));
    }

    [Fact]
    public void Reported_duplicates_widen_the_reordering_window_once_a_round_trip_for_sixteen_recoveries()
    {
        var rack = new Rack { ReorderingSeen = true };
        long Window() => rack.ReorderingWindow(recovering: true, sackedRanges: 5, 100, 120);
        Assert.Equal(25, Window());
        rack.HandleDuplicate(una: 0, next: 10);
        rack.HandleDuplicate(una: 9, next: 20);
        Assert.Equal(50, Window());
        for (int i = 1; i <= 9; i++)
        {
            rack.HandleDuplicate(una: 10 * i, next: 10 * (i + 1));
        }

        // A smoothed round trip at most.
        Assert.Equal(120, Window());
        for (int i = 1; i <= 15; i++)
        {
            rack.HandleRecovered();
        }

        Assert.Equal(120, Window());
        rack.HandleRecovered();
        Assert.Equal(25, Window());
    }

    [Fact]
    public void An_answer_that_may_be_that_to_the_first_transmission_says_nothing_of_the_second()
    {
        var rack = new Rack();
        var repeat = new SentRange { Start = 1, Length = 10, Transmissions = 2, Order = 7, SentAt = new Instant(Instant.Second) };
        Instant soon = repeat.SentAt + (5 * Instant.Millisecond);
        rack.HandleDelivered(soon, repeat, echo: 999, minimumRoundTrip: 1);
        rack.HandleDelivered(soon, repeat, echo: null, minimumRoundTrip: 6 * Instant.Millisecond);
        Assert.Equal(-1, rack.Order);
        rack.HandleDelivered(soon, repeat, echo: 1000, minimumRoundTrip: 1);
        Assert.Equal(7, rack.Order);
    }

    [Fact]
    public void The_rate_comes_down_in_proportion_over_one_round_trip()
    {
        // 100 segments in flight, one lost, 99 acknowledgements: 69 or 70 may leave, evenly.
        var reduction = default(ProportionalRateReduction);
        reduction.Begin(100_000);
        long inFlight = 99_000;
        long sent = 0;
        for (int i = 1; i <= 99; i++)
        {
            inFlight -= 1000;
            reduction.HandleAck(1000, inFlight, 70_000, 1000, progress: false);
            while (inFlight + 1000 <= reduction.Window)
            {
                reduction.HandleSent(1000);
                (inFlight, sent) = (inFlight + 1000, sent + 1000);
            }

            Assert.InRange(sent, (i * 700) - 2000, (i * 700) + 1000);
        }

        Assert.InRange(inFlight, 68_000, 70_000);
    }

    [Fact]
    public void A_flight_that_was_mostly_lost_is_built_up_and_not_sent_in_one_burst()
    {
        var reduction = default(ProportionalRateReduction);
        reduction.Begin(100_000);
        reduction.HandleAck(1000, 5000, 70_000, 1000, progress: false);
        Assert.Equal(6000, reduction.Window);
        reduction.HandleAck(1000, 5000, 70_000, 1000, progress: true);
        Assert.InRange(reduction.Window, 7000, 8000);
    }

    [Fact]
    public void Each_of_two_duplicates_lets_one_new_segment_out_without_SACK() => Script.Run("""
        connect
        > S 0 win 65535 <mss 1460, sackOK, ts 1000 0, wscale 7>
        < S. 0 ack 1 win 65535 <mss 1000>
        > . 1 ack 1
        write 40000
        > . 1:1001 ack 1
        > . 1001:2001 ack 1
        > . 2001:3001 ack 1
        > . 3001:4001 ack 1
        > . 4001:5001 ack 1
        > . 5001:6001 ack 1
        > . 6001:7001 ack 1
        > . 7001:8001 ack 1
        > . 8001:9001 ack 1
        > . 9001:10001 ack 1
        +10 < . 1 ack 1
        > . 10001:11001 ack 1
        +1 < . 1 ack 1
        > . 11001:12001 ack 1
        """);

    private static (bool Complete, int Timeouts) Run(TcpPair pair, Transfer up)
    {
        int timeouts = 0;
        pair.Client.Connect();
        bool complete = pair.RunUntil(() =>
        {
            timeouts = Math.Max(timeouts, pair.Client.Timeouts);
            up.Pump(pair.Server);
            return up.Complete;
        });
        return (complete, timeouts);
    }

    private static bool IsData(string line) => line.StartsWith('>') && line.Contains(Full, StringComparison.Ordinal);
}
