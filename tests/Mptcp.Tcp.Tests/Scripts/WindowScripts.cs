namespace Mptcp.Tcp.Tests.Scripts;

/// <summary>Flow control, silly windows, Nagle, and when an ACK leaves (RFC 9293 §3.7.4, §3.8.6).</summary>
public class WindowScripts
{
    [Fact]
    public void A_closed_window_is_probed_after_the_timeout_and_then_ever_more_rarely() => Script.Run("""
        open
        < . 1 ack 1 win 0
        write 100
        +200 > . 0 ack 1
        < . 1 ack 1 win 0
        +400 > . 0 ack 1
        < . 1 ack 1 win 0
        +800 > . 0 ack 1
        < . 1 ack 1 win 0
        +1600 > . 0 ack 1
        < . 1 ack 1 win 1000
        > P. 1:101 ack 1
        """);

    [Fact]
    public void A_window_that_stays_closed_for_a_day_is_no_error()
    {
        Script script = Script.Run("open\n< . 1 ack 1 win 0\nwrite 100");
        for (int i = 0; i < 1500; i++)
        {
            script.Play("~ > . 0 ack 1\n< . 1 ack 1 win 0");
        }

        script.Play("state Established\n< . 1 ack 1 win 500\n> P. 1:101 ack 1");
    }

    [Fact]
    public void A_peer_that_leaves_all_probes_of_its_window_without_an_answer_is_gone()
    {
        Script script = Script.Run("open\n< . 1 ack 1 win 0\nwrite 100");
        for (int i = 0; i < 15; i++)
        {
            script.Play("~ > . 0 ack 1\nstate Established");
        }

        script.Play("+60000\nstate Closed");
        Assert.Equal(TcpCloseReason.TimedOut, script.Connection.CloseReason);
    }

    [Fact]
    public void A_window_that_shrinks_below_what_is_out_does_not_end_the_connection()
    {
        Script script = Script.Run("""
            open
            write 1000
            > P. 1:1001 ack 1
            < . 1 ack 1 win 0
            """);
        for (int i = 0; i < 40; i++)
        {
            script.Play("~ > P. 1:1001 ack 1\n< . 1 ack 1 win 0");
        }

        script.Play("state Established\n< . 1 ack 1001 win 500\nidle");
    }

    [Fact]
    public void Nothing_new_leaves_beyond_a_window_that_shrank() => Script.Run("""
        open
        nodelay on
        write 1000
        > P. 1:1001 ack 1
        < . 1 ack 1 win 500
        write 100
        < . 1 ack 1001 win 500
        > P. 1001:1101 ack 1
        """);

    [Fact]
    public void The_window_is_an_unsigned_number() => Script.Run("""
        open <mss 1460, wscale 14>
        < . 1 ack 1 win 65535
        write 60000
        > . 1:1461 ack 1
        > . 1461:2921 ack 1
        > . 2921:4381 ack 1
        > . 4381:5841 ack 1
        > . 5841:7301 ack 1
        > . 7301:8761 ack 1
        > . 8761:10221 ack 1
        > . 10221:11681 ack 1
        > . 11681:13141 ack 1
        > . 13141:14601 ack 1
        """);

    [Fact]
    public void A_window_update_alone_lets_data_go() => Script.Run("""
        open
        < . 1 ack 1 win 100
        write 300
        > . 1:101 ack 1
        < . 1 ack 101 win 0
        < . 1 ack 101 win 1000
        > P. 101:301 ack 1
        """);

    [Fact]
    public void The_sender_waits_for_a_window_that_is_worth_a_segment() => Script.Run("""
        open
        nodelay on
        < . 1 ack 1 win 2000
        write 5000
        > . 1:1461 ack 1
        < . 1 ack 1 win 2000      # 540 are left: less than a segment, less than half of the best window
        < . 1 ack 1461 win 400
        > . 1461:1861 ack 1
        < . 1 ack 1861 win 1460
        > . 1861:3321 ack 1
        """);

    [Fact]
    public void The_receiver_does_not_offer_crumbs() => new Script(buffers: 4000).Play("""
        open
        < . 1:1461 ack 1
        > . 1 ack 1461 win 2540
        < . 1461:2921 ack 1
        > . 1 ack 2921 win 1080
        < P. 2921:4001 ack 1
        > . 1 ack 4001 win 0
        read 1000
        < . 4000 ack 1
        > . 1 ack 4001 win 0      # a probe learns nothing from crumbs
        read 460
        < . 4000 ack 1
        > . 1 ack 4001 win 1460
        read 540
        < . 4001:4002 ack 1
        > . 1 ack 4002 win 1459   # the right edge stays
        read 1500
        > . 1 ack 4002 win 3499
        """);

