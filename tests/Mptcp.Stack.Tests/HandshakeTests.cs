using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>MP_CAPABLE and MP_JOIN with the loss of each packet, in virtual time.</summary>
public sealed class HandshakeTests
{
    private static readonly PathOptions _path = PathOptions.Of(50, 10, 125_000);

    [Fact]
    [Trait("Requirement", "12")]
    [Trait("Requirement", "25")]
    [Trait("Requirement", "26")]
    public void The_forms_of_MP_CAPABLE_are_those_of_the_standard()
    {
        var hosts = new TwoHosts(_path);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var stream = new Stream(client, server, 3000);
        Assert.True(hosts.Network.RunUntil(() => Pump(stream), 5 * Instant.Second));
        Assert.Equal("0> Syn 0 MpCapable(4)", hosts.Log[0]);
        Assert.Equal("0< Syn, Ack 0 MpCapable(12)", hosts.Log[1]);
        Assert.Equal("0> Ack 0 MpCapable(20)", hosts.Log[2]);
        Assert.Contains(hosts.Log.Skip(3).Take(3), line => line.StartsWith("0> ", StringComparison.Ordinal) && line.EndsWith("MpCapable(22)", StringComparison.Ordinal));
        Assert.Single(hosts.Log, line => line.Contains("MpCapable(22)", StringComparison.Ordinal));
    }

    public static TheoryData<string, bool> LostPackets
    {
        get
        {
            var data = new TheoryData<string, bool>();
            string[] packets = ["0> Syn 0 MpCapable(4)", "0< Syn, Ack 0 MpCapable(12)", "0> Ack 0 MpCapable(20)", "MpCapable(22)",
                "1> Syn 0 MpJoin(12)", "1< Syn, Ack 0 MpJoin(16)", "1> Ack 0 MpJoin(24)", "1< Ack 0 Dss"];
            foreach (string packet in packets)
            {
                data.Add(packet, true);
                data.Add(packet, false);
            }

            return data;
        }
    }

    [Theory]
    [Trait("Requirement", "24")]
    [Trait("Requirement", "75")]
    [MemberData(nameof(LostPackets))]
    public void Each_packet_of_a_handshake_may_be_lost(string lost, bool clientSpeaks)
    {
        var hosts = new TwoHosts(_path, _path);
        int drops = 0;
        hosts.Drop = (_, line) => line.Contains(lost, StringComparison.Ordinal) && drops++ == 0;
        (StackSocket client, StackSocket server) =
            TransferTests.Run(hosts, clientSpeaks ? 3_000_000 : 0, clientSpeaks ? 0 : 3_000_000);
        bool serverNeverSeesData = !clientSpeaks && lost == "MpCapable(22)";
        Assert.Equal(serverNeverSeesData, drops == 0);
        Assert.True(client.IsMultipath && server.IsMultipath);
        Assert.Equal(2, hosts.SubflowsOf(client).Count);
        AssertNoDataBeforeTheFourthAck(hosts.Log);
    }

    [Fact]
    public void Third_ack_and_first_data_may_both_be_lost()
    {
        var hosts = new TwoHosts(_path, _path);
        int acks = 0;
        int data = 0;
        hosts.Drop = (_, line) => (line.Contains("MpCapable(20)", StringComparison.Ordinal) && acks++ < 2)
            || (line.Contains("MpCapable(22)", StringComparison.Ordinal) && data++ < 2);
        (StackSocket client, StackSocket server) = TransferTests.Run(hosts, 200_000, 0);
        Assert.True(acks > 0 && data > 2);
        Assert.True(client.IsMultipath && server.IsMultipath);
    }

    [Theory]
    [Trait("Requirement", "52")]
    [Trait("Requirement", "54")]
    [InlineData("Syn 0", "SYN")]
    [InlineData("Syn, Ack 0", "SYN/ACK")]
    [InlineData("everything", "all")]
    public void A_path_that_removes_options_leaves_plain_tcp(string from, string what)
    {
        var hosts = new TwoHosts(_path, _path)
        {
            Rewrite = (_, _, packet) => MptcpStripper.Strip(packet, line => from == "everything" || line.Contains(from, StringComparison.Ordinal)),
        };
        (StackSocket client, StackSocket server) = TransferTests.Run(hosts, 300_000, 300_000);
        Assert.False(client.IsMultipath || server.IsMultipath, what);
        Assert.Single(hosts.SubflowsOf(client));
        Assert.Contains(TwoHosts.EventsOf(client), e => e.Kind == ConnectionEventKind.Fallback && e.Reason.Length > 20);
    }

