using Mptcp.Wire;

namespace Mptcp.Tcp.Tests.Scripts;

/// <summary>What the network says, or does not: path MTU, ICMP errors, silence (RFC 9293 §3.7.2, §3.8.3, §3.8.4, §3.9.2.2).</summary>
public class PathScripts
{
    [Fact]
    public void A_smaller_path_MTU_cuts_what_is_out_anew() => Script.Run("""
        open
        write 2000
        > . 1:1461 ack 1
        < . 1 ack 1
        mtu 1040
        > . 1:1001 ack 1
        > P. 1001:1461 ack 1
        < . 1 ack 1461
        > P. 1461:2001 ack 1
        """.Replace("> P. 1001:1461", "> . 1001:1461", StringComparison.Ordinal));

    [Fact]
    public void New_data_keeps_to_the_path_MTU_for_ten_minutes() => Script.Run("""
        open
        mtu 1240
        write 1300
        > . 1:1201 ack 1
        < . 1 ack 1201
        > P. 1201:1301 ack 1
        < . 1 ack 1301
        +600000
        write 1461
        > . 1301:2761 ack 1
        < . 1 ack 2761
        > P. 2761:2762 ack 1
        """);

    [Fact]
    public void An_MTU_that_is_not_smaller_or_not_sane_changes_little() => Script.Run("""
        open
        mtu 9000
        mtu 68
        write 600
        > . 1:513 ack 1
        < . 1 ack 513
        > P. 513:601 ack 1
        """);

    [Fact]
    public void A_smaller_MTU_is_no_sign_of_congestion_and_said_often_repeats_nothing_often()
    {
        Script script = Script.Run("open\nwrite 1400\n> P. 1:1401 ack 1");
        long before = script.Connection.CongestionWindow;
        script.Play("mtu 1040\n> P. 1:1001 ack 1\n> P. 1001:1401 ack 1\nmtu 1040\nmtu 1200");
        Assert.Equal(before, script.Connection.CongestionWindow);
    }

    [Fact]
    public void Only_what_is_on_its_way_can_be_quoted()
    {
        Script script = Script.Run("open\nwrite 100\n> P. 1:101 ack 1");
        uint initial = script.Connection.Configuration.InitialSequenceNumber;
        Assert.False(script.Connection.IsInFlight(initial));
        Assert.True(script.Connection.IsInFlight(unchecked(initial + 1)));
        Assert.True(script.Connection.IsInFlight(unchecked(initial + 100)));
        Assert.False(script.Connection.IsInFlight(unchecked(initial + 101)));
    }

    [Fact]
    public void Full_segments_that_vanish_twice_are_tried_smaller()
    {
        Script script = Script.Run("open\nwrite 1460\n> P. 1:1461 ack 1");
        int full = RunUntil(script, "1:1025", "1:1461");
        Assert.InRange(full, 1, 2);
        script.Play("< . 1 ack 1025\n~ > P. 1025:1461 ack 1\n< . 1 ack 1461");
    }

    /// <summary>The path may have been dark while it was full ones that were sent: only the second time it is their size.</summary>
    [Fact]
    public void Full_segments_that_vanish_again_stay_small_for_ten_minutes()
    {
        Script script = Script.Run("open\nwrite 1460\n> P. 1:1461 ack 1");
        RunUntil(script, "1:1025");
        script.Play("< . 1 ack 1025\n~ > P. 1025:1461 ack 1\n< . 1 ack 1461\nwrite 1460\n> P. 1461:2921 ack 1");
        RunUntil(script, "1461:2485");
        script.Play("< . 1 ack 2485\n~ > P. 2485:2921 ack 1\n< . 1 ack 2921");
        Assert.Equal(1024, script.Connection.SegmentSize);
        script.Play("+600000\nwrite 1460\n> P. 2921:4381 ack 1");
    }

    [Fact]
    public void A_full_segment_that_comes_through_clears_the_path()
    {
        Script script = Script.Run("open\nwrite 1460\n> P. 1:1461 ack 1");
        RunUntil(script, "1:1025");
        script.Play("< . 1 ack 1025\n~ > P. 1025:1461 ack 1\n< . 1 ack 1461\nwrite 1460\n> P. 1461:2921 ack 1\n< . 1 ack 2921\nwrite 1460\n> P. 2921:4381 ack 1");
        RunUntil(script, "2921:3945");
        script.Play("< . 1 ack 3945\n~ > P. 3945:4381 ack 1\n< . 1 ack 4381");
        Assert.Equal(1460, script.Connection.SegmentSize);
    }

    [Fact]
    public void A_path_that_lost_small_segments_too_was_dark()
    {
        Script script = Script.Run("open\nwrite 1460\n> P. 1:1461 ack 1");
        for (int time = 0; time < 2; time++)
        {
            int una = 1 + (time * 1460);
            RunUntil(script, $"{una}:{una + 1024}");
            RunUntil(script, $"{una}:{una + 512}");
            script.Next();
            script.Play($"< . 1 ack {una + 1460}");
            Assert.Equal(1460, script.Connection.SegmentSize);
            script.Play($"write 1460\n> P. {una + 1460}:{una + 2920} ack 1");
        }
    }

    /// <summary>The rest of a segment whose first 512 bytes came through is shorter than a full one, and longer than that.</summary>
    [Fact]
    public void The_rest_of_a_segment_that_was_cut_may_vanish_too()
    {
        Script script = Script.Run("open\nwrite 1460\n> P. 1:1461 ack 1");
        RunUntil(script, "1:1025");
        script.Play("< . 1 ack 513\n< . 1 ack 1461\nwrite 950\n> P. 1461:2411 ack 1");
        RunUntil(script, "1461:1973");
    }

