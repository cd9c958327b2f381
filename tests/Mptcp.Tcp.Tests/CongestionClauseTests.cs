namespace Mptcp.Tcp.Tests;

/// <summary>Clauses of RFC 5681, RFC 6928, RFC 3465 and RFC 9438, at the controllers themselves.</summary>
public class CongestionClauseTests
{
    private const int Segment = 1460;

    [Theory]
    [InlineData(536, 5360)]
    [InlineData(1460, 14_600)]
    [InlineData(1500, 14_600)]
    [InlineData(8960, 17_920)]
    public void The_initial_window_is_ten_segments_or_less_where_they_are_large(int segment, long window)
    {
        Assert.Equal(window, new NewReno(segment).Window);
        Assert.Equal(window, new Cubic(segment).Window);
    }

    [Fact]
    public void Before_the_first_loss_slow_start_has_no_end()
    {
        Assert.Equal(long.MaxValue, new NewReno(Segment).SlowStartThreshold);
        Assert.Equal(long.MaxValue, new Cubic(Segment).SlowStartThreshold);
    }

    [Fact]
    public void In_slow_start_the_window_grows_by_what_arrives_but_two_segments_at_most()
    {
        var reno = new NewReno(Segment);
        long before = reno.Window;
        Acknowledge(reno, 1000);
        Acknowledge(reno, 5 * Segment);
        Assert.Equal(before + 1000 + (2 * Segment), reno.Window);
    }

    [Fact]
    public void In_slow_start_after_a_timeout_by_one_segment_at_most()
    {
        var reno = new NewReno(Segment);
        CongestionTests.Grow(reno, 50 * Segment);
        reno.HandleTimeout(40 * Segment);
        Assert.Equal((Segment, 20 * Segment), (reno.Window, reno.SlowStartThreshold));
        Acknowledge(reno, 2 * Segment);
        Assert.Equal(2 * Segment, reno.Window);

        // The next slow start, should there be one, is an ordinary one again.
        CongestionTests.Grow(reno, 20 * Segment);
        reno.HandleIdleRestart(new Instant(Instant.Second));
        Acknowledge(reno, 2 * Segment);
        Assert.Equal(12 * Segment, reno.Window);
    }

    [Fact]
    public void In_congestion_avoidance_a_window_of_bytes_is_worth_one_segment_however_they_are_acknowledged()
    {
        foreach (int piece in (int[])[Segment / 2, Segment, 2 * Segment, 10 * Segment])
        {
            var reno = new NewReno(Segment);
            reno.TakeOver(20 * Segment, 20 * Segment);
            for (int acked = 0; acked < 20 * Segment; acked += piece)
            {
                Assert.Equal(20 * Segment, reno.Window);
                Acknowledge(reno, piece);
            }

            Assert.Equal(21 * Segment, reno.Window);
        }
    }

    [Fact]
    public void At_a_loss_the_threshold_is_half_of_what_is_in_flight_and_two_segments_at_least()
    {
        var reno = new NewReno(Segment);
        CongestionTests.Grow(reno, 100 * Segment);
        reno.HandleLoss(60 * Segment);
        Assert.Equal((30 * Segment, 30 * Segment), (reno.Window, reno.SlowStartThreshold));
        reno.HandleLoss(Segment);
        Assert.Equal((2 * Segment, 2 * Segment), (reno.Window, reno.SlowStartThreshold));
    }

    [Fact]
    public void CUBIC_goes_down_to_seven_tenths_of_its_window_and_two_segments_at_least()
    {
        var cubic = new Cubic(Segment);
        CongestionTests.Grow(cubic, 100 * Segment);
        cubic.HandleLoss(60 * Segment);
        Assert.Equal((70 * Segment, 70 * Segment), (cubic.Window, cubic.SlowStartThreshold));

        // The last segment of a message, with nothing behind it.
        cubic.HandleTimeout(Segment);
        Assert.Equal((Segment, 49 * Segment), (cubic.Window, cubic.SlowStartThreshold));
        cubic.HandleLoss(Segment);
        Assert.Equal((2 * Segment, 2 * Segment), (cubic.Window, cubic.SlowStartThreshold));
    }

    [Fact]
    public void CUBIC_begins_at_its_plateau_after_a_timeout()
    {
        var cubic = new Cubic(Segment);
        cubic.TakeOver(1000 * Segment, 0);
        cubic.HandleLoss(1000 * Segment);
        cubic.HandleTimeout(1000 * Segment);
        Assert.Equal(490 * Segment, cubic.SlowStartThreshold);
        Instant now = new(Instant.Second);
        CongestionTests.Grow(cubic, 490 * Segment);

        // From its plateau the curve grows by 0.4 t^3, 86 segments in 6 s; towards the old one it would have been 460.
        for (int i = 0; i < 60; i++)
        {
            now += 100 * Instant.Millisecond;
            cubic.HandleAck(new CongestionSample { Now = now, Acked = cubic.Window, SmoothedRoundTrip = 100 * Instant.Millisecond });
        }

        Assert.InRange(cubic.Window, 560 * Segment, 595 * Segment);
    }

    [Fact]
    public void CUBIC_never_aims_at_more_than_half_a_window_more()
    {
        var cubic = new Cubic(Segment);
        cubic.TakeOver(20 * Segment, 0);
        Instant now = new(Instant.Second);
        Acknowledge(cubic, now, cubic.Window);
        long before = cubic.Window;
        Acknowledge(cubic, now + (60 * Instant.Second), cubic.Window);
        Assert.InRange(cubic.Window, before * 14 / 10, before * 3 / 2);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void In_recovery_the_window_does_not_grow(bool reno)
    {
        ICongestionController controller = reno ? new NewReno(Segment) : new Cubic(Segment);
        CongestionTests.Grow(controller, 100 * Segment);
        controller.HandleLoss(100 * Segment);
        long window = controller.Window;
        controller.HandleAck(new CongestionSample { Now = new Instant(Instant.Second), Acked = 50 * Segment, InRecovery = true });
        Assert.Equal(window, controller.Window);
    }

    private static void Acknowledge(ICongestionController controller, long bytes) => Acknowledge(controller, default, bytes);

    private static void Acknowledge(ICongestionController controller, Instant now, long bytes) => controller.HandleAck(
        new CongestionSample { Now = now, Acked = bytes, SmoothedRoundTrip = 100 * Instant.Millisecond });
}
