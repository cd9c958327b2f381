namespace Mptcp.Tcp.Tests;

public class TcpTransferTests
{
    public static TheoryData<int, int, int, int> Conditions()
    {
        var data = new TheoryData<int, int, int, int>();
        for (int seed = 1; seed <= 10; seed++)
        {
            data.Add(0, 0, 0, seed);
            data.Add(10, 0, 0, seed);
            data.Add(100, 0, 0, seed);
            data.Add(20, 50, 100, seed);
            data.Add(150, 100, 300, seed);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Conditions))]
    public void Bytes_out_are_bytes_in_both_ways_and_both_ends_close(int loss, int duplicate, int reorder, int seed)
    {
        var pair = new TcpPair(new Weather(loss, duplicate, reorder, (ulong)seed), buffers: 64 * 1024);
        var up = new Transfer(pair.Client, pair.ClientUser, pair.ServerUser, 300_000);
        var down = new Transfer(pair.Server, pair.ServerUser, pair.ClientUser, 200_000);
        pair.Client.Connect();
        Assert.True(pair.RunUntil(() =>
        {
            up.Pump(pair.Server);
            down.Pump(pair.Client);
            return up.Complete && down.Complete && IsOver(pair.Client) && IsOver(pair.Server);
        }), $"stuck: {up} {down} client {pair.Client.State} server {pair.Server.State}");
        Assert.True(up.Equal && down.Equal);
    }

    [Fact]
    public void Nothing_is_sent_twice_where_nothing_is_lost()
    {
        var pair = new TcpPair();
        var up = new Transfer(pair.Client, pair.ClientUser, pair.ServerUser, 2_000_000);
        pair.Client.Connect();
        Assert.True(pair.RunUntil(() =>
        {
            up.Pump(pair.Server);
            return up.Complete;
        }));
        Assert.Equal(0, pair.Client.Retransmissions);
        Assert.InRange(pair.Client.SmoothedRtt, 20 * Instant.Millisecond, 65 * Instant.Millisecond);
    }

    /// <summary>One end that does without them is enough: the other must neither send nor expect any (RFC 2018 §2).</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Without_selective_acknowledgements_losses_are_repaired_as_well(bool clientOffers)
    {
        var pair = new TcpPair(
            new Weather(Loss: 20),
            change: told => told with { SelectiveAcks = clientOffers == (told.Remote.Port == 80) });
        var up = new Transfer(pair.Client, pair.ClientUser, pair.ServerUser, 300_000);
        pair.Client.Connect();
        Assert.True(pair.RunUntil(() =>
        {
            up.Pump(pair.Server);
            return up.Complete;
        }));
        Assert.True(up.Equal);
        Assert.Equal((false, false), (pair.Client.Info.Sack, pair.Server.Info.Sack));
    }

    [Fact]
    public void A_single_loss_is_repaired_once_and_without_a_timeout()
    {
        var pair = new TcpPair();
        int data = 0;
        pair.Drop = line => line.StartsWith('>') && line.Contains("len 1448", StringComparison.Ordinal) && ++data == 40;
        var up = new Transfer(pair.Client, pair.ClientUser, pair.ServerUser, 1_000_000);
        pair.Client.Connect();
        int timeouts = 0;
        Assert.True(pair.RunUntil(() =>
        {
            timeouts = Math.Max(timeouts, pair.Client.Timeouts);
            up.Pump(pair.Server);
            return up.Complete;
        }));
        Assert.True(up.Equal);
        Assert.Equal((1, 0), (pair.Client.Retransmissions, timeouts));
    }

    [Fact]
    public void A_closed_window_is_probed_and_the_transfer_goes_on_when_it_opens()
    {
        var pair = new TcpPair(buffers: 16 * 1024);
        pair.Client.Connect();
        Assert.True(pair.RunUntil(() => pair.Client.State == TcpState.Established));
        pair.ClientUser.Write(new byte[16 * 1024]);

        // The window is announced in units of 128 bytes: less than one is a closed window.
        Assert.True(pair.RunUntil(() => pair.ServerUser.ReceiveWindow < 128));
        pair.RunUntil(() => false, 5 * Instant.Second);
        Assert.True(pair.ClientUser.HasData);

        // The update that reading would send is not sent here: only a probe can find out.
        var sink = new byte[16 * 1024];
        int read = pair.ServerUser.Read(sink);
        Assert.True(pair.RunUntil(() => pair.ServerUser.Readable + read == sink.Length, 20 * Instant.Second));
    }

    [Theory]
    [InlineData("> Syn len 0")]
    [InlineData("< Syn, Ack len 0")]
    [InlineData("> Ack len 0")]
    [InlineData("> Fin, Ack len 0")]
    [InlineData("< Fin, Ack len 0")]
    public void The_loss_of_any_packet_of_opening_and_closing_is_survived(string victim)
    {
        var pair = new TcpPair();
        bool dropped = false;
        pair.Drop = line => !dropped && line == victim && (dropped = true);
        var up = new Transfer(pair.Client, pair.ClientUser, pair.ServerUser, 1000);
        var down = new Transfer(pair.Server, pair.ServerUser, pair.ClientUser, 1000);
        pair.Client.Connect();
        Assert.True(pair.RunUntil(() =>
        {
            up.Pump(pair.Server);
            down.Pump(pair.Client);
            return up.Complete && down.Complete && IsOver(pair.Client) && IsOver(pair.Server);
        }));
        Assert.True(dropped && up.Equal && down.Equal);
    }

    [Fact]
    public void A_peer_that_is_not_there_is_given_up_after_the_configured_transmissions()
    {
        var pair = new TcpPair { Drop = _ => true };
        pair.Client.Connect();
        Assert.True(pair.RunUntil(() => pair.Client.State == TcpState.Closed));
        Assert.Equal(TcpCloseReason.TimedOut, pair.Client.CloseReason);
        Assert.Equal(pair.Client.Configuration.SynTransmissions, pair.Log.Count);
    }

    [Fact]
    public void A_probe_that_is_asked_for_too_early_waits_for_the_handshake()
    {
        var pair = new TcpPair();
        pair.Client.Connect();
        pair.Client.RequestProbe();
        Assert.True(pair.RunUntil(() => pair.Client.State == TcpState.Established && pair.Server.State == TcpState.Established));
        Assert.Equal(["> Syn len 0", "< Syn, Ack len 0", "> Ack len 0"], pair.Log[..3]);
    }

    [Fact]
    public void An_abort_resets_the_peer()
    {
        var pair = new TcpPair();
        pair.Client.Connect();
        Assert.True(pair.RunUntil(() => pair.Server.State == TcpState.Established));
        pair.Client.Abort();
        Assert.True(pair.RunUntil(() => pair.Server.State == TcpState.Closed));
        Assert.Equal(TcpCloseReason.ResetByPeer, pair.Server.CloseReason);
    }

    private static bool IsOver(TcpConnection connection) =>
        connection.State is TcpState.Closed or TcpState.TimeWait;
}
