namespace Mptcp.Tcp.Tests.Scripts;

/// <summary>The retransmission timer and the congestion window as a peer sees them (RFC 6298, RFC 5681).</summary>
public class RetransmissionScripts
{
    [Fact]
    public void The_timeout_doubles_each_time() => Script.Run("""
        connect
        > S 0 <*>
        +1000 > S 0 <*>
        +2000 > S 0 <*>
        +4000 > S 0 <*>
        """);

    [Fact]
    public void The_timeout_never_exceeds_a_minute()
    {
        Script script = Script.Run("open\nwrite 10\n> P. 1:11 ack 1");
        int repeats = script.Silence(100_000).Count;
        Assert.InRange(repeats, 8, 11);
        Assert.InRange(script.Silence(300_000).Count, 4, 6);
    }

    [Fact]
    public void The_round_trip_is_not_measured_on_what_was_sent_twice()
    {
        Script script = Script.Run("open\n+1000\nwrite 10\n> P. 1:11 ack 1\n~ > P. 1:11 ack 1");
        long before = script.Connection.SmoothedRtt;
        script.Silence(100);
        script.InjectAll(". 1 ack 11");
        Assert.Equal(before, script.Connection.SmoothedRtt);
    }

    [Fact]
    public void The_third_duplicate_ack_and_no_earlier_one_reduces_the_window()
    {
        Script script = Script.Run("open <mss 1460>\nnodelay on");
        script.Do("write 14600");
        Assert.Equal(10, script.Take().Count);
        long before = script.Connection.CongestionWindow;
        script.InjectAll(". 1 ack 1", ". 1 ack 1");
        Assert.Empty(script.Take());
        Assert.Equal(before, script.Connection.CongestionWindow);
        script.InjectAll(". 1 ack 1");
        Assert.Matches("^P?[.] 1:1461 ", script.Take()[0]);
        Assert.True(script.Connection.CongestionWindow < before);
    }

    [Fact]
    public void A_window_update_is_no_duplicate_ack()
    {
        Script script = Script.Run("open <mss 1460>");
        script.Do("write 14600");
        Assert.Equal(10, script.Take().Count);
        long before = script.Connection.CongestionWindow;
        script.InjectAll(". 1 ack 1 win 65000", ". 1 ack 1 win 64000", ". 1 ack 1 win 63000", ". 1 ack 1 win 62000");
        Assert.Empty(script.Take());
        Assert.Equal(before, script.Connection.CongestionWindow);
    }

    [Fact]
    public void A_hole_that_SACK_shows_is_filled_and_nothing_else()
    {
        Script script = Script.Run("open\nnodelay on");
        script.Do("write 14600");
        Assert.Equal(10, script.Take().Count);
        script.InjectAll(
            ". 1 ack 1 <sack 1461:2921>", ". 1 ack 1 <sack 1461:4381>", ". 1 ack 1 <sack 1461:5841>", ". 1 ack 1 <sack 1461:7301>");
        List<string> repeated = script.Take();
        Assert.StartsWith("P. 1:1461 ", Assert.Single(repeated), StringComparison.Ordinal);
    }

    [Fact]
    public void After_a_lost_syn_the_first_flight_is_one_segment()
    {
        Script script = Script.Run("connect\n> S 0 <*>\n~ > S 0 <*>\n< S. 0 ack 1 <mss 1460>\n> . 1 ack 1");
        script.Do("write 40000");
        Assert.Single(script.Take());
        Assert.Equal(1460, script.Connection.CongestionWindow);
    }

    [Fact]
    public void After_a_lost_syn_the_first_timeout_is_three_seconds() => Script.Run("""
        connect
        > S 0 <*>
        +1000 > S 0 <*>
        +50 < S. 0 ack 1 <mss 1460>
        > . 1 ack 1
        write 10
        > P. 1:11 ack 1
        +3000 > P. 1:11 ack 1
        +50 < . 1 ack 11
        """);

    [Fact]
    public void The_timeout_follows_the_samples_in_the_order_of_the_formulas()
    {
        const long Unit = Instant.Millisecond;
        var estimator = new RttEstimator(minimumRto: 0);
        Assert.Equal(1000 * Unit, estimator.Rto);
        estimator.AddSample(default, 100 * Unit);
        Assert.Equal((100 * Unit, 300 * Unit), (estimator.Smoothed, estimator.Rto));

        // |100 - 180| weighs a quarter, the old variation of 50 three; only then is the sample an eighth of the average.
        estimator.AddSample(default, 180 * Unit);
        Assert.Equal((110 * Unit, 340 * Unit), (estimator.Smoothed, estimator.Rto));
    }

    [Fact]
    public void The_least_round_trip_is_that_of_the_last_ten_seconds()
    {
        var estimator = new RttEstimator(minimumRto: 0);
        estimator.AddSample(new Instant(0), 100);
        estimator.AddSample(new Instant(10 * Instant.Second), 900);
        Assert.Equal(100, estimator.Minimum);
        estimator.AddSample(new Instant(10 * Instant.Second + 1), 900);
        Assert.Equal(900, estimator.Minimum);
    }

    [Fact]
    public void New_data_acknowledged_starts_the_timer_anew_and_all_of_it_stops_it() => Script.Run("""
        connect
        > S 0 <*>
        +100 < S. 0 ack 1 <mss 1000>
        > . 1 ack 1
        write 2000
        > . 1:1001 ack 1
        > P. 1001:2001 ack 1
        +100 < . 1 ack 1001
        +300 > P. 1001:2001 ack 1
        +100 < . 1 ack 2001
        idle
        """);

    [Fact]
    public void The_handshake_does_not_make_the_window_grow()
    {
        Script script = Script.Run("open <mss 1460>");
        Assert.Equal(14_600, script.Connection.CongestionWindow);
    }

    [Fact]
    public void A_second_timeout_of_the_same_data_does_not_lower_the_threshold_again()
    {
        var told = new UnpacedReno(1460);
        Script script = Script.Run("open <mss 1460>\nnodelay on", c => c with { CongestionControl = _ => told });
        script.Do("write 14600");
        Assert.Equal(10, script.Take().Count);
        Assert.True(script.Silence(3000).Count > 3);
        Assert.Equal([14_600], told.Timeouts);
    }

    /// <summary>A delayed acknowledgement often comes with the first block of a hole behind it.</summary>
    [Fact]
    public void An_acknowledgement_that_moves_and_shows_a_hole_is_no_sign_of_reordering()
    {
        // A round trip of 40 ms leaves 10 to be out of order in; the pace takes its time too.
        Script script = Script.Run("connect\n> S 0 <*>\n+40 < S. 0 ack 1 <mss 1460, sackOK>\n> . 1 ack 1\nnodelay on");
        script.Do("write 14600");
        Assert.Equal(10, script.Silence(40).Count);
        script.InjectAll(". 1 ack 1461 <sack 2921:4381>", ". 1 ack 1461 <sack 2921:5841>", ". 1 ack 1461 <sack 2921:7301>");
        Assert.Contains(script.Silence(5), line => line.Contains(" 1461:2921 ", StringComparison.Ordinal));
    }

    [Fact]
    public void The_first_flight_is_ten_segments()
    {
        Script script = Script.Run("open");
        script.Do("write 40000");
        Assert.Equal(10, script.Take().Count);
    }

    [Fact]
    public void After_a_timeout_sending_begins_with_one_segment()
    {
        Script script = Script.Run("open <mss 1460>");
        script.Do("write 14600");
        Assert.Equal(10, script.Take().Count);
        script.Next();
        Assert.InRange(script.Connection.CongestionWindow, 1, 2 * 1460);
    }
}
