using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Which sockets are asked, in which order, and when: what a list that is searched from end to end would say.</summary>
public sealed class SocketTableTests
{
    [Fact]
    public void Those_that_are_awake_are_asked_in_turn_and_each_once()
    {
        var table = new SocketTable();
        List<StackSocket> sockets = [Add(table), Add(table), Add(table), Add(table)];
        Assert.Equal([0, 1, 2, 3], AskAll(table));
        Assert.Null(table.First());
        table.Wake(sockets[3]);
        table.Wake(sockets[0]);
        table.Wake(sockets[2]);
        table.HandleSent(sockets[1]);
        Assert.Equal([2, 3, 0], AskAll(table));
    }

    [Fact]
    public void A_socket_that_is_done_something_to_while_it_is_asked_is_not_asked_again_before_the_next_round()
    {
        var table = new SocketTable();
        StackSocket first = Add(table), second = Add(table);
        Assert.Same(first, table.First());
        table.Sleep(first);
        table.Wake(first);
        Assert.Same(second, table.After(first));
        table.Sleep(second);
        Assert.Null(table.After(second));
        Assert.Same(first, table.First());
    }

    [Fact]
    public void Deadlines_come_out_in_their_order_whatever_was_changed_between()
    {
        var heap = new DeadlineHeap();
        var random = new Random(1);
        var table = new SocketTable();
        List<StackSocket> sockets = [.. Enumerable.Range(0, 50).Select(_ => Make(table))];
        for (int i = 0; i < 5_000; i++)
        {
            StackSocket socket = sockets[random.Next(sockets.Count)];
            if (socket.HeapPlace >= 0)
            {
                heap.Remove(socket);
            }
            else
            {
                socket.Deadline = new Instant(random.Next(500));
                heap.Add(socket);
            }

            IEnumerable<StackSocket> inside = sockets.Where(other => other.HeapPlace >= 0);
            Assert.Equal(inside.Any() ? inside.Min(other => other.Deadline) : null, heap.First?.Deadline);
        }
    }

    [Fact]
    public void Whoever_has_something_due_wakes_up()
    {
        var network = new SimulatedNetwork(1);
        var host = new NetworkStack(new StackOptions(), new SeededEntropy(1));
        host.AddAddress(new LocalAddress(0, TwoHosts.Address(0, 1), 1500));
        var packet = new byte[1500];
        for (ushort port = 1; port <= 3; port++)
        {
            host.TryConnect(network.Now + port, host.Addresses[0], new Wire.IpEndpoint(TwoHosts.Address(0, 2), port));
            Assert.True(host.TryTransmit(network.Now + port, packet, out _, out _));
            Assert.False(host.TryTransmit(network.Now + port, packet, out _, out _));
        }

        // The SYNs go again a second after they went, in the order in which they went.
        for (ushort port = 1; port <= 3; port++)
        {
            Instant due = network.Now + Instant.Second + port;
            Assert.Equal(due, host.NextTimeout);
            host.HandleTimeout(due);
            Assert.True(host.TryTransmit(due, packet, out _, out _));
            Assert.Equal(port, packet[23]);
            Assert.False(host.TryTransmit(due, packet, out _, out _));
        }
    }

    private static List<int> AskAll(SocketTable table)
    {
        var asked = new List<int>();
        for (StackSocket? socket = table.First(); socket is not null; socket = table.After(socket))
        {
            asked.Add(socket.Place);
            table.Sleep(socket);
        }

        return asked;
    }

    private static StackSocket Add(SocketTable table)
    {
        StackSocket socket = Make(table);
        table.Add(socket);
        return socket;
    }

    private static StackSocket Make(SocketTable table)
    {
        var options = new StackOptions();
        var connection = new MptcpConnection(
            options.Connection with { Multipath = false },
            new TokenTable<MptcpConnection>(new SeededEntropy(1)),
            new LocalEndpoints(options.Connection.Limits),
            new MemoryBudget(long.MaxValue));
        var end = new Wire.IpEndpoint(TwoHosts.Address(0, 1), 80);
        connection.Connect(Instant.Zero, new TcpConfiguration { Local = end, Remote = end, InitialSequenceNumber = 1 }, link: 0);
        return new StackSocket(connection, options, listener: null, table);
    }
}
