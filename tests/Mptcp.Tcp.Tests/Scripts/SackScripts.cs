namespace Mptcp.Tcp.Tests.Scripts;

/// <summary>What the receiver tells by SACK (RFC 2018 §4) and D-SACK (RFC 2883 §4).</summary>
public class SackScripts
{
    [Fact]
    public void The_block_of_the_latest_segment_comes_first() => Script.Run("""
        open
        < . 101:201 ack 1
        > . 1 ack 1 <sack 101:201>
        < . 301:401 ack 1
        > . 1 ack 1 <sack 301:401 101:201>
        < . 501:601 ack 1
        > . 1 ack 1 <sack 501:601 301:401 101:201>
        < . 401:501 ack 1
        > . 1 ack 1 <sack 301:601 101:201>
        < . 1:101 ack 1
        > . 1 ack 201 <sack 301:601>
        < . 201:301 ack 1
        > . 1 ack 601
        readable 600
        read 600
        """);

    [Fact]
    public void The_latest_block_comes_first_where_it_is_the_lowest_too() => Script.Run("""
        open
        < . 701:801 ack 1
        > . 1 ack 1 <sack 701:801>
        < . 501:601 ack 1
        > . 1 ack 1 <sack 501:601 701:801>
        < . 301:401 ack 1
        > . 1 ack 1 <sack 301:401 501:601 701:801>
        < . 801:901 ack 1
        > . 1 ack 1 <sack 701:901 301:401 501:601>
        """);

    [Fact]
    public void No_more_than_four_blocks_fit_and_three_beside_timestamps()
    {
        const string Holes = "\n< . 101:201 ack 1 {0}\n> . 1 ack 1 <*>\n< . 301:401 ack 1 {0}\n> . 1 ack 1 <*>"
            + "\n< . 501:601 ack 1 {0}\n> . 1 ack 1 <*>\n< . 701:801 ack 1 {0}\n> . 1 ack 1 <*>\n< . 901:1001 ack 1 {0}";
        Script.Run("open" + Holes.Replace("{0}", "", StringComparison.Ordinal)
            + "\n> . 1 ack 1 <sack 901:1001 701:801 501:601 301:401>");
        Script.Run("open <sackOK, ts 7 1000>" + Holes.Replace("{0}", "<ts 7 1000>", StringComparison.Ordinal)
            + "\n> . 1 ack 1 <ts 1000 7, sack 901:1001 701:801 501:601>");
    }

    [Fact]
    public void Without_permission_there_is_no_block() => Script.Run("""
        open <mss 1460>
        < . 101:201 ack 1
        > . 1 ack 1
        """);

    [Fact]
    public void A_duplicate_below_is_reported_once() => Script.Run("""
        open
        < . 1:101 ack 1
        > . 1 ack 101
        < . 1:101 ack 1
        > . 1 ack 101 <sack 1:101>
        ack
        > . 1 ack 101
        < . 51:151 ack 1
        > . 1 ack 151 <sack 51:101>
        """);

    [Fact]
    public void A_duplicate_beyond_a_hole_comes_before_the_block_that_holds_it() => Script.Run("""
        open
        < . 101:301 ack 1
        > . 1 ack 1 <sack 101:301>
        < . 201:301 ack 1
        > . 1 ack 1 <sack 201:301 101:301>
        """);

    [Fact]
    public void Data_segments_carry_blocks_where_they_have_room() => Script.Run("""
        open
        < . 101:201 ack 1
        > . 1 ack 1 <sack 101:201>
        write 1500
        > . 1:1449 ack 1 <sack 101:201>
        < . 1 ack 1449
        > P. 1449:1501 ack 1 <sack 101:201>
        """);

    [Fact]
    public void A_hole_is_kept_for_later_and_filled_at_once() => Script.Run("""
        open
        < . 201:301 ack 1
        > . 1 ack 1 <sack 201:301>
        readable 0
        < . 1:251 ack 1
        > . 1 ack 301 <sack 201:251>
        read 300
        """);
}
