using Mptcp.Wire;

namespace Mptcp.Tcp.Tests.Scripts;

/// <summary>Data in the SYN (RFC 7413), at both ends.</summary>
public class FastOpenScripts
{
    private const string Cookie = "0011223344556677";

    [Fact]
    public void A_client_asks_for_a_cookie_and_learns_it()
    {
        Script script = new Script(Asks()).Play($"""
            write 100
            connect
            > S 0 <mss 1460, sackOK, ts 1000 0, wscale 7, fo>
            +30 < S. 0 ack 1 win 65535 <mss 1400, sackOK, fo {Cookie}>
            > P. 1:101 ack 1 <>
            < . 1 ack 101
            """);
        Assert.Equal(new FastOpenOutcome(CookieOf(Cookie), 1400, 0, 0, false), script.Connection.FastOpenOutcome);
        Assert.False(script.Connection.FastOpened);
    }

    [Fact]
    public void A_client_with_a_cookie_sends_its_data_in_the_SYN()
    {
        Script script = new Script(Knows(1400)).Play($"""
            write 100
            connect
            > S 0:100 <mss 1460, sackOK, ts 1000 0, wscale 7, fo {Cookie}>
            +30 < S. 0 ack 101 win 65535 <mss 1460, sackOK>
            > . 101 ack 1 <>
            state Established
            idle
            write 10
            > P. 101:111 ack 1 <>
            """);
        Assert.Equal(new FastOpenOutcome(null, 1460, 100, 100, false), script.Connection.FastOpenOutcome);
        Assert.True(script.Connection.FastOpened);
    }

    [Fact]
    public void The_answer_may_come_before_the_handshake_is_done() => Knows("""
        write 100
        connect
        > S 0:100 <*>
        +30 < S. 0 ack 101 win 65535 <mss 1460, sackOK>
        > . 101 ack 1 <>
        < P. 1:501 ack 101
        > . 101 ack 501 <>
        readable 500
        """);

    [Fact]
    public void A_client_without_data_has_no_use_for_its_cookie() => Knows("""
        connect
        > S 0 <mss 1460, sackOK, ts * 0, wscale 7>
        """);

    [Theory]
    [InlineData(0, 536)]
    [InlineData(700, 700)]
    [InlineData(9000, 1460)]
    public void The_SYN_carries_what_the_peers_MSS_leaves_beside_its_options(int known, int size) =>
        new Script(Knows(known)).Play($"""
            write {size + 1460}
            connect
            > S 0:{size - 32} <mss 1460, sackOK, ts 1000 0, wscale 7, fo {Cookie}>
            < S. 0 ack {size - 31} win 65535 <mss 1460>
            > . {size - 31}:{size - 31 + 1460} ack 1
            """);

    [Fact]
    public void Over_IPv6_the_default_is_1220() =>
        new Script(Knows(0), local: "fd00::1", remote: "fd00::2").Play($"""
            write 4000
            connect
            > S 0:{1220 - 32} <*>
            """);

    [Fact]
    public void Data_that_the_peer_did_not_take_goes_again_at_once() => Knows("""
        write 100
        connect
        > S 0:100 <*>
        +30 < S. 0 ack 1 win 65535 <mss 1460, sackOK>
        > P. 1:101 ack 1 <>
        < . 1 ack 101
        state Established
        idle
        """);

    [Fact]
    public void Data_that_the_peer_took_in_part_goes_on_where_it_ends()
    {
        Script script = new Script(Knows(1400)).Play("""
            write 1000
            connect
            > S 0:1000 <*>
            +30 < S. 0 ack 501 win 65535 <mss 536, sackOK>
            > P. 501:1001 ack 1 <>
            < . 1 ack 1001
            idle
            """);
        Assert.Equal((1000, 500), (script.Connection.FastOpenOutcome.DataSent, script.Connection.FastOpenOutcome.DataTaken));
    }

    [Fact]
    public void Data_that_was_not_taken_fits_the_peers_segments_then() => Knows("""
        write 1000
        connect
        > S 0:1000 <*>
        +30 < S. 0 ack 1 win 65535 <mss 536, sackOK>
        > . 1:537 ack 1 <>
        +30 < . 1 ack 537
        > P. 537:1001 ack 1 <>
        """);

    [Fact]
    public void A_fresh_cookie_comes_with_the_refusal()
    {
        Script script = new Script(Knows(1400)).Play("""
            write 100
            connect
            > S 0:100 <*>
            < S. 0 ack 1 win 65535 <mss 1460, fo aabbccddeeff>
            > P. 1:101 ack 1
            """);
        Assert.Equal(CookieOf("aabbccddeeff"), script.Connection.FastOpenOutcome.Cookie);
    }

