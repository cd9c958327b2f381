using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Addresses that are announced, removed and used again, in virtual time (RFC 8684 §3.4).</summary>
public sealed class AddressTests
{
    private static readonly PathOptions _path = PathOptions.Of(50, 10, 125_000);

    [Fact]
    [Trait("Requirement", "83")]
    [Trait("Requirement", "160")]
    [Trait("Requirement", "161")]
    public void A_port_that_is_announced_takes_joins_without_a_listener()
    {
        TwoHosts hosts = WithFurther(TwoHosts.Address(9, 2), port: 8443);
        (StackSocket client, _) = TransferTests.Run(hosts, 500_000, 0);
        SubflowInfo joined = hosts.SubflowsOf(client)[1];
        Assert.Equal(new IpEndpoint(TwoHosts.Address(9, 2), 8443), joined.Remote);
        Assert.True(joined.BytesSent > 0);
        Assert.Contains("0< Ack 0 AddAddress(18)", hosts.Log);
        Assert.Contains("0> Ack 0 AddAddress(10)", hosts.Log);
        Assert.Equal(1, hosts.Server.Signals[MptcpCounter.EchoReceived]);
    }

    [Fact]
    public void A_SYN_without_a_join_finds_nobody_at_an_announced_port()
    {
        TwoHosts hosts = WithFurther(TwoHosts.Address(9, 2), port: 8443);
        StackSocket client = hosts.Client.TryConnect(
            hosts.Network.Now, hosts.Client.Addresses[0], new IpEndpoint(TwoHosts.Address(9, 2), 8443))!;
        hosts.Network.Run(Instant.Second);
        Assert.Equal(TcpCloseReason.Refused, client.CloseReason);
    }

    [Theory]
    [Trait("Requirement", "160")]
    [InlineData(null, 28)]
    [InlineData(8443, 30)]
    public void An_IPv6_address_is_announced_on_an_IPv4_connection_and_joined(int? port, int length)
    {
        // With a port the option leaves no room for timestamps.
        IpAddress six = IpAddress.Parse("2001:db8::2");
        TwoHosts hosts = WithFurther(six, (ushort?)port);
        hosts.Client.AddAddress(new LocalAddress(0, IpAddress.Parse("2001:db8::1"), 1500));
        (StackSocket client, StackSocket server) = TransferTests.Run(hosts, 500_000, 500_000);
        Assert.True(client.IsMultipath && server.IsMultipath);
        SubflowInfo joined = hosts.SubflowsOf(client)[1];
        Assert.Equal(new IpEndpoint(six, (ushort)(port ?? TwoHosts.Port)), joined.Remote);
        Assert.True(joined.BytesSent > 0);
        Assert.Contains($"0< Ack 0 AddAddress({length})", hosts.Log);
        Assert.Contains($"0> Ack 0 AddAddress({length - 8})", hosts.Log);
    }

    [Theory]
    [Trait("Requirement", "155")]
    [InlineData("224.0.0.9")]
    [InlineData("255.255.255.255")]
    [InlineData("0.0.0.0")]
    [InlineData("127.0.0.1")]
    [InlineData("10.1.0.1")]
    [InlineData("ff02::1")]
    public void An_announced_address_where_nobody_can_be_is_echoed_and_not_used(string address)
    {
        var hosts = new TwoHosts(_path);
        hosts.Client.AddAddress(new LocalAddress(0, IpAddress.Parse("2001:db8::1"), 1500));
        hosts.Server.AddAddress(new LocalAddress(0, TwoHosts.Address(9, 2), 1500, IpAddress.Parse(address)));
        (StackSocket client, _) = TransferTests.Run(hosts, 100_000, 0);
        Assert.Single(hosts.SubflowsOf(client));
        Assert.Equal(1, hosts.Client.Signals[MptcpCounter.AnnouncementUnusable]);
        Assert.Equal(1, hosts.Server.Signals[MptcpCounter.EchoReceived]);
    }