    [Fact]
    public void What_a_router_says_during_a_silence_holds_after_it()
    {
        Script script = Script.Run("open\nwrite 1460\n> P. 1:1461 ack 1");
        RunUntil(script, "1:1025");
        script.Play("mtu 940\n> P. 1:901 ack 1\n> P. 901:1025 ack 1\n> P. 1025:1461 ack 1\n< . 1 ack 1461");
        Assert.Equal(900, script.Connection.SegmentSize);
    }

    /// <summary>Answers nothing until a range is sent; how often another one was sent until then.</summary>
    private static int RunUntil(Script script, string range, string other = "-")
    {
        int count = 0;
        for (int i = 0; i < 6; i++)
        {
            foreach (string line in script.Next())
            {
                count += line.Contains($" {other} ", StringComparison.Ordinal) ? 1 : 0;
                if (line.Contains($" {range} ", StringComparison.Ordinal))
                {
                    return count;
                }
            }
        }

        Assert.Fail($"{range} is not sent");
        return count;
    }

    [Fact]
    public void Small_segments_that_vanish_say_nothing_of_the_MTU()
    {
        Script script = Script.Run("open\nwrite 500\n> P. 1:501 ack 1");
        for (int i = 0; i < 5; i++)
        {
            script.Next();
        }

        Assert.Equal(1460, script.Connection.SegmentSize);
    }

    [Theory]
    [InlineData("hard")]
    [InlineData("soft")]
    public void No_unreachable_ends_a_connection_that_stands(string kind) => Assert.Equal(1, Script.Run($"""
        open
        unreachable {kind}
        state Established
        """).Connection.SoftErrors);

    [Fact]
    public void A_hard_unreachable_ends_an_attempt() => Script.Run("""
        connect
        > S 0 <*>
        unreachable hard
        state Closed
        reason Unreachable
        """);

    [Fact]
    public void A_soft_unreachable_does_not_end_an_attempt() => Script.Run("""
        connect
        > S 0 <*>
        unreachable soft
        state SynSent
        < S. 0 ack 1 <mss 1460>
        > . 1 ack 1
        """);

    [Fact]
    public void Keep_alive_is_off_unless_it_is_wanted() => Script.Run("open\nidle\n+100000000\nstate Established");

    [Fact]
    public void Keep_alive_probes_a_silent_peer_without_data() => Script.Run("""
        open
        keepalive on
        +7200000 > . 0 ack 1
        < . 1 ack 1
        +7200000 > . 0 ack 1
        +75000 > . 0 ack 1
        < . 1 ack 1
        +7200000 > . 0 ack 1
        """);

    [Fact]
    public void Keep_alive_waits_for_silence() => Script.Run("""
        open
        keepalive on
        +7000000 < P. 1:2 ack 1
        > . 1 ack 2
        +7199000
        +1000 > . 0 ack 2
        """);

    [Fact]
    public void Keep_alive_gives_up_only_after_all_its_probes() => Script.Run("""
        open
        +60000 > . 0 ack 1
        +10000 > . 0 ack 1
        +10000 > . 0 ack 1
        state Established
        +10001
        state Closed
        reason TimedOut
        """, c => c with
    {
        KeepAlive = true,
        KeepAliveIdle = 60 * Instant.Second,
        KeepAliveInterval = 10 * Instant.Second,
        KeepAliveProbes = 3,
    });

    [Fact]
    public void The_user_timeout_ends_a_connection_whose_data_stays_unacknowledged()
    {
        var script = new Script(c => c with { UserTimeout = 5 * Instant.Second });
        script.Play("open\n+10000\nwrite 10\n> P. 1:11 ack 1");
        script.Silence(4900);
        script.Play("state Established");
        script.Silence(101);
        script.Play("state Closed\nreason TimedOut");
    }

    [Fact]
    public void Progress_begins_the_user_timeout_anew()
    {
        var script = new Script(c => c with { UserTimeout = 5 * Instant.Second, NoDelay = true });
        script.Play("open\nwrite 10\n> P. 1:11 ack 1\nwrite 10\n> P. 11:21 ack 1");
        script.Silence(4000);
        script.InjectAll(". 1 ack 11");
        script.Silence(4000);
        script.Play("state Established\n< . 1 ack 21\n+100000\nstate Established");
    }

    [Fact]
    public void Unacknowledged_data_is_sent_again_for_more_than_a_hundred_seconds()
    {
        Script script = Script.Run("open\nwrite 10\n> P. 1:11 ack 1");
        script.Silence(100_000);
        script.Play("state Established");
        script.Silence(2_000_000);
        script.Play("state Closed\nreason TimedOut");
    }

    [Fact]
    public void The_application_sets_how_often_data_is_sent_again()
    {
        Script script = Script.Run("open\nwrite 10\n> P. 1:11 ack 1", c => c with { DataTransmissions = 2 });
        script.Silence(5000);
        script.Play("state Closed\nreason TimedOut");
    }

    [Fact]
    public void The_hop_limit_is_the_configured_one()
    {
        var script = new Script(c => c with { HopLimit = 7 });
        byte[] packet = new byte[2000];
        script.Connection.Connect();
        Assert.True(script.Connection.TryTransmit(new Instant(Instant.Second), packet, out int length));
        Assert.Equal(7, packet[8]);
        Assert.True(IpPacket.TryParse(packet.AsSpan(0, length), out _, out _));
    }
}
