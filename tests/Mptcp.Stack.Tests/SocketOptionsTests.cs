using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>What one connection is told, and not its host: kind, ports, addresses, and what changes while it runs.</summary>
public sealed class SocketOptionsTests
{
    private static readonly PathOptions _path = PathOptions.Of(20, 10, 75_000);
    private static readonly SocketOptions _plain = new() { Connection = new MptcpSettings { Multipath = false } };

    [Fact]
    public void A_plain_connection_says_nothing_of_Multipath_TCP()
    {
        var hosts = new TwoHosts(_path, _path);
        StackSocket client = Connect(hosts, new ConnectOptions { Socket = _plain });
        StackSocket server = hosts.Accept();
        Transfer(hosts, client, server);
        Assert.False(client.IsMultipath || server.IsMultipath);
        Assert.DoesNotContain(hosts.Log, line => line.Contains('(', StringComparison.Ordinal));
    }

    [Fact]
    public void A_plain_listener_answers_a_proposal_with_plain_TCP()
    {
        var hosts = new TwoHosts(_path);
        StackListener listener = hosts.Server.TryListen(new ListenOptions { Port = 81, Socket = _plain })!;
        StackSocket client = hosts.Client.TryConnect(
            hosts.Network.Now, hosts.Client.Addresses[0], new IpEndpoint(TwoHosts.Address(0, 2), 81))!;
        StackSocket? server = null;
        Assert.True(hosts.Network.RunUntil(
            () => (server is not null || listener.TryAccept(out server)) && client.State == TcpState.Established, Instant.Second));
        Transfer(hosts, client, server!);
        Assert.False(client.IsMultipath || server!.IsMultipath);
    }

    [Fact]
    public void The_port_is_the_one_asked_for_and_not_taken_twice()
    {
        var hosts = new TwoHosts(_path);
        StackSocket client = Connect(hosts, new ConnectOptions { Port = 4000 });
        Assert.Equal(4000, client.Local.Port);
        Assert.True(hosts.Client.IsInUse(null, 4000));
        Assert.False(hosts.Client.IsInUse(TwoHosts.Address(3, 1), 4000));
        Assert.Null(hosts.Client.TryConnect(
            hosts.Network.Now, hosts.Client.Addresses[0], client.Remote, new ConnectOptions { Port = 4000 }));
    }

    [Fact]
    public void The_closest_listener_takes_a_connection()
    {
        var hosts = new TwoHosts(_path, _path);
        StackListener one = hosts.Server.TryListen(new ListenOptions { Port = 90, Address = TwoHosts.Address(1, 2) })!;
        StackListener family = hosts.Server.TryListen(new ListenOptions { Port = 90, Address = IpAddress.AnyV4 })!;
        Assert.Null(hosts.Server.TryListen(new ListenOptions { Port = 90, Address = IpAddress.AnyV4 }));
        foreach (int path in (int[])[0, 1])
        {
            hosts.Client.TryConnect(
                hosts.Network.Now, hosts.Client.Addresses[path], new IpEndpoint(TwoHosts.Address(path, 2), 90));
        }

        Assert.True(hosts.Network.RunUntil(() => one.Ready + family.Ready == 2, Instant.Second));
        Assert.Equal((1, 1), (one.Ready, family.Ready));
    }