    [Fact]
    public void The_SYN_goes_again_without_data_and_cookie()
    {
        Script script = new Script(Knows(1400)).Play("""
            write 100
            connect
            > S 0:100 <*>
            ~ > S 0 <mss 1460, sackOK, ts * 0, wscale 7>
            < S. 0 ack 1 win 65535 <mss 1460, sackOK>
            > P. 1:101 ack 1 <>
            < . 1 ack 101
            idle
            """);
        Assert.Equal(new FastOpenOutcome(null, 1460, 100, 0, true), script.Connection.FastOpenOutcome);
    }

    [Fact]
    public void A_late_answer_to_the_first_SYN_counts() => Knows("""
        write 100
        connect
        > S 0:100 <*>
        ~ > S 0 <*>
        < S. 0 ack 101 win 65535 <mss 1460, sackOK>
        > . 101 ack 1 <>
        idle
        """);

    [Fact]
    public void The_request_is_not_repeated_either() => new Script(Asks()).Play("""
        connect
        > S 0 <mss 1460, sackOK, ts * 0, wscale 7, fo>
        ~ > S 0 <mss 1460, sackOK, ts * 0, wscale 7>
        """);

    [Fact]
    public void A_peer_that_acknowledges_more_than_the_SYN_had_is_refused() => Knows("""
        write 100
        connect
        > S 0:100 <*>
        < S. 0 ack 102 win 65535 <mss 1460>
        > R 102
        state SynSent
        """);

    [Theory]
    [InlineData(1)]
    [InlineData(101)]
    public void A_SYN_with_data_may_be_refused(int ack) => Knows($"""
        write 100
        connect
        > S 0:100 <*>
        < R. 0 ack {ack}
        state Closed
        reason Refused
        """);

    [Fact]
    public void A_user_that_closes_after_its_first_write_still_has_it_delivered() => Knows("""
        write 100
        connect
        > S 0:100 <*>
        close
        < S. 0 ack 101 win 65535 <mss 1460>
        > F. 101 ack 1
        """);

    [Theory]
    [InlineData(1)]
    [InlineData(101)]
    public void Simultaneous_open(int taken) => Knows($"""
        write 100
        connect
        > S 0:100 <*>
        < S 0:50 win 65535 <mss 1460, fo {Cookie}>
        > S. 0 ack 1 <mss 1460>
        readable 0
        < . 1 ack {taken} win 65535
        {(taken == 1 ? "> P. 1:101 ack 1" : "")}
        < . 1 ack 101
        state Established
        idle
        """);

    [Fact]
    public void A_server_takes_the_data_of_a_valid_cookie_at_once()
    {
        Script script = new Script(Takes()).Play($"""
            listen
            < S 0:100 win 65535 <mss 1460, sackOK, fo {Cookie}>
            > S. 0 ack 101 win 65435 <mss 1460, sackOK>
            state SynReceived
            readable 100
            read 100
            < . 101 ack 1
            state Established
            idle
            < P. 101:111 ack 1
            > . 1 ack 111 <>
            """);
        Assert.True(script.Connection.FastOpened);
    }

    [Fact]
    public void A_server_answers_before_the_handshake_is_done() => new Script(Takes()).Play("""
        listen
        < S 0:100 win 65535 <mss 1460, sackOK>
        > S. 0 ack 101 <*>
        nodelay on
        write 2000
        > . 1:1461 ack 101 <>
        > P. 1461:2001 ack 101 <>
        state SynReceived
        +30 < . 101 ack 2001
        state Established
        idle
        """);

    [Fact]
    public void An_early_answer_keeps_to_the_initial_window() => new Script(Takes()).Play("""
        listen
        < S 0:100 win 65535 <mss 1000, sackOK>
        > S. 0 ack 101 <*>
        write 20000
        > . 1:1001 ack 101 <>
        > . 1001:2001 ack 101 <>
        > . 2001:3001 ack 101 <>
        > . 3001:4001 ack 101 <>
        > . 4001:5001 ack 101 <>
        > . 5001:6001 ack 101 <>
        > . 6001:7001 ack 101 <>
        > . 7001:8001 ack 101 <>
        > . 8001:9001 ack 101 <>
        """);

