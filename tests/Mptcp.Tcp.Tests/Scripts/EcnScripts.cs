namespace Mptcp.Tcp.Tests.Scripts;

/// <summary>Explicit congestion notification (RFC 3168 §6.1).</summary>
public class EcnScripts
{
    private const string Agreed = "connect\n> SEW 0 <*>\n< SE. 0 ack 1 <mss 1460>\n> . 1 ack 1\n";

    private static Script Ask(string text) => Script.Run(text, c => c with { Ecn = EcnMode.Ask });

    [Fact]
    public void Asked_and_agreed() => Assert.True(Ask(Agreed + """
        write 10
        > P. 1:11 ack 1 ect
        """).Connection.EcnAgreed);

    [Theory]
    [InlineData("S.")]
    [InlineData("SEW.")]
    [InlineData("SW.")]
    public void Any_other_answer_is_a_no(string flags) => Ask($"""
        connect
        > SEW 0 <*>
        < {flags} 0 ack 1 <mss 1460>
        > . 1 ack 1
        write 10
        > P. 1:11 ack 1
        """);

    [Fact]
    public void The_third_syn_does_not_ask() => Ask("""
        connect
        > SEW 0 <*>
        ~ > SEW 0 <*>
        ~ > S 0 <*>
        < SE. 0 ack 1 <mss 1460>
        > . 1 ack 1
        write 10
        > P. 1:11 ack 1
        """);

    [Fact]
    public void We_agree_when_asked_and_not_when_it_is_off()
    {
        const string Asked = "listen\n< SEW 0 <mss 1460>\n";
        Script.Run(Asked + "> SE. 0 ack 1 <*>\n< . 1 ack 1\nwrite 10\n> P. 1:11 ack 1 ect");
        Script.Run(Asked + "> S. 0 ack 1 <*>\n< . 1 ack 1\nwrite 10\n> P. 1:11 ack 1", c => c with { Ecn = EcnMode.Off });
        Script.Run("listen\n< SE 0 <mss 1460>\n> S. 0 ack 1 <*>");
    }

    [Fact]
    public void A_mark_is_echoed_until_the_peer_has_reduced_its_window() => Ask(Agreed + """
        < P. 1:11 ack 1 ce
        > E. 1 ack 11
        < P. 11:21 ack 1 ect
        > E. 1 ack 21
        < PW. 21:31 ack 1 ect
        > . 1 ack 31
        < PW. 31:41 ack 1 ce
        > E. 1 ack 41
        """);

    [Fact]
    public void An_echo_reduces_the_window_once_in_a_round_trip_and_says_so()
    {
        Script script = Ask(Agreed + "nodelay on\nwrite 10\n> P. 1:11 ack 1 ect\nwrite 10\n> P. 11:21 ack 1 ect");
        long before = script.Connection.CongestionWindow;
        script.Play("< E. 1 ack 11");
        long after = script.Connection.CongestionWindow;
        Assert.True(after < before, $"{before} became {after}");
        script.Play("< E. 1 ack 21\nwrite 10\n> PW. 21:31 ack 1 ect\nwrite 10\n> P. 31:41 ack 1 ect");
        Assert.True(script.Connection.CongestionWindow >= after);
    }

    [Fact]
    public void Acks_probes_and_repeats_are_not_marked() => Ask(Agreed + """
        < P. 1:11 ack 1 ect
        > . 1 ack 11
        write 10
        > P. 1:11 ack 11 ect
        ~ > P. 1:11 ack 11
        """);

    [Fact]
    public void A_mark_outside_the_window_is_not_echoed() => Ask(Agreed + """
        < P. 1:11 ack 1 ect
        > . 1 ack 11
        < P. 1:11 ack 1 ce
        > . 1 ack 11 <*>
        < P. 100000:100010 ack 1 ce
        > . 1 ack 11
        """);

    [Fact]
    public void Probes_of_a_window_are_not_marked() => Ask(Agreed + """
        < . 1 ack 1 win 0
        write 10
        ~ > . 0 ack 1
        < . 1 ack 1 win 10
        > P. 1:11 ack 1 ect
        """);

    [Fact]
    public void Not_agreed_a_mark_is_not_echoed() => Script.Run("""
        open
        < P. 1:11 ack 1 ce
        > . 1 ack 11
        """);

    [Fact]
    public void Who_does_not_respond_to_marks_asks_for_none_but_ends_the_echo() => Script.Run(
        Agreed + "nodelay on\nwrite 10\n> P. 1:11 ack 1\n< E. 1 ack 11\nwrite 10\n> PW. 11:21 ack 1",
        c => c with { Ecn = EcnMode.Ask, CongestionControl = CongestionControllers.Bbr });

    [Fact]
    public void The_traffic_class_of_the_user_is_kept()
    {
        byte[] packet = new byte[2000];
        Script script = Ask(Agreed);
        script.Connection.TrafficClass = 0xB8;
        script.User.Write(new byte[10]);
        Assert.True(script.Connection.TryTransmit(new Instant(Instant.Second), packet, out _));
        Assert.Equal(0xB8 | 2, packet[1]);
    }
}
