namespace Mptcp.Tcp.Tests.Scripts;

/// <summary>How connections begin (RFC 9293 §3.5, §3.10.7.2 to .3), and what their SYNs say.</summary>
public class HandshakeScripts
{
    [Fact]
    public void Active_open() => Script.Run("""
        connect
        > S 0 win 65535 <mss 1460, sackOK, ts 1000 0, wscale 7>
        +30 < S. 0 ack 1 win 65535 <mss 1460, sackOK, ts 7 1000, wscale 3>
        > . 1 ack 1 win 511 <ts 1030 7>
        state Established
        idle
        """);

    [Fact]
    public void Passive_open() => Script.Run("""
        listen
        < S 0 win 65535 <mss 1460, sackOK, ts 7 0, wscale 3>
        > S. 0 ack 1 win 65535 <mss 1460, sackOK, ts 1000 7, wscale 7>
        state SynReceived
        +30 < . 1 ack 1 win 8192 <ts 37 1000>
        state Established
        idle
        """);

    [Fact]
    public void Options_that_the_peer_lacks_are_not_used() => Script.Run("""
        listen
        < S 0 win 65535
        > S. 0 ack 1 win 65535 <mss 1460>
        < . 1 ack 1 win 65535
        < P. 3:5 ack 1 win 65535
        > . 1 ack 1 win 65535
        """);

    [Fact]
    public void The_answer_of_a_peer_without_options_turns_them_off() => Script.Run("""
        open <mss 1460>
        < P. 3:5 ack 1 win 65535
        > . 1 ack 1 win 65535
        """);

    [Fact]
    public void Simultaneous_open() => Script.Run("""
        connect
        > S 0 <*>
        < S 0 win 65535 <mss 1460>
        > S. 0 ack 1 win 65535 <mss 1460>
        state SynReceived
        < S. 0 ack 1 win 65535 <mss 1460>
        state Established
        """);

    [Fact]
    public void Simultaneous_open_with_a_peer_that_acknowledges_alone() => Script.Run("""
        connect
        > S 0 <*>
        < S 0 win 65535 <mss 1460>
        > S. 0 ack 1 <*>
        < . 1 ack 1 win 65535
        state Established
        """);

