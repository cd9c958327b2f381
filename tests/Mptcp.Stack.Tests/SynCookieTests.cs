using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>A listener whose backlog is full of half-open connections still serves whoever is real (RFC 4987 §3.6).</summary>
public sealed class SynCookieTests
{
    private static readonly PathOptions _path = PathOptions.Of(50, 10, 125_000);

    [Theory]
    [InlineData(0)]
    [InlineData(20_000)]
    public void A_real_peer_gets_Multipath_TCP_under_a_flood(int lossPerMillion)
    {
        TwoHosts hosts = Flooded(_path with { LossPerMillion = lossPerMillion }, _path);
        long memory = hosts.Server.Memory.Used;
        (StackSocket client, StackSocket server) = TransferTests.Run(hosts, 1_000_000, 1_000_000);
        Assert.True(client.IsMultipath && server.IsMultipath);
        Assert.Equal(2, hosts.SubflowsOf(client).Count);
        Assert.True(hosts.SubflowsOf(server)[0].SmoothedRtt is > 15 * Instant.Millisecond and < 200 * Instant.Millisecond);
        Assert.True(memory <= 128 * Multipath.MptcpConnection.InitialMemory);
    }

    [Theory]
    [InlineData("MpCapable(20)", true)]
    [InlineData("MpCapable(22)", true)]
    [InlineData("MpCapable(20)", false)]
    public void The_third_ACK_or_the_first_data_may_be_lost(string lost, bool clientSpeaks)
    {
        TwoHosts hosts = Flooded(_path, _path);
        int drops = 0;
        hosts.Drop = (_, line) => line.Contains(lost, StringComparison.Ordinal) && drops++ == 0;
        StackSocket client = hosts.Connect();
        if (!clientSpeaks)
        {
            // A server that speaks first knows of the connection only by the ACK: this is what a cookie costs.
            hosts.Network.Run(3 * Instant.Second);
            Assert.Equal(TcpState.Established, client.State);
            Assert.False(hosts.Listener.TryAccept(out _));
            return;
        }

        var bytes = new byte[100_000];
        Assert.Equal(bytes.Length, client.TryWrite(bytes));
        client.CompleteWrites();
        StackSocket server = hosts.Accept();
        int read = 0;
        Assert.True(hosts.Network.RunUntil(
            () =>
            {
                read += server.TryRead(bytes);
                return server.EndOfStream;
            },
            10 * Instant.Second));
        Assert.Equal(bytes.Length, read);
        Assert.True(client.IsMultipath && server.IsMultipath);
    }

    [Fact]
    public void A_box_that_removes_options_leaves_plain_tcp()
    {
        TwoHosts hosts = Flooded(_path, _path);
        hosts.Rewrite = (_, _, packet) => MptcpStripper.Strip(packet, line => !line.Contains("Syn", StringComparison.Ordinal));
        (StackSocket client, _) = TransferTests.Run(hosts, 300_000, 300_000);
        Assert.False(client.IsMultipath);
    }

    [Fact]
    public void An_ACK_with_a_made_up_cookie_is_reset()
    {
        TwoHosts hosts = Flooded(_path);
        int before = hosts.Server.Connections;
        for (uint guess = 0; guess < 1000; guess++)
        {
            hosts.Server.HandlePacket(hosts.Network.Now, 0, Segment(5000, TcpFlags.Ack, acknowledgment: guess << 20));
        }

        Assert.Equal(before, hosts.Server.Connections);
    }

    private static TwoHosts Flooded(params PathOptions[] paths)
    {
        var hosts = new TwoHosts(paths);
        for (ushort port = 1; port <= hosts.Listener.Backlog; port++)
        {
            hosts.Server.HandlePacket(hosts.Network.Now, 0, Segment(port, TcpFlags.Syn, acknowledgment: 0));
        }

        return hosts;
    }

    /// <summary>The key follows from the cookie, so there is no other to draw (RFC 8684 §3.1).</summary>
    [Theory]
    [Trait("Requirement", "23")]
    [InlineData(true)]
    [InlineData(false)]
    public void A_cookie_whose_token_is_taken_leaves_plain_TCP(bool isFree)
    {
        var configuration = new TcpConfiguration
        {
            Local = new IpEndpoint(TwoHosts.Address(0, 2), TwoHosts.Port),
            Remote = new IpEndpoint(TwoHosts.Address(0, 1), 4000),
            InitialSequenceNumber = 0,
        };
        var proposal = new TcpOptionWriter(new byte[TcpPacket.MaxOptionsLength]);
        new MpCapableOption { Version = MpCapableOption.Version1, Flags = MpCapableFlags.HmacSha256 }.TryWrite(ref proposal);
        var buffer = new byte[100];
        var header = new TcpHeaderFields { Source = configuration.Remote, Destination = configuration.Local, Flags = TcpFlags.Syn };
        int length = TcpPacket.Write(buffer, header, proposal.Written, 0);
        Assert.True(IpPacket.TryParse(buffer.AsSpan(0, length), out IpPacket packet, out _));
        Assert.True(TcpSegment.TryParse(packet, out TcpSegment syn, out _));
        SynCookie cookie = new SynCookies(new SeededEntropy(1)).Make(default, syn, default);
        byte[] answer = SynCookieSegment.AnswerOptions(
            default, syn, default, cookie, configuration, new Multipath.MptcpSettings(), isFree);
        var reader = new TcpOptionReader(answer);
        bool proposed = false;
        while (reader.TryRead(out _, out ReadOnlySpan<byte> option))
        {
            proposed |= MpCapableOption.TryParse(option, out MpCapableOption capable) && capable.SenderKey == cookie.Key;
        }

        Assert.Equal(isFree, proposed);
    }

    /// <summary>From an address where nobody is.</summary>
    private static byte[] Segment(ushort port, TcpFlags flags, uint acknowledgment)
    {
        var buffer = new byte[100];
        int length = TcpPacket.Write(
            buffer,
            new TcpHeaderFields
            {
                Source = new IpEndpoint(IpAddress.Parse("198.51.100.7"), port),
                Destination = new IpEndpoint(TwoHosts.Address(0, 2), TwoHosts.Port),
                SequenceNumber = 1000,
                AcknowledgmentNumber = acknowledgment,
                Flags = flags,
                Window = 1000,
            },
            [],
            0);
        return buffer[..length];
    }
}
