namespace Mptcp.Tcp.Tests;

/// <summary>The model of the path, sample by sample: a link of 10 MB/s and 20 ms holds 200 kB.</summary>
public class CongestionBbrTests
{
    private const int Segment = 1460;
    private const long Rate = 10_000_000;
    private const long RoundTrip = 20 * Instant.Millisecond;
    private const long Pipe = 200_000;

    private Instant _now = new(Instant.Second);
    private long _delivered;
    private long _round;

    [Fact]
    public void The_start_is_over_when_the_rate_stays_and_leaves_no_queue()
    {
        var bbr = new Bbr(Segment);
        Assert.Equal(long.MaxValue, bbr.SlowStartThreshold);
        Feed(bbr, rounds: 3);
        long start = bbr.PacingRate(RoundTrip);
        Assert.InRange(start, Rate * 27 / 10, Rate * 28 / 10);
        Feed(bbr, rounds: 3, inFlight: 2 * Pipe);
        Assert.InRange(bbr.PacingRate(RoundTrip), Rate * 3 / 10, Rate * 4 / 10);
        Feed(bbr, rounds: 1, inFlight: Pipe - 10_000);
        Assert.InRange(bbr.PacingRate(RoundTrip), Rate * 7 / 10, Rate * 13 / 10);
        Assert.Equal(Pipe, bbr.SlowStartThreshold);
    }

    [Fact]
    public void In_turns_of_six_to_eight_phases_it_sends_what_the_link_carries_and_once_more_and_once_less()
    {
        Bbr bbr = Full();
        var paces = new List<long>();
        for (int i = 0; i < 64; i++)
        {
            Feed(bbr, rounds: 1, inFlight: Pipe * 5 / 4, step: RoundTrip / 4 * 5);
            paces.Add(bbr.PacingRate(RoundTrip) * 100 / Rate);
        }

        Assert.Equal([74, 99, 123], paces.Distinct().Order());
        Assert.InRange(paces.Count(pace => pace == 123), 8, 11);
        Assert.InRange(paces.Count(pace => pace == 74), 8, 11);
    }

    [Fact]
    public void The_window_is_twice_what_fits_with_room_for_a_pacer_and_the_last_heap()
    {
        Bbr bbr = Full();
        Assert.Equal((2 * Pipe) + (3 * 10_000) + (Pipe / 10), bbr.Window);
    }

    [Fact]
    public void A_rate_lives_for_ten_rounds()
    {
        Bbr bbr = Full();
        Feed(bbr, rounds: 1, rate: 2 * Rate);
        Feed(bbr, rounds: 9);
        Assert.Equal(2 * Rate, bbr.Rate);
        Feed(bbr, rounds: 1);
        Assert.Equal(Rate, bbr.Rate);
    }

    [Fact]
    public void A_rate_that_the_application_held_back_counts_only_if_it_is_more()
    {
        Bbr bbr = Full();
        Feed(bbr, rounds: 30, rate: Rate / 10, limited: true);
        Assert.Equal(Rate, bbr.Rate);
        Feed(bbr, rounds: 1, rate: Rate * 2, limited: true);
        Assert.Equal(Rate * 2, bbr.Rate);
    }

    [Fact]
    public void A_loss_alone_changes_nothing()
    {
        Bbr bbr = Full();
        (long window, long rate) = (bbr.Window, bbr.Rate);
        bbr.HandleLoss(Pipe);
        bbr.HandleAck(Sample(Rate, Pipe - (5 * Segment)) with { InRecovery = true, Lost = 5 * Segment });
        Assert.Equal((window, rate), (bbr.Window, bbr.Rate));
    }

    [Fact]
    public void Where_a_round_loses_much_what_leaves_is_what_arrives_for_a_round_and_then_the_window_is_back()
    {
        Bbr bbr = Full();
        long window = bbr.Window;
        bbr.HandleLoss(Pipe);
        bbr.HandleAck(Sample(Rate, 150_000) with { InRecovery = true, Acked = 2 * Segment, Lost = 30_000 });
        Assert.Equal(150_000 + (2 * Segment), bbr.Window);
        bbr.HandleAck(Sample(Rate, 120_000) with { InRecovery = true, Acked = 2 * Segment, Lost = 20_000 });
        Assert.Equal(150_000 + (2 * Segment) - 20_000, bbr.Window);
        bbr.HandleAck(Sample(Rate, 120_000) with { InRecovery = true, Acked = Segment, Delivered = _delivered += Pipe });
        Assert.InRange(bbr.Window, 130_000 + (2 * Segment), 130_000 + (4 * Segment));
        bbr.HandleAck(Sample(Rate, 140_000));
        Assert.Equal(window, bbr.Window);
    }