    [Fact]
    [Trait("Requirement", "166")]
    public void An_announcement_goes_again_by_the_timeout_of_the_subflow_a_few_times()
    {
        var times = new List<Instant>();
        var hosts = new TwoHosts(_path);
        hosts.Drop = (_, line) =>
        {
            bool announces = line.Contains("AddAddress(16)", StringComparison.Ordinal);
            if (announces)
            {
                times.Add(hosts.Network.Now);
            }

            return announces;
        };
        hosts.Server.AddAddress(new LocalAddress(0, TwoHosts.Address(9, 2), 1500));
        hosts.Connect();
        StackSocket server = hosts.Accept();
        server.TryWrite(new byte[1000]);
        hosts.Network.Run(100 * Instant.Second);
        Assert.Equal(4, times.Count);
        for (int i = 0; i < 3; i++)
        {
            Assert.InRange((times[i + 1] - times[i]) >> i, 200 * Instant.Millisecond, 300 * Instant.Millisecond);
        }

        Assert.Equal(1, hosts.Server.Signals[MptcpCounter.AnnouncementUnconfirmed]);
    }

    [Fact]
    [Trait("Requirement", "2")]
    [Trait("Requirement", "173")]
    [Trait("Requirement", "245")]
    public void Not_more_than_two_signals_leave_in_a_row()
    {
        var times = new List<Instant>();
        var hosts = new TwoHosts(_path);
        hosts.Drop = (_, line) =>
        {
            if (line.StartsWith("0< Ack 0 AddAddress(16)", StringComparison.Ordinal))
            {
                times.Add(hosts.Network.Now);
            }

            return false;
        };
        for (int i = 0; i < 6; i++)
        {
            hosts.Server.AddAddress(new LocalAddress(0, IpAddress.Parse($"10.9.0.{i + 1}"), 1500));
        }

        StackSocket client = hosts.Connect();
        hosts.Accept();
        hosts.Network.Run(5 * Instant.Second);
        Assert.Equal(6, times.Count);
        for (int i = 2; i < times.Count; i++)
        {
            Assert.True(times[i] - times[i - 2] >= 20 * Instant.Millisecond, $"{i}");
        }

        Assert.Equal(TcpState.Established, client.State);
    }

    [Fact]
    [Trait("Requirement", "174")]
    [Trait("Requirement", "185")]
    [Trait("Requirement", "184")]
    public void A_removed_endpoint_is_taken_back_and_its_subflows_close_in_order()
    {
        var hosts = new TwoHosts(_path, _path);
        byte id = hosts.Client.TryAddEndpoint(TwoHosts.Address(1, 1), EndpointFlags.Subflow)!.Value.Id;
        (StackSocket client, _) = JoinTests.Interrupted(hosts, 5_000_000, _ => Assert.True(hosts.Client.RemoveEndpoint(id)));
        SubflowInfo removed = hosts.SubflowsOf(client)[1];
        Assert.Equal(TcpCloseReason.None, removed.CloseReason);
        Assert.Equal(id, removed.LocalId);
        Assert.Contains(hosts.Log, line => line == "0> Ack 0 RemoveAddress(4)");
        Assert.DoesNotContain(hosts.Log, line => line.Contains("Rst", StringComparison.Ordinal));

        // Nobody acknowledges a removal: it goes three times, and the second finds nothing left.
        Assert.True(hosts.Server.Signals[MptcpCounter.RemovalReceived] >= 1);
        Assert.True(hosts.Server.Signals[MptcpCounter.RemovalUnknown] >= 1);
        Assert.False(hosts.Client.RemoveEndpoint(id));
    }

