namespace Mptcp.Tcp.Tests.Scripts;

/// <summary>Blind attacks and honest accidents: RST, SYN, acknowledgements out of place (RFC 5961, RFC 9293 §3.10.7.4).</summary>
public class ResetScripts
{
    /// <summary>Ways into each synchronized state from "open", with what we and the peer have sent then.</summary>
    public static TheoryData<string, string, int, int> States() => new()
    {
        { "Established", "", 1, 1 },
        { "FinWait1", "close\n> F. 1 ack 1", 2, 1 },
        { "FinWait2", "close\n> F. 1 ack 1\n< . 1 ack 2", 2, 1 },
        { "CloseWait", "< F. 1 ack 1\n> . 1 ack 2", 1, 2 },
        { "Closing", "close\n> F. 1 ack 1\n< F. 1 ack 1\n> . 2 ack 2", 2, 2 },
        { "LastAck", "< F. 1 ack 1\n> . 1 ack 2\nclose\n> F. 1 ack 2", 2, 2 },
        { "TimeWait", "close\n> F. 1 ack 1\n< F. 1 ack 2\n> . 2 ack 2", 2, 2 },
    };

    [Theory]
    [MemberData(nameof(States))]
    public void The_exact_sequence_number_resets(string state, string way, int ours, int theirs) => Script.Run($"""
        open
        {way}
        state {state}
        < R {theirs}
        state Closed
        reason {(state == "TimeWait" ? "None" : "ResetByPeer")}   # {ours}
        idle
        """);

    [Theory]
    [MemberData(nameof(States))]
    public void Another_one_in_the_window_is_challenged(string state, string way, int ours, int theirs) => Script.Run($"""
        open
        {way}
        < R {theirs + 1000}
        > . {ours} ack {theirs}
        state {state}
        """);

    [Theory]
    [MemberData(nameof(States))]
    public void A_reset_outside_the_window_is_ignored(string state, string way, int ours, int theirs) => Script.Run($"""
        open
        {way}
        < R {theirs - 1}
        < R {theirs + 70000}
        < R. {theirs - 1000} ack {ours}
        state {state}
        """);

    [Theory]
    [MemberData(nameof(States))]
    public void A_syn_in_the_window_is_challenged(string state, string way, int ours, int theirs) => Script.Run($"""
        open
        {way}
        < S {theirs + 500} <mss 1460>
        {(state == "TimeWait" ? "" : $"> . {ours} ack {theirs}")}
        < S. {theirs} ack {ours} <mss 1460>
        {(state == "TimeWait" ? "" : $"> . {ours} ack {theirs}")}
        state {state}
        """);

    [Theory]
    [MemberData(nameof(States))]
    public void An_acknowledgement_of_what_was_never_sent_is_challenged_and_its_segment_dropped(
        string state, string way, int ours, int theirs) => Script.Run($"""
        open
        {way}
        < P. {theirs}:{theirs + 100} ack {ours + 1}
        > . {ours} ack {theirs}
        readable 0
        state {state}
        """);

    [Theory]
    [MemberData(nameof(States))]
    public void A_segment_without_ack_is_dropped(string state, string way, int ours, int theirs) => Script.Run($"""
        open
        {way}
        < P {theirs}:{theirs + 100}   # {ours}
        readable 0
        state {state}
        """);

    [Fact]
    public void An_acknowledgement_older_than_the_largest_window_is_challenged() => Script.Run("""
        open
        < P. 1:101 ack -65535
        > . 1 ack 1
        readable 0
        < P. 1:101 ack -65534
        > . 1 ack 101
        """);

    [Fact]
    public void Challenges_stay_within_their_budget_of_each_second()
    {
        string challenges = string.Concat(Enumerable.Repeat("\n< S 500\n> . 1 ack 1", 3));
        Script.Run($"""
            open
            {challenges}
            < S 500
            < R 500
            < . 1 ack 2
            < . -50 ack 1
            +1001
            {challenges}
            < S 500
            """, c => c with { ChallengeAcksPerSecond = 3 });
    }

    [Fact]
    public void A_reset_may_carry_data_and_comes_through_a_closed_window() => new Script(buffers: 2000).Play("""
        open
        < P. 1:2001 ack 1
        > . 1 ack 2001 win 0
        < R 2001:2011
        state Closed
        reason ResetByPeer
        """);

    [Fact]
    public void Old_data_is_acknowledged_again_and_old_acks_are_ignored() => Script.Run("""
        open
        < P. 1:101 ack 1
        > . 1 ack 101
        < P. 1:101 ack 1
        > . 1 ack 101 <sack 1:101>
        readable 100
        write 10
        > P. 1:11 ack 101
        < . 101 ack 11
        < P. 101:111 ack 5
        > . 11 ack 111
        readable 110
        """);

    [Fact]
    public void Data_outside_the_window_is_dropped_and_acknowledged() => new Script(buffers: 2000).Play("""
        open
        < P. 2001:2011 ack 1
        > . 1 ack 1
        < P. 1501:2501 ack 1
        > . 1 ack 1 <sack 1501:2001>
        < P. 1:1501 ack 1
        > . 1 ack 2001 win 0
        read 2000
        > . 1 ack 2001 win 2000
        """);

    [Fact]
    public void After_the_end_nothing_is_said() => Script.Run("""
        open
        < R 1
        < P. 1:101 ack 1
        < S 0
        write 1
        state Closed
        idle
        """);
}
