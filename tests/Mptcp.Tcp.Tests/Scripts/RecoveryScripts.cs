namespace Mptcp.Tcp.Tests.Scripts;

/// <summary>
/// How losses are found and made good, as a peer sees it: RACK-TLP (RFC 8985), limited transmit (RFC 3042), and what is
/// taken back because nothing was lost (RFC 3522, RFC 4015, RFC 3708).
/// </summary>
public class RecoveryScripts
{
    // A round trip of 100 ms, segments of 1000 bytes.
    private const string Open = "connect\n> S 0 <*>\n+100 < S. 0 ack 1 win 65535 <mss 1000, sackOK>\n> . 1 ack 1\nnodelay on\n";

    // The same with timestamps, which leave 988 bytes.
    private const string OpenWithTimestamps =
        "connect\n> S 0 <*>\n+100 < S. 0 ack 1 win 65535 <mss 1000, sackOK, ts 7 1000>\n> . 1 ack 1 <*>\nnodelay on\n";

    [Fact]
    public void One_report_is_judged_after_a_quarter_of_the_round_trip() => Sent(3).Play("""
        +100 < . 1 ack 1 <sack 1001:2001>
        +25 > P. 1:1001 ack 1
        """);

    [Fact]
    public void Three_reports_are_judged_at_once() => Sent(4).Play("""
        +100 < . 1 ack 1 <sack 1001:4001>
        > P. 1:1001 ack 1
        """);

    [Fact]
    public void A_hole_that_is_filled_in_time_was_only_late() => Sent(3).Play("""
        +100 < . 1 ack 1 <sack 1001:2001>
        +20 < . 1 ack 3001
        +5000
        """);

    [Fact]
    public void A_path_that_reorders_is_waited_for_however_many_reports_there_are()
    {
        Script script = Sent(4);
        script.Play("+100 < . 1 ack 1 <sack 1001:2001>\n+20 < . 1 ack 4001");
        script.Do("write 4000");
        Assert.Equal(4, script.Take().Count);
        script.Play("+100 < . 1 ack 4001 <sack 5001:8001>\n+25 > P. 4001:5001 ack 1");
    }

    [Fact]
    public void A_probe_leaves_after_two_round_trips() => Sent(2).Play("+210 > P. 1001:2001 ack 1");

    [Fact]
    public void A_probe_of_a_single_segment_waits_for_a_delayed_ack_but_not_beyond_the_timeout()
    {
        Script script = Sent(1).Play("+300 > P. 1:1001 ack 1");
        Assert.Equal((0, 1L), (script.Connection.Timeouts, script.Connection.LossProbes));
    }

    [Fact]
    public void A_probe_that_gets_no_answer_is_followed_by_the_timer_and_not_by_another()
    {
        Script script = Sent(2);
        script.Play("+210 > P. 1001:2001 ack 1");
        Assert.StartsWith("P. 1:1001 ", script.Next()[0], StringComparison.Ordinal);
        Assert.Equal((1, 1L), (script.Connection.Timeouts, script.Connection.LossProbes));
    }

    [Fact]
    public void After_a_probe_the_timer_gives_it_time_to_be_answered() => Sent(2).Play("""
        +210 > P. 1001:2001 ack 1
        +150 > P. 1:1001 ack 1
        """);

    [Fact]
    public void New_data_is_the_better_probe_though_the_window_is_full()
    {
        Script script = Sent(10);
        script.Do("write 3000");
        Assert.Empty(script.Take());
        script.Play("+210 > . 10001:11001 ack 1");
        Assert.Equal(1, script.Connection.LossProbes);
    }

    [Fact]
    public void Where_new_data_may_not_leave_the_probe_repeats_without_being_asked_twice()
    {
        Script script = Sent(2);
        script.Do("nodelay off");
        script.Do("write 500");
        Assert.Empty(script.Take());
        script.Play("+210 > . 1001:2001 ack 1");
        Assert.Equal(1, script.Connection.LossProbes);
    }

    [Fact]
    public void A_second_probe_needs_a_sample_of_the_path_after_the_first()
    {
        Script script = Sent(1).Play("+300 > P. 1:1001 ack 1\n+100 < . 1 ack 1001 <sack 1:1001>");
        script.Do("write 1000");
        Assert.Single(script.Take());
        script.Play("~ > P. 1001:2001 ack 1");
        Assert.Equal((1, 1L), (script.Connection.Timeouts, script.Connection.LossProbes));
    }

    [Fact]
    public void A_probe_that_made_a_loss_good_reduces_the_window()
    {
        Script script = Sent(2);
        script.Play("+100 < . 1 ack 1001\n~ > P. 1001:2001 ack 1\n+100 < . 1 ack 2001");
        long before = script.Connection.CongestionWindow;
        script.Play("write 100\n> P. 2001:2101 ack 1\n+100 < . 1 ack 2101");
        Assert.True(script.Connection.CongestionWindow < before, $"{before} became {script.Connection.CongestionWindow}");
    }

    [Fact]
    public void A_probe_that_arrives_as_a_duplicate_changes_nothing()
    {
        Script script = Sent(2);
        script.Play("+100 < . 1 ack 1001\n~ > P. 1001:2001 ack 1\n+5 < . 1 ack 2001\n+95 < . 1 ack 2001 <sack 1001:2001>");
        long before = script.Connection.CongestionWindow;
        script.Play("write 100\n> P. 2001:2101 ack 1\n+100 < . 1 ack 2101");
        Assert.True(script.Connection.CongestionWindow >= before);
    }

    [Fact]
    public void With_SACK_only_news_lets_new_data_out()
    {
        Script script = Sent(10);
        script.Do("write 3000");
        script.Play("""
            +100 < . 1 ack 1
            < . 1 ack 1
            < . 1 ack 1 <sack 1001:2001>
            > . 10001:11001 ack 1
            > . 11001:12001 ack 1
            < . 1 ack 1 <sack 1001:2001>
            """);
    }

