namespace Mptcp.Tcp.Tests.Scripts;

/// <summary>Timestamps, PAWS and window scale (RFC 7323).</summary>
public class TimestampScripts
{
    [Fact]
    public void Every_segment_carries_our_clock_and_the_echo() => Script.Run("""
        open <mss 1460, ts 70 1000, sackOK>
        +5
        write 10
        > P. 1:11 ack 1 <ts 1005 70>
        +5 < P. 1:11 ack 11 <ts 90 1005>
        > . 11 ack 11 <ts 1010 90>
        """);

    [Fact]
    public void An_older_timestamp_is_a_duplicate_from_long_ago() => Script.Run("""
        open <mss 1460, ts 70 1000>
        < P. 1:11 ack 1 <ts 69 1000>
        > . 1 ack 1 <*>
        readable 0
        < P. 1:11 ack 1 <ts 70 1000>
        > . 1 ack 11 <*>
        readable 10
        """);

    [Fact]
    public void The_clock_of_the_peer_may_wrap() => Script.Run("""
        open <mss 1460, ts 4294967290 1000>
        < P. 1:11 ack 1 <ts 5 1000>
        > . 1 ack 11 <ts 1000 5>
        < P. 11:21 ack 1 <ts 4294967295 1000>
        > . 1 ack 11 <*>
        readable 10
        """);

    [Fact]
    public void A_reset_is_not_judged_by_its_timestamp() => Script.Run("""
        open <mss 1460, ts 70 1000>
        < R 1 <ts 3 0>
        state Closed
        """);

    [Fact]
    public void A_peer_silent_for_weeks_may_have_any_clock() => Script.Run("""
        open <mss 1460, ts 70 1000>
        +2073599000
        < P. 1:11 ack 1 <ts 5 1000>
        > . 1 ack 1 <*>
        +2000
        < P. 1:11 ack 1 <ts 5 1000>
        > . 1 ack 11 <*>
        """);

    [Fact]
    public void The_echo_is_that_of_the_first_segment_that_waits_for_its_ack()
    {
        Script script = Script.Run("open <mss 1460, ts 70 1000>");
        for (int i = 0; i < 16; i++)
        {
            script.Play($"< P. {1 + 100 * i}:{101 + 100 * i} ack 1 <ts 71 1000>\n> . 1 ack {101 + 100 * i} <ts 1000 71>");
        }

        script.Play("""
            < . 1601:2601 ack 1 <ts 80 1000>
            < . 2601:3601 ack 1 <ts 90 1000>
            > . 1 ack 3601 <ts 1000 80>
            """);
    }

    [Fact]
    public void A_segment_beyond_a_hole_does_not_change_the_echo() => Script.Run("""
        open <mss 1460, ts 70 1000>
        < P. 101:201 ack 1 <ts 80 1000>
        > . 1 ack 1 <ts 1000 70>
        < P. 1:101 ack 1 <ts 75 1000>
        > . 1 ack 201 <ts 1000 75>
        """);

    [Fact]
    public void Timestamps_that_were_not_agreed_are_ignored() => Script.Run("""
        open <mss 1460, sackOK>
        < P. 1:11 ack 1 <ts 70 1000>
        > . 1 ack 11
        < P. 11:21 ack 1 <ts 3 1000>
        > . 1 ack 21
        readable 20
        """);

    [Fact]
    public void A_segment_without_the_agreed_timestamps_ends_nothing() => Script.Run("""
        open <mss 1460, ts 70 1000>
        < P. 1:11 ack 1
        > . 1 ack 11 <*>
        state Established
        """);

    [Fact]
    public void The_timestamp_of_a_reset_changes_nothing() => Script.Run("""
        open <mss 1460, ts 70 1000>
        < R 100 <ts 500 0>
        > . 1 ack 1 <ts 1000 70>
        """);

    [Fact]
    public void A_scale_outside_a_SYN_is_ignored() => Script.Run("""
        open <mss 1460, wscale 2>
        write 100
        > P. 1:101 ack 1
        < . 1 ack 101 win 20 <wscale 7>
        write 100
        > . 101:181 ack 1
        < . 1 ack 181 win 5
        > P. 181:201 ack 1
        """);

    [Fact]
    public void What_any_earlier_window_allowed_is_taken() => new Script(buffers: 4000).Play("""
        open
        < . 1:2001 ack 1
        > . 1 ack 2001 win 2000
        < . 2001:4001 ack 1
        > . 1 ack 4001 win 0
        readable 4000
        """);

    [Fact]
    public void Windows_are_scaled_once_both_have_said_so_and_never_in_a_syn() => new Script(buffers: 300_000).Play("""
        connect
        > S 0 win 65535 <mss 1460, sackOK, ts 1000 0, wscale 7>
        < S. 0 ack 1 win 10 <mss 1460, wscale 14>
        > . 1 ack 1 win 2343
        write 100
        > . 1:11 ack 1
        < . 1 ack 11 win 1
        > P. 11:101 ack 1
        """);

    [Fact]
    public void Without_the_peers_scale_ours_is_not_used() => new Script(buffers: 300_000).Play("""
        listen
        < S 0 win 65535 <mss 1460>
        > S. 0 ack 1 win 65535 <mss 1460>
        < . 1 ack 1 win 65535
        ack
        > . 1 ack 1 win 65535
        """);

    [Fact]
    public void A_scale_above_fourteen_means_fourteen()
    {
        var script = new Script(buffers: 60_000);
        script.Play("open <mss 1460, wscale 15>\n< . 1 ack 1 win 0");
        script.Do("write 60000");
        script.InjectAll(". 1 ack 1 win 1");
        Assert.Equal(10, script.Take().Count);

        // The congestion window is twenty segments then; 16,384 bytes are eleven.
        script.InjectAll(". 1 ack 14601 win 1");
        Assert.Equal(11, script.Take().Count);
    }
}