    [Fact]
    public void A_simultaneous_open_that_is_reset_was_refused() => Script.Run("""
        connect
        > S 0 <*>
        < S 0 win 65535 <mss 1460>
        > S. 0 ack 1 <*>
        < R. 1 ack 1
        state Closed
        reason Refused
        """);

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(-5000)]
    public void In_syn_sent_a_wrong_acknowledgement_is_refused_and_nothing_else_happens(int ack) => Script.Run($"""
        connect
        > S 0 <*>
        < S. 0 ack {ack} win 65535 <mss 1460>
        > R {ack}
        state SynSent
        < . 7 ack {ack}
        > R {ack}
        < R. 7 ack {ack}
        state SynSent
        """);

    [Fact]
    public void In_syn_sent_a_reset_without_a_good_acknowledgement_is_ignored() => Script.Run("""
        connect
        > S 0 <*>
        < R 1
        state SynSent
        """);

    [Fact]
    public void In_syn_sent_a_reset_that_acknowledges_the_syn_refuses() => Script.Run("""
        connect
        > S 0 <*>
        < R. 0 ack 1
        state Closed
        reason Refused
        """);

    [Fact]
    public void In_syn_sent_an_acknowledgement_alone_changes_nothing() => Script.Run("""
        connect
        > S 0 <*>
        < . 1 ack 1
        state SynSent
        """);

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void In_syn_received_a_wrong_acknowledgement_is_refused(int ack) => Script.Run($"""
        listen
        < S 0 win 65535 <mss 1460>
        > S. 0 ack 1 <*>
        < . 1 ack {ack}
        > R {ack}
        state SynReceived
        """);

    [Fact]
    public void A_reset_in_syn_received_ends_the_attempt() => Script.Run("""
        listen
        < S 0 win 65535 <mss 1460>
        > S. 0 ack 1 <*>
        < R 1
        state Closed
        """);

    [Fact]
    public void A_passive_opener_gives_up_for_a_new_syn_inside_the_window() => Script.Run("""
        listen
        < S 0 win 65535 <mss 1460>
        > S. 0 ack 1 <*>
        < S 500 win 65535 <mss 1460>
        state Closed
        """);

    [Fact]
    public void An_old_duplicate_syn_is_undone_by_the_reset_of_its_sender() => Script.Run("""
        listen
        < S 0 win 65535 <mss 1460>      # old
        > S. 0 ack 1 <*>
        < S -9000 win 65535 <mss 1460>  # the real one, outside the window
        > . 1 ack 1
        < R 1                           # the answer made no sense to its sender
        state Closed
        """);

    [Fact]
    public void The_syn_ack_is_sent_again_by_its_timer_and_not_for_each_syn() => Script.Run("""
        listen
        < S 0 win 65535 <mss 1460>
        > S. 0 ack 1 <*>
        +100 < S 0 win 65535 <mss 1460>
        +900 > S. 0 ack 1 <*>
        +2000 > S. 0 ack 1 <*>
        """);

    [Fact]
    public void A_syn_is_sent_eight_times_over_three_minutes() => Script.Run("""
        connect
        > S 0 <*>
        +1000 > S 0 <*>
        +2000 > S 0 <*>
        +4000 > S 0 <*>
        +8000 > S 0 <*>
        +16000 > S 0 <*>
        +32000 > S 0 <*>
        +60000 > S 0 <*>
        state SynSent
        +60100
        state Closed
        reason TimedOut
        """);

    [Fact]
    public void To_close_before_there_is_a_connection_ends_the_attempt() => Script.Run("""
        connect
        > S 0 <*>
        close
        state Closed
        idle
        """);

    [Fact]
    public void To_abort_before_there_is_a_connection_sends_nothing() => Script.Run("""
        connect
        > S 0 <*>
        abort
        state Closed
        reason Aborted
        """);

    [Fact]
    public void A_peer_without_mss_option_gets_536_over_IPv4() => Script.Run("""
        open <sackOK>
        write 600
        > . 1:537 ack 1
        < . 1 ack 537
        > P. 537:601 ack 1
        """);

    [Fact]
    public void A_peer_without_mss_option_gets_1220_over_IPv6() => new Script(local: "2001:db8::1", remote: "2001:db8::2").Play("""
        open <sackOK>
        write 1300
        > . 1:1221 ack 1
        < . 1 ack 1221
        > P. 1221:1301 ack 1
        """);

    [Fact]
    public void The_peers_mss_counts_without_options_and_ours_limits_it()
    {
        Script.Run("""
            open <mss 1000, ts 7 1000>
            write 1100
            > . 1:989 ack 1 <ts 1000 7>
            """ + "\n< . 1 ack 989 <ts 8 1000>\n> P. 989:1101 ack 1 <ts 1000 8>");
        Script.Run("""
            open <mss 9000>
            write 1500
            > . 1:1461 ack 1
            < . 1 ack 1461
            > P. 1461:1501 ack 1
            """);
    }

    [Fact]
    public void Unknown_and_damaged_options_are_passed_over()
    {
        // An option of a kind that nobody knows, then one at an odd place, then one whose length is impossible.
        Script.Run("""
            listen
            < S 0 win 65535 <raw FD0399, mss 1000, raw FE00>
            > S. 0 ack 1 win 65535 <mss 1460>
            < . 1 ack 1 win 65535
            write 1001
            > . 1:1001 ack 1
            < . 1 ack 1001 <raw FD04ABCD>
            > P. 1001:1002 ack 1
            """);
    }

    [Fact]
    public void A_connection_to_many_hosts_at_once_is_refused() => Assert.Throws<InvalidOperationException>(
        () => new Script(remote: "224.0.0.1").Connection.Connect());
}
