namespace Mptcp.Tcp.Tests;

/// <summary>HyStart++ round by round (RFC 9406 §4).</summary>
public class CongestionHyStartTests
{
    private const int Segment = 1460;
    private const long RoundTrip = 40 * Instant.Millisecond;

    private HyStart _hyStart = new();
    private Instant _now = new(Instant.Second);
    private long _round;

    [Theory]
    [InlineData(40, 5, true)]
    [InlineData(40, 4, false)]
    [InlineData(8, 4, true)]
    [InlineData(8, 3, false)]
    [InlineData(400, 16, true)]
    [InlineData(400, 15, false)]
    public void A_round_trip_that_grew_by_an_eighth_of_4_to_16_ms_makes_it_conservative(int before, int more, bool conservative)
    {
        Round(before * Instant.Millisecond);
        Round((before + more) * Instant.Millisecond);
        Assert.Equal(conservative, _hyStart.IsConservative);
    }

    [Fact]
    public void Fewer_than_eight_samples_say_nothing()
    {
        Round(RoundTrip);
        Round(2 * RoundTrip, samples: 7);
        Assert.False(_hyStart.IsConservative);
        Assert.Equal(Segment, Sample(2 * RoundTrip) * 4);
        Assert.True(_hyStart.IsConservative);
    }

    [Fact]
    public void Before_it_the_window_grows_by_all_that_arrives_and_then_by_a_quarter()
    {
        Round(RoundTrip);
        Assert.Equal(Segment, Sample(RoundTrip));
        Round(2 * RoundTrip);
        Assert.Equal(Segment / 4, Sample(2 * RoundTrip));
    }

    [Fact]
    public void After_five_conservative_rounds_slow_start_is_over()
    {
        Round(RoundTrip);
        for (int i = 0; i < 5; i++)
        {
            Assert.True(Round(2 * RoundTrip) > 0, $"round {i}");
        }

        _round++;
        Assert.True(Sample(2 * RoundTrip) < 0);
    }

    [Fact]
    public void A_round_trip_that_comes_down_again_resumes_slow_start()
    {
        Round(RoundTrip);
        Round(2 * RoundTrip);
        Assert.True(_hyStart.IsConservative);
        Round(RoundTrip);
        Assert.False(_hyStart.IsConservative);
        Assert.Equal(Segment, Sample(RoundTrip));
    }

    [Fact]
    public void It_belongs_to_the_first_slow_start_alone()
    {
        var cubic = new Cubic(Segment);
        CongestionTests.Grow(cubic, 100 * Segment);
        cubic.HandleTimeout(100 * Segment);
        for (int round = 1; cubic.Window < 60 * Segment; round++)
        {
            long before = cubic.Window;
            for (int i = 0; i < 8; i++)
            {
                _now += Instant.Millisecond;
                cubic.HandleAck(new CongestionSample
                {
                    Now = _now,
                    Acked = Segment,
                    RoundTrip = RoundTrip * round,
                    MinimumRoundTrip = RoundTrip,
                    Round = round,
                });
            }

            Assert.Equal(before + (8 * Segment), cubic.Window);
        }
    }

    /// <summary>Acknowledgements each two milliseconds, for half of a round trip of 40 ms and more.</summary>
    [Fact]
    public void A_train_makes_it_conservative_and_a_round_with_a_queue_from_its_first_packet_on_ends_it()
    {
        Train(0, 16);
        Assert.True(_hyStart.IsConservative);
        Assert.True(Train(0, 16) > 0);
        Assert.True(Train(10, 16) < 0);
    }

    [Fact]
    public void A_queue_at_the_end_of_a_burst_does_not_end_slow_start()
    {
        Train(0, 8);
        Train(0, 8, moreAtTheEnd: 10);
        Assert.True(_hyStart.IsConservative);
        Assert.True(Train(0, 4, moreAtTheEnd: 20) > 0);
    }

    private long Train(int queue, int samples, int? moreAtTheEnd = null)
    {
        _round++;
        long growth = 0;
        for (int i = 0; i < 2 * samples; i++)
        {
            int here = i < samples ? queue : moreAtTheEnd ?? queue;
            growth = Sample(RoundTrip + (here * Instant.Millisecond), 2 * Instant.Millisecond, trainCounts: true);
        }

        return growth;
    }

    private long Round(long roundTrip, int samples = 8)
    {
        _round++;
        long growth = 0;
        for (int i = 0; i < samples; i++)
        {
            growth = Sample(roundTrip);
        }

        return growth;
    }

    private long Sample(long roundTrip, long gap = 10 * Instant.Millisecond, bool trainCounts = false)
    {
        _now += gap;
        return _hyStart.Grow(
            new CongestionSample
            {
                Now = _now,
                Acked = Segment,
                RoundTrip = roundTrip,
                MinimumRoundTrip = RoundTrip,
                Round = _round,
            },
            trainCounts);
    }
}
