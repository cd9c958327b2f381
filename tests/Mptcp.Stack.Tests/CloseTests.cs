using Mptcp.Simulation;
using Mptcp.Tcp;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Ends of connections, in every order, and with paths that go dark at the wrong moment.</summary>
public sealed class CloseTests
{
    private static readonly PathOptions _path = PathOptions.Of(50, 10, 125_000);

    [Fact]
    public void A_client_that_closes_before_it_is_established_still_sends_its_keys()
    {
        var hosts = new TwoHosts(_path);
        StackSocket client = hosts.Connect();
        client.CompleteWrites();
        hosts.Accept(100 * Instant.Millisecond);
        Assert.Equal("0> Ack 0 MpCapable(20)", hosts.Log[2]);
        Assert.True(client.IsMultipath || client.State != TcpState.Closed);
    }

    [Fact]
    public void A_join_whose_fourth_ack_never_comes_does_not_keep_the_connection()
    {
        var hosts = new TwoHosts(_path, _path);
        hosts.Drop = (path, line) => path == 1 && line.StartsWith("1< Ack", StringComparison.Ordinal);
        TransferTestsRunWithoutJoin(hosts);
        hosts.Network.Run(90 * Instant.Second);
        Assert.Equal(0, hosts.Client.Connections);
        Assert.Equal(0, hosts.Server.Connections);
    }

    [Fact]
    public void A_dark_path_does_not_make_a_complete_connection_fail()
    {
        var hosts = new TwoHosts(_path, _path);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var upward = new Stream(client, server, 200_000);
        var downward = new Stream(server, client, 200_000);
        hosts.Network.RunUntil(() => hosts.SubflowsOf(server).Count == 2, Instant.Second);
        hosts.Network.Run(200 * Instant.Millisecond);
        hosts.Network.Paths[1].BlackHoled = true;
        Assert.True(hosts.Network.RunUntil(
            () =>
            {
                upward.Pump();
                downward.Pump();
                return upward.Complete && downward.Complete;
            },
            30 * Instant.Second));
        hosts.Network.Run(130 * Instant.Second);
        Assert.Equal((TcpState.Closed, TcpCloseReason.None), (client.State, client.CloseReason));
        Assert.Equal((TcpState.Closed, TcpCloseReason.None), (server.State, server.CloseReason));
        Assert.Equal(0, hosts.Client.Connections);
        Assert.Equal(0, hosts.Server.Connections);
    }

    [Fact]
    public void A_peer_that_vanishes_between_data_fin_and_fin_is_not_waited_for_without_end()
    {
        var hosts = new TwoHosts(_path);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        hosts.Drop = (_, line) => line.StartsWith("0< Fin", StringComparison.Ordinal);
        client.CompleteWrites();
        server.CompleteWrites();
        hosts.Network.RunUntil(() => client.State == TcpState.TimeWait, Instant.Second);
        hosts.Network.Run(5 * Instant.Second);
        hosts.Network.Paths[0].BlackHoled = true;
        hosts.Network.Run(200 * Instant.Second);
        Assert.Equal(0, hosts.Client.Connections);
        Assert.Equal(TcpCloseReason.None, client.CloseReason);
    }

    [Fact]
    public void Two_dark_paths_of_which_one_heals_lose_no_time_on_the_other()
    {
        var hosts = new TwoHosts(_path, _path);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var stream = new Stream(client, server, 10_000_000);
        bool Pumped(int bytes)
        {
            stream.Pump();
            return stream.Received >= bytes;
        }

        hosts.Network.RunUntil(() => Pumped(3_000_000), 60 * Instant.Second);
        hosts.Network.Paths[0].BlackHoled = hosts.Network.Paths[1].BlackHoled = true;
        hosts.Network.RunUntil(() => Pumped(10_000_000), 2 * Instant.Second);
        hosts.Network.Paths[0].BlackHoled = false;
        Assert.True(hosts.Network.RunUntil(() => Pumped(10_000_000), 15 * Instant.Second), stream.ToString());
        Assert.True(stream.Intact);
    }

    [Fact]
    public void A_late_join_to_a_complete_connection_is_reset()
    {
        // The join's SYN arrives when both directions are complete.
        var hosts = new TwoHosts(_path, PathOptions.Of(50, 400, 125_000));
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        hosts.Network.Run(100 * Instant.Millisecond);
        client.CompleteWrites();
        server.CompleteWrites();
        hosts.Network.Run(200 * Instant.Second);
        Assert.Equal(0, hosts.Client.Connections);
        Assert.Equal(0, hosts.Server.Connections);
        Assert.Equal((TcpCloseReason.None, TcpCloseReason.None), (client.CloseReason, server.CloseReason));
    }

    private static void TransferTestsRunWithoutJoin(TwoHosts hosts)
    {
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var upward = new Stream(client, server, 300_000);
        var downward = new Stream(server, client, 300_000);
        Assert.True(hosts.Network.RunUntil(
            () =>
            {
                upward.Pump();
                downward.Pump();
                return upward.Complete && downward.Complete;
            },
            60 * Instant.Second));
        Assert.True(upward.Intact && downward.Intact);
    }
}