    [Fact]
    public void A_largest_segment_is_announced_and_kept()
    {
        var hosts = new TwoHosts(_path);
        StackSocket client = Connect(hosts, new ConnectOptions { Socket = _plain with { MaximumSegmentSize = 600 } });
        StackSocket server = hosts.Accept();
        Transfer(hosts, client, server);
        Transfer(hosts, server, client);
        Assert.Equal(588, hosts.Log.Max(line => int.Parse(line.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void Corked_bytes_wait_for_company_until_the_cork_is_pulled()
    {
        var hosts = new TwoHosts(_path);
        StackSocket client = Connect(hosts, new ConnectOptions { Socket = _plain with { Corked = true } });
        StackSocket server = hosts.Accept();
        client.TryWrite(new byte[100]);
        hosts.Network.Run(Instant.Second);
        Assert.Equal(0, server.Readable);

        client.Follow(hosts.Network.Now, client.Options with { Corked = false });
        hosts.Network.Run(Instant.Second);
        Assert.Equal(100, server.Readable);
    }

    [Fact]
    public void Small_segments_wait_for_an_acknowledgement_where_Nagles_algorithm_is_on()
    {
        var hosts = new TwoHosts(_path);
        StackSocket client = Connect(hosts, new ConnectOptions { Socket = new SocketOptions { NoDelay = false } });
        StackSocket server = hosts.Accept();
        hosts.Log.Clear();
        for (int i = 0; i < 3; i++)
        {
            client.TryWrite(new byte[100]);
            hosts.Network.Run(Instant.Millisecond);
        }

        hosts.Network.Run(Instant.Second);
        Assert.Equal(300, server.Readable);
        Assert.Equal(2, hosts.Log.Count(line => line.StartsWith("0> Psh, Ack", StringComparison.Ordinal)));
    }

    [Fact]
    public void Keep_alive_can_begin_while_a_connection_runs()
    {
        var hosts = new TwoHosts(_path);
        StackSocket client = hosts.Connect();
        hosts.Accept();
        hosts.Network.Run(10 * Instant.Second);
        client.Follow(hosts.Network.Now, client.Options with { KeepAlive = true, KeepAliveIdle = Instant.Second });
        hosts.Drop = (_, _) => true;
        hosts.Network.Run(800 * Instant.Second);
        Assert.Equal(TcpState.Closed, client.State);
    }

    [Fact]
    public void Bytes_that_were_looked_at_are_still_there()
    {
        var hosts = new TwoHosts(_path);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        client.TryWrite([1, 2, 3, 4]);
        hosts.Network.Run(Instant.Second);
        var seen = new byte[8];
        Assert.Equal(4, server.TryPeek(seen));
        Assert.Equal(2, server.TryRead(seen.AsSpan(4, 2)));
        Assert.Equal([1, 2, 3, 4, 1, 2], seen[..6]);
        Assert.Equal(2, server.TryPeek(seen));
        Assert.Equal([3, 4], seen[..2]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Closing_with_bytes_unread_resets(bool multipath)
    {
        var hosts = new TwoHosts(_path);
        StackSocket client = multipath ? hosts.Connect() : Connect(hosts, new ConnectOptions { Socket = _plain });
        StackSocket server = hosts.Accept();
        client.TryWrite(new byte[10]);
        hosts.Network.Run(Instant.Second);
        server.Close(hosts.Network.Now);
        hosts.Network.Run(Instant.Second);
        Assert.Equal(TcpCloseReason.ResetByPeer, client.CloseReason);
        Assert.Contains("Rst", hosts.Log[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Closing_first_refuses_what_comes_later()
    {
        var hosts = new TwoHosts(_path);
        StackSocket client = Connect(hosts, new ConnectOptions { Socket = _plain });
        StackSocket server = hosts.Accept();
        server.TryWrite(new byte[10]);
        server.Close(hosts.Network.Now);
        hosts.Network.Run(Instant.Second);
        Assert.Equal((10, TcpState.CloseWait), (client.Readable, client.State));
        client.TryWrite(new byte[10]);
        hosts.Network.Run(Instant.Second);
        Assert.Equal(TcpCloseReason.ResetByPeer, client.CloseReason);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_peer_that_does_not_end_its_stream_is_left_after_a_minute(bool multipath)
    {
        var hosts = new TwoHosts(_path);
        StackSocket client = multipath ? hosts.Connect() : Connect(hosts, new ConnectOptions { Socket = _plain });
        StackSocket server = hosts.Accept();
        server.TryWrite(new byte[10]);
        server.Close(hosts.Network.Now);
        hosts.Network.Run(59 * Instant.Second);
        Assert.Equal((TcpState.CloseWait, TcpState.FinWait2), (client.State, server.State));
        hosts.Network.Run(2 * Instant.Second);
        Assert.Equal(TcpState.Closed, server.State);
        Assert.Equal(0, hosts.Server.Connections);
        Assert.Equal(multipath ? TcpCloseReason.ResetByPeer : TcpCloseReason.None, client.CloseReason);
    }

    [Fact]
    public void Data_leaves_a_link_that_goes_down_at_once()
    {
        var hosts = new TwoHosts(_path, _path);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var stream = new Stream(client, server, 4_000_000);
        long longest = 0;
        Instant last = hosts.Network.Now;
        bool down = false;
        Assert.True(hosts.Network.RunUntil(
            () =>
            {
                if (stream.Received > 1_000_000 && !down)
                {
                    down = true;
                    hosts.Client.SetLink(hosts.Network.Now, 0, up: false);
                    hosts.Server.SetLink(hosts.Network.Now, 0, up: false);
                }

                long before = stream.Received;
                stream.Pump();
                longest = Math.Max(longest, hosts.Network.Now - last);
                last = stream.Received > before ? hosts.Network.Now : last;
                return stream.Complete;
            },
            60 * Instant.Second), stream.ToString());
        Assert.True(down);
        Assert.True(longest < 150 * Instant.Millisecond, $"{longest / Instant.Millisecond} ms without a byte");
        Assert.True(hosts.Client.IsUp(1) && !hosts.Client.IsUp(0));
    }

    [Fact]
    public void A_link_that_comes_back_carries_again()
    {
        var hosts = new TwoHosts(_path);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        hosts.Client.SetLink(hosts.Network.Now, 0, up: false);
        client.TryWrite(new byte[10]);
        hosts.Network.Run(Instant.Second);
        Assert.Equal(0, server.Readable);
        hosts.Client.SetLink(hosts.Network.Now, 0, up: true);
        Assert.True(hosts.Network.RunUntil(() => server.Readable == 10, 10 * Instant.Second));
    }

    [Fact]
    public void Keys_are_the_chosen_ones_as_long_as_they_can_be()
    {
        var hosts = new TwoHosts(
            new StackOptions { ChooseKey = () => 0x0102030405060708 }, new StackOptions { ChooseKey = () => 0 }, seed: 1, _path);
        StackSocket first = hosts.Connect();
        StackSocket second = hosts.Connect();
        hosts.Accept();
        first.TryWrite(new byte[1]);
        second.TryWrite(new byte[1]);
        hosts.Network.Run(Instant.Second);
        Assert.Equal(MptcpCrypto.Token(0x0102030405060708), first.Info.Token);
        Assert.NotEqual(first.Info.Token, second.Info.Token);
        Assert.True(first.IsMultipath && second.IsMultipath);
    }

    [Fact]
    public void Where_endpoints_alone_decide_an_address_is_for_nothing_else()
    {
        var hosts = new TwoHosts(
            new StackOptions { EndpointsOnly = true }, new StackOptions { EndpointsOnly = true }, seed: 1, _path, _path);
        StackSocket client = hosts.Connect();
        hosts.Accept();
        hosts.Network.Run(Instant.Second);
        Assert.Single(hosts.SubflowsOf(client));
        hosts.Client.TryAddEndpoint(TwoHosts.Address(1, 1), EndpointFlags.Subflow);
        hosts.Network.Run(Instant.Second);
        Assert.Single(hosts.SubflowsOf(client));
    }

    [Fact]
    public void What_can_be_said_of_a_connection_agrees_with_what_was_sent()
    {
        var hosts = new TwoHosts(_path);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        Transfer(hosts, client, server);
        var subflows = new List<SubflowTcpInfo>();
        client.CopyTcpInfo(subflows);
        (ConnectionInfo near, ConnectionInfo far, TcpInfo tcp) = (client.Info, server.Info, Assert.Single(subflows).Tcp);
        Assert.Equal((5_000L, 5_000L, 5_000L), (near.BytesSent, near.BytesAcknowledged, far.BytesReceived));
        Assert.Equal((near.WriteSequence, near.SendUnacknowledged), (far.ReceiveNext, far.ReceiveNext));
        Assert.Equal((near.Token, near.RemoteToken), (far.RemoteToken, far.Token));
        Assert.Equal((5_000L, 0L, 4L), (tcp.BytesSent, tcp.BytesRetransmitted, tcp.Counts.DataSent));
        Assert.Equal(hosts.Log.Count(line => line.StartsWith("0>", StringComparison.Ordinal)), tcp.Counts.Sent);
        Assert.Equal(hosts.Log.Count(line => line.StartsWith("0<", StringComparison.Ordinal)), tcp.Counts.Received);
        Assert.Equal((0, 1500), (tcp.Unacknowledged, tcp.PathMtu));
        Assert.InRange(tcp.SmoothedRtt, 20 * Instant.Millisecond, 25 * Instant.Millisecond);
    }

    private static StackSocket Connect(TwoHosts hosts, in ConnectOptions options) => hosts.Client.TryConnect(
        hosts.Network.Now, hosts.Client.Addresses[0], new IpEndpoint(TwoHosts.Address(0, 2), TwoHosts.Port), options)!;

    private static void Transfer(TwoHosts hosts, StackSocket from, StackSocket to)
    {
        from.TryWrite(new byte[5_000]);
        Assert.True(hosts.Network.RunUntil(
            () => to.TryPeek(new byte[5_000]) == 5_000 && from.Unacknowledged == 0, 10 * Instant.Second));
        to.TryRead(new byte[5_000]);
    }
}