    /// <summary>Its last subflow closes as long as nobody acknowledges the FIN, and stands in nobody's way.</summary>
    [Fact]
    public void An_address_that_comes_back_is_joined_although_its_old_subflow_still_closes()
    {
        var hosts = new TwoHosts(_path, _path);
        hosts.Client.TryAddEndpoint(TwoHosts.Address(0, 1), EndpointFlags.Signal);
        byte id = hosts.Server.TryAddEndpoint(TwoHosts.Address(1, 2), EndpointFlags.Signal)!.Value.Id;
        StackSocket client = hosts.Connect();
        hosts.Accept();
        hosts.Network.Run(Instant.Second);
        Assert.Equal(2, hosts.SubflowsOf(client).Count(subflow => subflow.State == TcpState.Established));
        hosts.Drop = (path, line) => path == 1 && line.StartsWith("1<", StringComparison.Ordinal)
            && !line.Contains("Fin", StringComparison.Ordinal);
        Assert.True(hosts.Server.RemoveEndpoint(id));
        hosts.Network.Run(100 * Instant.Millisecond);
        Assert.Equal(TcpState.LastAck, hosts.SubflowsOf(client)[1].State);
        hosts.Drop = (path, line) => path == 1 && line.StartsWith("1> Fin", StringComparison.Ordinal);
        hosts.Server.TryAddEndpoint(TwoHosts.Address(1, 2), EndpointFlags.Signal);
        hosts.Network.Run(Instant.Second);
        Assert.Equal(TcpState.Established, hosts.SubflowsOf(client)[^1].State);
        Assert.Equal(3, hosts.SubflowsOf(client).Count);
    }

    [Theory]
    [Trait("Requirement", "174")]
    [Trait("Requirement", "183")]
    [InlineData(0)]
    [InlineData(1)]
    public void An_address_that_is_gone_costs_its_subflows_and_no_byte(int gone)
    {
        var hosts = new TwoHosts(_path, _path);
        (StackSocket client, _) = JoinTests.Interrupted(hosts, 4_000_000, _ =>
            Assert.True(hosts.Client.RemoveAddress(TwoHosts.Address(gone, 1))));
        SubflowInfo reset = hosts.SubflowsOf(client).Find(subflow => subflow.Local.Address == TwoHosts.Address(gone, 1));
        Assert.Equal(TcpCloseReason.Aborted, reset.CloseReason);
        Assert.Equal(gone == 0 ? 0 : 2, reset.LocalId);
        Assert.Contains(hosts.Log, line => line == $"{1 - gone}> Ack 0 RemoveAddress(4)");
        Assert.Contains(hosts.Log, line => line == $"{gone}> Rst, Ack 0 MpTcpRst(4)");
        Assert.False(hosts.Client.RemoveAddress(TwoHosts.Address(gone, 1)));
    }

    [Fact]
    [Trait("Requirement", "178")]
    [Trait("Requirement", "183")]
    public void A_removed_address_that_does_not_answer_costs_the_peer_its_subflow()
    {
        var hosts = new TwoHosts(_path, _path);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var stream = new Stream(server, client, 8_000_000);
        hosts.Network.RunUntil(() => Pumped(stream) > 2_000_000, 60 * Instant.Second);
        hosts.Network.Paths[1].BlackHoled = true;
        hosts.Client.RemoveAddress(TwoHosts.Address(1, 1));
        hosts.Network.RunUntil(() => Pumped(stream) < 0, 2 * Instant.Second);
        Assert.Equal(1, hosts.Server.Signals[MptcpCounter.RemovalReset]);
        Assert.Equal(TcpState.Closed, hosts.SubflowsOf(server)[1].State);
        Assert.Contains(TwoHosts.EventsOf(server), e => e.Kind == ConnectionEventKind.AddressRemoved);
        Assert.True(hosts.Network.RunUntil(() => Pumped(stream) >= 8_000_000, 60 * Instant.Second), stream.ToString());
        Assert.True(stream.Intact);
    }

    [Fact]
    [Trait("Requirement", "178")]
    [Trait("Requirement", "179")]
    [Trait("Requirement", "180")]
    public void A_removed_address_that_answers_keeps_its_subflow()
    {
        // The only subflow that works is not closed by our end either.
        var hosts = new TwoHosts(_path);
        byte id = hosts.Client.TryAddEndpoint(TwoHosts.Address(0, 1), EndpointFlags.Subflow)!.Value.Id;
        (StackSocket client, StackSocket server) =
            JoinTests.Interrupted(hosts, 3_000_000, _ => Assert.True(hosts.Client.RemoveEndpoint(id)));
        Assert.True(hosts.Server.Signals[MptcpCounter.RemovalAnswered] > 0);
        Assert.Equal(0, hosts.Server.Signals[MptcpCounter.RemovalReset]);
        Assert.Single(hosts.SubflowsOf(client));
        Assert.Equal(TcpCloseReason.None, server.CloseReason);
    }