    [Fact]
    public void After_a_timeout_the_window_grows_from_one_segment_and_is_back_when_all_is_repaired()
    {
        Bbr bbr = Full();
        long window = bbr.Window;
        bbr.HandleTimeout(Pipe);
        Assert.Equal(Segment, bbr.Window);
        bbr.HandleAck(Sample(0, Segment) with { InTimeoutRecovery = true, Acked = Segment, Lost = Pipe });
        Assert.InRange(bbr.Window, 2 * Segment, 4 * Segment);
        bbr.HandleAck(Sample(0, Segment) with { Acked = Segment });
        Assert.Equal(window, bbr.Window);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_a_spurious_recovery_took_is_given_back(bool timeout)
    {
        Bbr bbr = Full();
        long window = bbr.Window;
        if (timeout)
        {
            bbr.HandleTimeout(Pipe);
        }
        else
        {
            bbr.HandleLoss(Pipe);
            bbr.HandleAck(Sample(Rate, 100_000) with { InRecovery = true, Lost = Pipe / 2 });
        }

        Assert.True(bbr.Window < window);
        bbr.Undo();
        Assert.Equal(window, bbr.Window);
    }

    [Fact]
    public void Ten_seconds_without_a_lower_round_trip_halve_the_pipe_for_a_fifth_of_a_second()
    {
        Bbr bbr = Full();
        long window = bbr.Window;
        _now += 11 * Instant.Second;
        Feed(bbr, rounds: 1, roundTrip: RoundTrip * 3 / 2);
        Assert.InRange(bbr.Window, 140_000, 160_000);
        for (int i = 0; i < 10; i++)
        {
            // What a small window brings is no rate of the path.
            Feed(bbr, rounds: 1, rate: Rate / 2, inFlight: Pipe / 2);
            Assert.True(bbr.Window < Pipe, $"{i}: {bbr.Window}");
        }

        Assert.Equal((Rate, RoundTrip), (bbr.Rate, bbr.RoundTrip));
        Feed(bbr, rounds: 3, inFlight: Pipe / 2);
        Assert.True(bbr.Window >= window);
    }

    [Fact]
    public void After_an_idle_time_it_neither_probes_nor_starts_slowly()
    {
        Bbr bbr = Full();
        long window = bbr.Window;
        _now += 30 * Instant.Second;
        bbr.HandleIdleRestart(_now);
        Assert.Equal(window, bbr.Window);
        Assert.Equal(99, bbr.PacingRate(RoundTrip) * 100 / Rate);
        Feed(bbr, rounds: 1);
        Assert.True(bbr.Window >= window);
    }

    [Fact]
    public void Who_takes_over_in_flight_begins_with_the_pace_of_the_window()
    {
        var bbr = new Bbr(Segment);
        bbr.TakeOver(Pipe, 50_000);
        Assert.Equal(Pipe, bbr.Window);
        Assert.InRange(bbr.PacingRate(RoundTrip), Rate * 99 / 100, Rate * 101 / 100);
        Feed(bbr, rounds: 10, inFlight: Pipe / 2);
        var reno = new NewReno(Segment);
        reno.TakeOver(bbr.Window, bbr.SlowStartThreshold);
        Assert.True(reno.Window >= reno.SlowStartThreshold);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(20, 2)]
    [InlineData(50, 3)]
    public void Controllers_that_change_in_flight_lose_nothing(int loss, ulong seed)
    {
        var pair = new TcpPair(new Weather(Loss: loss, Seed: seed));
        var up = new Transfer(pair.Client, pair.ClientUser, pair.ServerUser, 3_000_000);
        var turns = new Queue<Func<int, ICongestionController>>(
            [CongestionControllers.Bbr, CongestionControllers.NewReno, CongestionControllers.Bbr, CongestionControllers.Cubic]);
        pair.Client.Connect();
        Instant next = pair.Now + (100 * Instant.Millisecond);
        Assert.True(pair.RunUntil(() =>
        {
            up.Pump(pair.Server);
            if (pair.Now >= next && turns.TryDequeue(out Func<int, ICongestionController>? make))
            {
                pair.Client.SwitchCongestionControl(make);
                next = pair.Now + (30 * Instant.Millisecond);
            }

            return up.Complete;
        }));
        Assert.True(up.Equal);
        Assert.Empty(turns);
    }

    [Fact]
    public void A_heap_of_acknowledgements_is_allowed_for()
    {
        var aggregation = default(AckAggregation);
        Instant now = new(Instant.Second);
        for (int i = 0; i < 5; i++)
        {
            // 10 ms of the link in one heap.
            now += 10 * Instant.Millisecond;
            aggregation.Update(new CongestionSample { Now = now, Acked = 100_000 }, Rate, 10 * Pipe, newRound: false);
        }

        Assert.InRange(aggregation.Extra, 90_000, 110_000);
        for (int i = 0; i < 12; i++)
        {
            now += RoundTrip;
            aggregation.Update(new CongestionSample { Now = now, Acked = 1460 }, Rate, 10 * Pipe, newRound: true);
        }

        Assert.InRange(aggregation.Extra, 0, 2000);
    }

    private Bbr Full()
    {
        var bbr = new Bbr(Segment);
        Feed(bbr, rounds: 6);
        Feed(bbr, rounds: 30, inFlight: Pipe);
        return bbr;
    }

    private void Feed(
        Bbr bbr,
        int rounds,
        long rate = Rate,
        long inFlight = Pipe,
        bool limited = false,
        long roundTrip = RoundTrip,
        long step = RoundTrip)
    {
        for (int i = 0; i < rounds; i++)
        {
            _now += step;
            _round++;
            bbr.HandleAck(Sample(rate, inFlight) with { RateIsApplicationLimited = limited, RoundTrip = roundTrip });
        }
    }

    private CongestionSample Sample(long rate, long inFlight) => new()
    {
        Now = _now += 2 * Instant.Millisecond,
        Acked = Pipe / 10,
        InFlightBefore = inFlight + Pipe / 10,
        InFlight = inFlight,
        RoundTrip = RoundTrip,
        SmoothedRoundTrip = RoundTrip,
        MinimumRoundTrip = RoundTrip,
        DeliveryRate = rate,
        Delivered = _delivered += Pipe / 10,
        Round = _round,
    };
}