    [Fact]
    public void Before_the_handshake_is_done_only_the_SYN_ACK_goes_again_and_without_option() =>
        new Script(configuration => configuration with { FastOpen = new TcpFastOpen { TakeData = true, Cookie = CookieOf(Cookie) } }).Play($"""
            listen
            < S 0:100 win 65535 <mss 1460, sackOK>
            > S. 0 ack 101 <mss 1460, sackOK, fo {Cookie}>
            write 500
            > P. 1:501 ack 101 <>
            ~ > S. 0 ack 101 <mss 1460, sackOK>
            ~ > S. 0 ack 101 <mss 1460, sackOK>
            < . 101 ack 1
            > P. 1:501 ack 101 <>
            < . 101 ack 501
            idle
            """);

    [Fact]
    public void A_server_does_not_close_before_the_handshake_is_done() => new Script(Takes()).Play("""
        listen
        < S 0:100 win 65535 <mss 1460, sackOK>
        > S. 0 ack 101 <*>
        close
        +30 < . 101 ack 1
        > F. 1 ack 101 <>
        """);

    [Fact]
    public void A_server_drops_the_data_without_a_valid_cookie_and_gives_a_new_one() =>
        new Script(configuration => configuration with { FastOpen = new TcpFastOpen { Cookie = CookieOf(Cookie) } }).Play($"""
            listen
            < S 0:100 win 65535 <mss 1460, sackOK, fo aabbccdd>
            > S. 0 ack 1 <mss 1460, sackOK, fo {Cookie}>
            readable 0
            < P. 1:101 ack 1
            > . 1 ack 101 <>
            readable 100
            """);

    [Fact]
    public void A_server_without_Fast_Open_drops_the_data_and_says_nothing() => Script.Run($"""
        listen
        < S 0:100 win 65535 <mss 1460, sackOK, fo {Cookie}>
        > S. 0 ack 1 <mss 1460, sackOK>
        write 10
        readable 0
        < P. 1:101 ack 1
        > P. 1:11 ack 101 <>
        """);

    [Theory]
    [InlineData(true, 101)]
    [InlineData(false, 1)]
    public void A_SYN_with_data_that_comes_twice_changes_nothing(bool takes, int next) =>
        new Script(takes ? Takes() : null).Play($"""
            listen
            < S 0:100 win 65535 <mss 1460, sackOK>
            > S. 0 ack {next} <*>
            < S 0:100 win 65535 <mss 1460, sackOK>
            < S 0 win 65535 <mss 1460, sackOK>
            state SynReceived
            readable {next - 1}
            < . {next} ack 1
            state Established
            < S 0:100 win 65535 <mss 1460, sackOK>
            > . 1 ack {next} <*>
            readable {next - 1}
            """);

    [Fact]
    public void A_FIN_with_the_SYN_is_not_taken() => new Script(Takes()).Play("""
        listen
        < SF 0:100 win 65535 <mss 1460, sackOK>
        > S. 0 ack 1 <*>
        readable 0
        """);

    [Fact]
    public void What_is_beyond_the_window_is_not_taken() => new Script(Takes(), buffers: 60).Play("""
        listen
        < S 0:100 win 65535 <mss 1460, sackOK>
        > S. 0 ack 61 <*>
        readable 60
        """);

    [Fact]
    public void A_cookie_option_counts_in_a_SYN_only() => Assert.Null(new Script(Asks()).Play($"""
        connect
        > S 0 <mss 1460, sackOK, ts * 0, wscale 7, fo>
        < S. 0 ack 1 win 65535 <mss 1460>
        > . 1 ack 1
        < . 1 ack 1 <fo {Cookie}>
        state Established
        """).Connection.FastOpenOutcome.Cookie);

    private static void Knows(string text) => new Script(Knows(1400)).Play(text);

    private static Func<TcpConfiguration, TcpConfiguration> Asks() => configuration =>
        configuration with { FastOpen = new TcpFastOpen { Cookie = default(FastOpenCookie) } };

    private static Func<TcpConfiguration, TcpConfiguration> Knows(int segmentSize) => configuration =>
        configuration with { FastOpen = new TcpFastOpen { Cookie = CookieOf(Cookie), PeerSegmentSize = segmentSize } };

    private static Func<TcpConfiguration, TcpConfiguration> Takes() => configuration =>
        configuration with { FastOpen = new TcpFastOpen { TakeData = true } };

    private static FastOpenCookie CookieOf(string hex)
    {
        Assert.True(FastOpenCookie.TryCreate(Convert.FromHexString(hex), out FastOpenCookie cookie));
        return cookie;
    }
}