    [Theory]
    [InlineData(300_000, 0)]
    [InlineData(0, 300_000)]
    [InlineData(300_000, 300_000)]
    public void Options_removed_after_the_handshake_leave_plain_tcp(int up, int down)
    {
        // The SYNs pass, everything after them is stripped: both ends find out by themselves (RFC 8684 §3.7).
        var hosts = new TwoHosts(_path, _path)
        {
            Rewrite = (_, _, packet) => MptcpStripper.Strip(packet, line => !line.Contains("Syn", StringComparison.Ordinal)),
        };
        (StackSocket client, StackSocket server) = TransferTests.Run(hosts, up, down);
        Assert.False(client.IsMultipath || server.IsMultipath);
    }

    [Fact]
    [Trait("Requirement", "56")]
    [Trait("Requirement", "252")]
    public void A_path_that_drops_MP_CAPABLE_is_crossed_in_plain_tcp()
    {
        var hosts = new TwoHosts(_path) { Drop = (_, line) => line.Contains("MpCapable", StringComparison.Ordinal) };
        (StackSocket client, _) = TransferTests.Run(hosts, 100_000, 100_000);
        Assert.False(client.IsMultipath);
    }

    [Fact]
    public void A_path_that_removes_MP_JOIN_costs_that_subflow_alone()
    {
        var hosts = new TwoHosts(_path, _path)
        {
            Rewrite = (path, _, packet) =>
            {
                if (path == 1)
                {
                    MptcpStripper.Strip(packet, _ => true);
                }
            },
        };
        (StackSocket client, StackSocket server) = TransferTests.Run(hosts, 500_000, 500_000);
        Assert.True(client.IsMultipath && server.IsMultipath);
        Assert.Contains(TwoHosts.EventsOf(client), e => e.Kind == ConnectionEventKind.SubflowClosed && e.Subflow == 1);
    }

    [Fact]
    public void A_connection_without_a_byte_ends_cleanly()
    {
        var hosts = new TwoHosts(_path, _path);
        TransferTests.Run(hosts, 0, 0);
    }

    [Fact]
    public void A_refused_connection_says_so()
    {
        var hosts = new TwoHosts(_path);
        hosts.Server.Unlisten(hosts.Listener);
        StackSocket client = hosts.Connect();
        Assert.True(hosts.Network.RunUntil(() => client.State == TcpState.Closed, Instant.Second));
        Assert.Equal(TcpCloseReason.Refused, client.CloseReason);
    }

    [Theory]
    [InlineData(15)]
    [InlineData(25)]
    public void A_listener_that_goes_takes_its_unaccepted_connections_along(int milliseconds)
    {
        // 15 ms: half-open. 25 ms: established at the client, waiting to be accepted at the server.
        var hosts = new TwoHosts(_path);
        StackSocket client = hosts.Connect();
        hosts.Network.Run(milliseconds * Instant.Millisecond);
        hosts.Server.Unlisten(hosts.Listener);
        Assert.True(hosts.Network.RunUntil(() => client.State == TcpState.Closed, Instant.Second));
        hosts.Network.Run(Instant.Second);
        Assert.Equal(0, hosts.Server.Connections);
    }

    [Fact]
    [Trait("Requirement", "70")]
    [Trait("Requirement", "71")]
    [Trait("Requirement", "84")]
    [Trait("Requirement", "229")]
    public void A_join_with_an_unknown_token_is_reset()
    {
        var hosts = new TwoHosts(_path, _path)
        {
            Rewrite = (path, direction, packet) =>
            {
                if (path == 1 && direction == PathDirection.Forward)
                {
                    MptcpStripper.ChangeToken(packet);
                }
            },
        };
        (StackSocket client, _) = TransferTests.Run(hosts, 500_000, 0);
        Assert.True(client.IsMultipath);
        Assert.Contains(TwoHosts.EventsOf(client), e => e.Kind == ConnectionEventKind.SubflowClosed
            && e.Reason.StartsWith("refused", StringComparison.Ordinal));
        Assert.Contains(hosts.Log, line => line == "1< Rst, Ack 0 MpTcpRst(4)");
        Assert.Equal(MpTcpRstReason.MptcpSpecificError, hosts.SubflowsOf(client)[1].ResetReceived?.Reason);
        Assert.True(hosts.Server.Signals[MptcpCounter.JoinUnknownToken] > 0);
    }