    [Fact]
    public void The_right_edge_does_not_move_back() => new Script(buffers: 4000).Play("""
        open
        < P. 1:11 ack 1
        > . 1 ack 11 win 3990
        < P. 11:21 ack 1
        > . 1 ack 21 win 3980
        """);

    [Fact]
    public void Data_at_a_closed_window_is_dropped_and_its_acknowledgement_counts() => new Script(buffers: 2000).Play("""
        open
        write 10
        > P. 1:11 ack 1
        < P. 1:2001 ack 1
        > . 11 ack 2001 win 0
        < P. 2001:2002 ack 11
        > . 11 ack 2001 win 0
        readable 2000
        idle
        """);

    [Fact]
    public void Nagle_holds_a_small_segment_while_another_is_out() => Script.Run("""
        open
        write 100
        > P. 1:101 ack 1
        write 100
        write 100
        +10 < . 1 ack 101
        > P. 101:301 ack 1
        write 1500
        > . 301:1761 ack 1
        +10 < . 1 ack 1761
        > P. 1761:1801 ack 1
        """);

    [Fact]
    public void Without_Nagle_each_write_leaves_at_once() => Script.Run("""
        open
        nodelay on
        write 100
        > P. 1:101 ack 1
        write 100
        > P. 101:201 ack 1
        """);

    [Fact]
    public void Nagle_does_not_hold_the_last_segment_before_a_fin() => Script.Run("""
        open
        write 100
        > P. 1:101 ack 1
        write 50
        close
        > P. 101:151 ack 1
        > F. 151 ack 1
        """);

    [Fact]
    public void Corked_only_full_segments_leave() => Script.Run("""
        open
        cork on
        write 1000
        +1000
        write 500
        > . 1:1461 ack 1
        < . 1 ack 1461
        +1000
        cork off
        > P. 1461:1501 ack 1
        """);

    [Fact]
    public void The_last_segment_of_a_write_is_pushed() => Script.Run("""
        open
        write 3000
        > . 1:1461 ack 1
        > . 1461:2921 ack 1
        < . 1 ack 2921
        > P. 2921:3001 ack 1
        """);

    [Fact]
    public void Later_an_ack_waits_for_a_second_segment_or_a_moment()
    {
        Script script = Script.Run("open");
        for (int i = 0; i < 16; i++)
        {
            script.Play($"< P. {1 + 100 * i}:{101 + 100 * i} ack 1\n> . 1 ack {101 + 100 * i}");
        }

        script.Play("""
            < . 1601:3049 ack 1
            +40 > . 1 ack 3049
            < . 3049:4497 ack 1
            < . 4497:5945 ack 1
            > . 1 ack 5945
            < . 5945:7393 ack 1
            +10 < . 7393:8841 ack 1
            > . 1 ack 8841
            """);
    }

    [Fact]
    public void An_ack_rides_on_data()
    {
        Script script = Script.Run("open");
        for (int i = 0; i < 16; i++)
        {
            script.Play($"< P. {1 + 100 * i}:{101 + 100 * i} ack 1\n> . 1 ack {101 + 100 * i}");
        }

        script.Play("< P. 1601:1701 ack 1\n+20\nwrite 10\n> P. 1:11 ack 1701\n< . 1701 ack 11\nidle");
    }

    [Fact]
    public void One_ack_answers_a_queue_of_segments()
    {
        // The owner hands in what has arrived, then drains: nothing leaves in between.
        var script = new Script();
        script.Play("open\n< P. 1:101 ack 1\n> . 1 ack 101");
        script.InjectAll("P. 101:201 ack 1", "P. 201:301 ack 1", "P. 301:401 ack 1");
        script.Play("> . 1 ack 401");
    }

    [Fact]
    public void Urgent_data_is_data() => Script.Run("""
        open
        < PU. 1:101 ack 1 urg 50
        > . 1 ack 101
        urgent 51
        readable 100
        read 100
        < U. 101 ack 1 urg 60000
        urgent 60101
        """);

    [Fact]
    public void The_urgent_pointer_comes_through_a_closed_window() => new Script(buffers: 2000).Play("""
        open
        < P. 1:2001 ack 1
        > . 1 ack 2001 win 0
        < U. 2001 ack 1 urg 7
        urgent 2008
        """);
}