    [Fact]
    [Trait("Requirement", "175")]
    [Trait("Requirement", "177")]
    public void Addresses_that_nobody_used_are_taken_back_together()
    {
        var hosts = new TwoHosts(_path);
        hosts.Client.Limits = new PathLimits(0, 0);
        for (int i = 0; i < 3; i++)
        {
            hosts.Server.AddAddress(new LocalAddress(0, IpAddress.Parse($"10.9.0.{i + 1}"), 1500));
        }

        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        server.TryWrite(new byte[1000]);
        hosts.Network.Run(2 * Instant.Second);
        for (int i = 0; i < 3; i++)
        {
            Assert.True(hosts.Server.RemoveAddress(IpAddress.Parse($"10.9.0.{i + 1}")));
        }

        hosts.Network.Run(2 * Instant.Second);
        Assert.Equal(3, hosts.Log.Count(line => line == "0< Ack 0 RemoveAddress(6)"));
        Assert.Equal(3, hosts.Client.Signals[MptcpCounter.RemovalReceived]);

        // What was taken back is not used when there is room again.
        hosts.Client.Limits = new MptcpSettings().Limits;
        hosts.Network.Run(2 * Instant.Second);
        Assert.Single(hosts.SubflowsOf(client));
    }

    [Fact]
    public void An_address_that_comes_back_while_nothing_is_sent_is_used_again()
    {
        var hosts = new TwoHosts(new MptcpSettings(), new MptcpSettings { AnnounceAddresses = false }, seed: 1, _path, _path);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        server.TryWrite(new byte[1000]);
        hosts.Network.Run(2 * Instant.Second);
        Assert.True(hosts.Client.RemoveAddress(TwoHosts.Address(1, 1)));
        hosts.Network.Run(5 * Instant.Second);
        hosts.Client.AddAddress(new LocalAddress(1, TwoHosts.Address(1, 1), 1500));
        hosts.Network.Run(2 * Instant.Second);
        List<SubflowInfo> subflows = hosts.SubflowsOf(client);
        Assert.Equal([TcpState.Established, TcpState.Closed, TcpState.Established], subflows.Select(subflow => subflow.State));

        // Its old identifier may still be on its way as removed.
        Assert.NotEqual(subflows[1].LocalId, subflows[2].LocalId);
    }

    [Theory]
    [Trait("Requirement", "131")]
    [InlineData(false)]
    [InlineData(true)]
    public void A_connection_moves_from_its_only_address_to_a_new_one(bool dark)
    {
        var hosts = new TwoHosts(_path, _path);
        hosts.Client.RemoveAddress(TwoHosts.Address(1, 1));
        hosts.Server.Limits = hosts.Server.Limits with { AcceptedAddresses = 0 };
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var stream = new Stream(client, server, 4_000_000);
        hosts.Network.RunUntil(() => Pumped(stream) > 1_000_000, 60 * Instant.Second);
        hosts.Network.Paths[0].BlackHoled = dark;
        hosts.Client.RemoveAddress(TwoHosts.Address(0, 1));
        hosts.Network.Run(2 * Instant.Second);
        hosts.Client.AddAddress(new LocalAddress(1, TwoHosts.Address(1, 1), 1500));
        Assert.True(hosts.Network.RunUntil(() => Pumped(stream) >= 4_000_000, 60 * Instant.Second), stream.ToString());
        Assert.True(stream.Intact);

        // The removal of the first address reaches the peer on the new one.
        hosts.Network.Run(5 * Instant.Second);
        Assert.Contains("1> Ack 0 RemoveAddress(4)", hosts.Log);
        Assert.Equal(TcpState.Closed, hosts.SubflowsOf(server)[0].State);
    }