    [Fact]
    public void An_abort_ends_every_subflow_at_the_other_end()
    {
        var hosts = new TwoHosts(_path, _path);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        client.TryWrite(new byte[100_000]);
        hosts.Network.Run(Instant.Second);
        Assert.Equal(2, hosts.SubflowsOf(server).Count);
        client.Abort();
        Assert.True(hosts.Network.RunUntil(() => server.State == TcpState.Closed, Instant.Second));
        Assert.Equal(TcpCloseReason.ResetByPeer, server.CloseReason);
        Assert.Contains(hosts.Log, line => line.Contains("Rst", StringComparison.Ordinal) && line.Contains("MpFastClose(12)", StringComparison.Ordinal));
        hosts.Network.Run(Instant.Second);
        Assert.Equal(0, hosts.Client.Connections);
        Assert.Equal(0, hosts.Server.Connections);
    }

    [Fact]
    [Trait("Requirement", "159")]
    [Trait("Requirement", "165")]
    public void An_announced_address_is_echoed_and_used()
    {
        // One path to the client's single address; the server has a second address behind the same link.
        var hosts = new TwoHosts(_path);
        hosts.Server.AddAddress(new LocalAddress(0, TwoHosts.Address(9, 2), 1500));
        (StackSocket client, _) = TransferTests.Run(hosts, 500_000, 0);
        List<SubflowInfo> subflows = hosts.SubflowsOf(client);
        Assert.Equal(2, subflows.Count);
        Assert.Equal(TwoHosts.Address(9, 2), subflows[1].Remote.Address);
        Assert.Contains(hosts.Log, line => line == "0< Ack 0 AddAddress(16)");
        Assert.Contains(hosts.Log, line => line == "0> Ack 0 AddAddress(8)");
    }

    [Fact]
    [Trait("Requirement", "166")]
    public void An_announcement_that_is_lost_comes_again()
    {
        int drops = 0;
        var hosts = new TwoHosts(_path) { Drop = (_, line) => line.Contains("AddAddress(16)", StringComparison.Ordinal) && drops++ == 0 };
        hosts.Server.AddAddress(new LocalAddress(0, TwoHosts.Address(9, 2), 1500));
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        hosts.Network.Run(5 * Instant.Second);
        Assert.Equal(2, drops);
        Assert.Equal(2, hosts.SubflowsOf(server).Count);
        Assert.Equal(TcpState.Established, client.State);
    }

    [Fact]
    [Trait("Requirement", "162")]
    public void An_announcement_with_a_wrong_HMAC_is_ignored()
    {
        var hosts = new TwoHosts(_path)
        {
            Rewrite = (_, _, packet) => MptcpStripper.ChangeAnnouncement(packet),
        };
        hosts.Server.AddAddress(new LocalAddress(0, TwoHosts.Address(9, 2), 1500));
        (StackSocket client, _) = TransferTests.Run(hosts, 500_000, 0);
        Assert.Single(hosts.SubflowsOf(client));
        Assert.DoesNotContain(hosts.Log, line => line.Contains("AddAddress(8)", StringComparison.Ordinal));
        Assert.True(hosts.Client.Signals[MptcpCounter.AnnouncementForged] > 0);
        Assert.Contains(TwoHosts.EventsOf(client), e => e.Code == ConnectionEventCode.AnnouncementForged);
    }

    private static bool Pump(Stream stream)
    {
        stream.Pump();
        return stream.Complete;
    }

    /// <summary>No payload from the initiator of a join before the responder's fourth packet (RFC 8684 §3.2).</summary>
    private static void AssertNoDataBeforeTheFourthAck(List<string> log)
    {
        bool acknowledged = false;
        foreach (string line in log)
        {
            acknowledged |= line.StartsWith("1< Ack", StringComparison.Ordinal);
            bool data = line.StartsWith("1> ", StringComparison.Ordinal)
                && !line.Contains(" 0 ", StringComparison.Ordinal) && line.Contains("Dss", StringComparison.Ordinal);
            Assert.True(acknowledged || !data, line);
        }
    }
}