    [Fact]
    public void An_echo_from_before_the_repeat_gives_back_what_a_timeout_took()
    {
        Script script = SentWithTimestamps();
        long before = script.Connection.CongestionWindow;
        script.Play("~ > P. 1:989 ack 1 <*>");
        Assert.True(script.Connection.CongestionWindow < before);
        script.Play("+50 < . 1 ack 1977 <ts 9 1100>");
        Assert.Equal(1, script.Connection.SpuriousRecoveries);
        Assert.True(script.Connection.CongestionWindow >= before);
    }

    [Fact]
    public void An_echo_of_the_repeat_gives_nothing_back()
    {
        Script script = SentWithTimestamps();
        long before = script.Connection.CongestionWindow;
        script.Play("""
            ~ > P. 1:989 ack 1 <ts 1460 7>
            +50 < . 1 ack 989 <ts 9 1460>
            > P. 989:1977 ack 1 <*>
            > P. 1977:2965 ack 1 <*>
            """);
        Assert.Equal(0, script.Connection.SpuriousRecoveries);
        Assert.True(script.Connection.CongestionWindow < before);
    }

    [Fact]
    public void A_second_timeout_does_not_move_the_time_of_the_first_repeat()
    {
        Script script = SentWithTimestamps();
        script.Play("~ > P. 1:989 ack 1 <ts 1460 7>\n~ > P. 1:501 ack 1 <ts 2060 7>\n> P. 501:989 ack 1 <*>");
        script.InjectAll(". 1 ack 989 <ts 9 1460>");
        Assert.NotEmpty(script.Take());
        Assert.Equal(0, script.Connection.SpuriousRecoveries);
    }

    [Fact]
    public void A_mark_meanwhile_keeps_what_a_timeout_took()
    {
        Script script = SentWithTimestamps(ecn: true);
        long before = script.Connection.CongestionWindow;
        script.Play("""
            ~ > P. 1:989 ack 1 <*>
            +50 < E. 1 ack 1977 <ts 9 1100>
            > P. 1977:2965 ack 1 <*>
            > P. 2965:3953 ack 1 <*>
            """);
        Assert.Equal(0, script.Connection.SpuriousRecoveries);
        Assert.True(script.Connection.CongestionWindow < before);
    }

    [Fact]
    public void A_duplicate_report_of_the_one_repeat_gives_back_what_a_recovery_took()
    {
        Script script = Sent(5);
        long before = script.Connection.CongestionWindow;
        script.Play("+100 < . 1 ack 1 <sack 1001:4001>\n> P. 1:1001 ack 1");
        Assert.True(script.Connection.CongestionWindow < before);
        script.Play("+5 < . 1 ack 5001\n+95 < . 1 ack 5001 <sack 1:1001>");
        Assert.Equal(1, script.Connection.SpuriousRecoveries);
        Assert.True(script.Connection.CongestionWindow >= before);
    }

    [Fact]
    public void A_duplicate_report_of_what_was_not_repeated_gives_nothing_back()
    {
        Script script = Sent(5);
        script.Play("+100 < . 1 ack 1 <sack 1001:4001>\n> P. 1:1001 ack 1");
        script.Play("+100 < . 1 ack 5001 <sack 2001:3001>");
        Assert.Equal(0, script.Connection.SpuriousRecoveries);
    }

    [Fact]
    public void What_a_peer_reports_and_takes_back_is_sent_again_after_a_timeout()
    {
        Script script = Sent(4);
        script.Play("+100 < . 1 ack 1 <sack 1001:4001>\n> P. 1:1001 ack 1");

        // It has the first segment then, and nothing of what it had reported.
        script.Play("+100 < . 1 ack 1001\n~ > P. 1001:2001 ack 1\n+100 < . 1 ack 2001\n> P. 2001:3001 ack 1\n> P. 3001:4001 ack 1");
    }

    [Fact]
    public void After_a_timeout_what_was_reported_is_not_sent_again()
    {
        Script script = Sent(4);
        script.InjectAll(". 1 ack 1 <sack 2001:3001>");
        List<string> left = script.Silence(1000);
        Assert.True(script.Connection.Timeouts > 0);
        script.InjectAll(". 1 ack 1001");
        left.AddRange(script.Silence(1000));
        Assert.Contains(left, segment => segment.Contains(" 3001:4001 ", StringComparison.Ordinal));
        Assert.DoesNotContain(left, segment => segment.Contains(" 2001:", StringComparison.Ordinal));
    }

    /// <summary>A connection that has just sent some full segments.</summary>
    private static Script Sent(int segments)
    {
        Script script = Script.Run(Open, c => c with { CongestionControl = size => new UnpacedReno(size) });
        script.Do($"write {segments * 1000}");
        List<string> sent = script.Take();
        Assert.Equal(segments, sent.Count);
        return script;
    }

    /// <summary>Four segments, sent at 1100 ms of our clock.</summary>
    private static Script SentWithTimestamps(bool ecn = false)
    {
        string open = ecn
            ? OpenWithTimestamps.Replace("> S 0", "> SEW 0", StringComparison.Ordinal).Replace("< S.", "< SE.", StringComparison.Ordinal)
            : OpenWithTimestamps;
        Script script = Script.Run(open, c => c with { Ecn = ecn ? EcnMode.Ask : EcnMode.Off, CongestionControl = size => new UnpacedReno(size) });
        script.Do("write 3952");
        Assert.Equal(4, script.Take().Count);

        // The probe of the tail, which gets no answer either.
        script.Play("~ > P. 2965:3953 ack 1 <*>");
        return script;
    }
}
