using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Windows, acknowledgements of data, and the timers behind them.</summary>
public sealed class WindowTests
{
    private static readonly PathOptions _path = PathOptions.Of(50, 10, 125_000);

    [Fact]
    public void After_a_half_close_in_plain_tcp_the_window_still_opens_in_time()
    {
        var small = new MptcpSettings { ReceiveBuffer = 20_000 };
        var hosts = new TwoHosts(small, new MptcpSettings(), seed: 1, _path)
        {
            Rewrite = (_, _, packet) => MptcpStripper.Strip(packet, _ => true),
        };
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        client.CompleteWrites();
        var stream = new Stream(server, client, 400_000);

        // A reader that comes every 50 ms finds the buffer full.
        int visits = 0;
        for (; !stream.Complete && visits < 200; visits++)
        {
            stream.Pump();
            hosts.Network.Run(50 * Instant.Millisecond);
        }

        Assert.True(stream.Complete && stream.Intact, stream.ToString());
        Assert.True(visits < 60, $"{visits} visits");
    }

    [Fact]
    public void Data_that_only_the_subflow_acknowledged_goes_again_while_another_subflow_is_dark()
    {
        var hosts = new TwoHosts(_path, _path);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var bytes = new byte[100_000];
        hosts.Network.RunUntil(() => hosts.SubflowsOf(server).Count == 2, Instant.Second);
        hosts.Network.Run(100 * Instant.Millisecond);
        hosts.Network.RunUntil(() => client.TryWrite(bytes) > 0, Instant.Second);
        hosts.Network.Run(15 * Instant.Millisecond);
        hosts.Network.Paths[1].BlackHoled = true;
        hosts.Network.RunUntil(() => server.Readable == bytes.Length && client.Unacknowledged == 0, 5 * Instant.Second);
        Assert.Equal(bytes.Length, server.Readable);

        // The next bytes are acknowledged on the subflow, and a box loses the DATA_ACK.
        bool strip = true;
        hosts.Rewrite = (path, direction, packet) =>
        {
            if (strip && direction == PathDirection.Back)
            {
                MptcpStripper.Strip(packet, _ => true);
            }
        };
        client.TryWrite(new byte[1000]);
        hosts.Network.Run(200 * Instant.Millisecond);
        strip = false;
        Assert.True(client.Unacknowledged > 0);
        Assert.True(hosts.Network.RunUntil(() => client.Unacknowledged == 0, 10 * Instant.Second));
    }

    [Fact]
    public void No_connection_waits_for_another_that_ends()
    {
        var hosts = new TwoHosts(_path);
        var clients = new List<StackSocket>();
        var servers = new List<StackSocket>();
        for (int i = 0; i < 6; i++)
        {
            clients.Add(hosts.Connect());
            servers.Add(hosts.Accept());
        }

        for (int first = 0; first < 5; first++)
        {
            Instant before = hosts.Network.Now;
            hosts.Network.Run(Instant.Second);
            StackSocket ends = clients[0];
            clients.RemoveAt(0);
            servers.RemoveAt(0);
            ends.Abort();
            foreach (StackSocket client in clients)
            {
                client.TryWrite(new byte[100]);
            }

            var room = new byte[1500];
            int packets = 0;
            while (hosts.Client.TryTransmit(hosts.Network.Now, room, out _, out _))
            {
                packets++;
            }

            // One RST, and 100 bytes of each of the others.
            Assert.Equal(1 + clients.Count, packets);
            hosts.Network.Run(Instant.Second);
        }
    }
}