    [Fact]
    public void A_server_announces_an_address_that_it_gets_in_mid_connection_once()
    {
        var hosts = new TwoHosts(_path);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        server.TryWrite(new byte[1000]);
        hosts.Network.Run(2 * Instant.Second);
        hosts.Server.AddAddress(new LocalAddress(0, TwoHosts.Address(9, 2), 1500));
        hosts.Network.Run(60 * Instant.Second);
        Assert.Equal(2, hosts.SubflowsOf(client).Count);
        Assert.Single(hosts.Log, line => line.Contains("AddAddress(16)", StringComparison.Ordinal));
    }

    [Fact]
    public void Fullmesh_endpoints_go_to_every_address()
    {
        var hosts = new TwoHosts(_path, _path);
        foreach (int path in new[] { 0, 1 })
        {
            hosts.Client.TryAddEndpoint(TwoHosts.Address(path, 1), EndpointFlags.Subflow | EndpointFlags.Fullmesh);
        }

        hosts.Server.TryAddEndpoint(TwoHosts.Address(1, 2), EndpointFlags.Signal);
        (StackSocket client, _) = TransferTests.Run(hosts, 2_000_000, 0);
        Assert.Equal(
            4, hosts.SubflowsOf(client).Select(subflow => (subflow.Local.Address, subflow.Remote.Address)).Distinct().Count());
        Assert.Equal(4, hosts.SubflowsOf(client).Count);
    }

    [Theory]
    [InlineData(1UL)]
    [InlineData(2UL)]
    [InlineData(3UL)]
    [InlineData(4UL)]
    public void Whatever_changes_under_loss_the_stream_arrives(ulong seed)
    {
        PathOptions path = _path with { LossPerMillion = 20_000, ReorderPerMillion = 20_000 };
        var hosts = new TwoHosts(new MptcpSettings(), new MptcpSettings(), seed, path, path, path);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var stream = new Stream(client, server, 6_000_000);
        ulong random = seed;
        Instant next = hosts.Network.Now + 50 * Instant.Millisecond;
        Assert.True(
            hosts.Network.RunUntil(
                () =>
                {
                    stream.Pump();
                    if (hosts.Network.Now >= next && !stream.Complete)
                    {
                        next = hosts.Network.Now + 50 * Instant.Millisecond;
                        random = unchecked((random * 6_364_136_223_846_793_005) + 1_442_695_040_888_963_407);
                        Change(hosts, client, server, (int)((random >> 40) % 6), 1 + (int)((random >> 60) % 2));
                    }

                    return stream.Complete;
                },
                120 * Instant.Second),
            stream.ToString());
        Assert.True(stream.Intact);
    }

    private static void Change(TwoHosts hosts, StackSocket client, StackSocket server, int what, int path)
    {
        switch (what)
        {
            case 0:
                hosts.Client.RemoveAddress(TwoHosts.Address(path, 1));
                break;
            case 1 when hosts.Client.Addresses.All(address => address.Address != TwoHosts.Address(path, 1)):
                hosts.Client.AddAddress(new LocalAddress(path, TwoHosts.Address(path, 1), 1500));
                break;
            case 2:
                client.SetBackup(path, true);
                break;
            case 3:
                server.SetBackup(path, false);
                break;
            case 4:
                server.ResetSubflow(path, MpTcpRstReason.TooMuchOutstandingData, transient: true);
                break;
            default:
                client.CloseSubflow(path);
                break;
        }
    }

    private static TwoHosts WithFurther(IpAddress address, ushort? port)
    {
        var hosts = new TwoHosts(_path);
        hosts.Server.AddAddress(new LocalAddress(0, address, 1500));
        Assert.NotNull(hosts.Server.TryAddEndpoint(address, EndpointFlags.Signal, port: port));
        return hosts;
    }

    private static int Pumped(Stream stream)
    {
        stream.Pump();
        return stream.Received;
    }
}
