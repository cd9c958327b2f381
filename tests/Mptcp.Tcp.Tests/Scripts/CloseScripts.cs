namespace Mptcp.Tcp.Tests.Scripts;

/// <summary>How connections end (RFC 9293 §3.6, §3.10.4, §3.10.5).</summary>
public class CloseScripts
{
    [Fact]
    public void The_active_closer_waits_two_segment_lifetimes() => Script.Run("""
        open
        close
        > F. 1 ack 1
        state FinWait1
        < . 1 ack 2
        state FinWait2
        < F. 1 ack 2
        > . 2 ack 2
        state TimeWait
        +59000
        state TimeWait
        +1001
        state Closed
        reason None
        """);

    [Fact]
    public void The_passive_closer_is_done_with_the_last_ack() => Script.Run("""
        accept
        < F. 1 ack 1
        > . 1 ack 2
        state CloseWait
        finished yes
        close
        > F. 1 ack 2
        state LastAck
        < . 2 ack 2
        state Closed
        reason None
        """);

    [Fact]
    public void Fin_and_its_acknowledgement_in_one_segment() => Script.Run("""
        open
        close
        > F. 1 ack 1
        < F. 1 ack 2
        > . 2 ack 2
        state TimeWait
        """);

    [Fact]
    public void Simultaneous_close() => Script.Run("""
        open
        close
        > F. 1 ack 1
        < F. 1 ack 1
        > . 2 ack 2
        state Closing
        < . 2 ack 2
        state TimeWait
        """);

    [Fact]
    public void Half_closed_by_us_the_peer_still_sends() => Script.Run("""
        open
        close
        > F. 1 ack 1
        < . 1 ack 2
        < P. 1:1001 ack 2
        > . 2 ack 1001
        readable 1000
        read 1000
        state FinWait2
        """);

    [Fact]
    public void Half_closed_by_the_peer_we_still_send() => Script.Run("""
        open
        < F. 1 ack 1
        > . 1 ack 2
        write 100
        > P. 1:101 ack 2
        < . 2 ack 101
        close
        > F. 101 ack 2
        state LastAck
        """);

    [Fact]
    public void Data_before_a_close_leaves_before_the_fin() => Script.Run("""
        open
        cork on
        write 100
        close
        > P. 1:101 ack 1
        > F. 101 ack 1
        state FinWait1
        < . 1 ack 101
        state FinWait1
        < . 1 ack 102
        state FinWait2
        """);

    [Fact]
    public void A_fin_is_sent_again_until_it_is_acknowledged() => Script.Run("""
        open
        close
        > F. 1 ack 1
        ~ > F. 1 ack 1
        ~ > F. 1 ack 1
        < . 1 ack 2
        state FinWait2
        """);

    [Fact]
    public void A_fin_that_arrives_before_data_waits_for_it() => Script.Run("""
        open
        < F. 101 ack 1
        > . 1 ack 1
        state Established
        < . 1:101 ack 1
        > . 1 ack 102
        state CloseWait
        """);

    [Fact]
    public void Nothing_is_taken_behind_a_fin() => Script.Run("""
        open
        < F. 1 ack 1
        > . 1 ack 2
        < P. 2:102 ack 1
        > . 1 ack 2
        readable 0
        < F. 2 ack 1
        > . 1 ack 2
        state CloseWait
        """);

    [Fact]
    public void Time_wait_acknowledges_a_repeated_fin_and_begins_anew() => Script.Run("""
        open
        close
        > F. 1 ack 1
        < F. 1 ack 2
        > . 2 ack 2
        +50000 < F. 1 ack 2
        > . 2 ack 2
        +50000
        state TimeWait
        +10001
        state Closed
        """);

    [Fact]
    public void Time_wait_gives_way_to_a_newer_syn()
    {
        string timeWait = """
            open <mss 1460, ts 100 1000>
            close
            > F. 1 ack 1 <*>
            < F. 1 ack 2 <ts 200 1000>
            > . 2 ack 2 <*>
            state TimeWait
            """;
        Script.Run(timeWait + "\nreuse no S -100000 <ts 199 0>");
        Script.Run(timeWait + "\nreuse no S -100000 <ts 200 0>");
        Script.Run(timeWait + "\nreuse no S -100000");
        Script.Run(timeWait + "\nreuse yes S -100000 <ts 201 0>\nstate Closed");
        Script.Run(timeWait + "\nreuse yes S 100000 <ts 200 0>\nstate Closed");
        Script.Run(timeWait + "\nreuse yes S 100000\nstate Closed");
        Script.Run(timeWait + "\nreuse no S. 100000 ack 1 <ts 201 0>");
    }

    [Fact]
    public void Time_wait_without_timestamps_looks_at_the_sequence_number()
    {
        string timeWait = "open\nclose\n> F. 1 ack 1\n< F. 1 ack 2\n> . 2 ack 2";
        Script.Run(timeWait + "\nreuse no S 1");
        Script.Run(timeWait + "\nreuse yes S 2");
        Script.Run(timeWait + "\nreuse yes S -5 <ts 1 0>");
    }

    [Fact]
    public void Time_wait_is_silent_to_an_old_syn() => Script.Run("""
        open
        close
        > F. 1 ack 1
        < F. 1 ack 2
        > . 2 ack 2
        < S -100000 <mss 1460>
        state TimeWait
        """);

    [Theory]
    [InlineData("")]
    [InlineData("close\n> F. 1 ack 1")]
    [InlineData("close\n> F. 1 ack 1\n< . 1 ack 2")]
    [InlineData("< F. 1 ack 1\n> . 1 ack 2")]
    public void An_abort_resets_where_the_peer_may_lose_something(string before) => Script.Run($"""
        open
        {before}
        abort
        > R. {(before.StartsWith('c') ? 2 : 1)} ack {(before.StartsWith('<') ? 2 : 1)}
        state Closed
        reason Aborted
        """.Replace("\n<", "\n <", StringComparison.Ordinal));

    [Theory]
    [InlineData("close\n> F. 1 ack 1\n< F. 1 ack 1\n> . 2 ack 2\nstate Closing")]
    [InlineData("close\n> F. 1 ack 1\n< F. 1 ack 2\n> . 2 ack 2\nstate TimeWait")]
    [InlineData("< F. 1 ack 1\n> . 1 ack 2\nclose\n> F. 1 ack 2\nstate LastAck")]
    public void An_abort_is_silent_where_both_have_closed(string before) => Script.Run($"""
        open
        {before}
        abort
        state Closed
        """);

    [Fact]
    public void Data_that_nobody_will_read_is_answered_with_a_reset() => Script.Run("""
        open
        stop
        close
        > F. 1 ack 1
        < P. 1:101 ack 2
        > R. 2 ack 1
        state Closed
        reason Aborted
        """);

    [Fact]
    public void A_peer_that_only_closes_gets_no_reset_from_one_who_stopped_reading() => Script.Run("""
        open
        stop
        close
        > F. 1 ack 1
        < F. 1 ack 2
        > . 2 ack 2
        state TimeWait
        """);
}
