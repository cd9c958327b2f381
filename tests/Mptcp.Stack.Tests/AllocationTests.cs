using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>What a segment costs the garbage collector: nothing.</summary>
public sealed class AllocationTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(5000, 0)]
    [InlineData(0, 30)]
    public void In_steady_state_no_segment_allocates(int lossPerMillion, int idleConnections)
    {
        PathOptions path = PathOptions.Of(50, 10, 125_000) with { LossPerMillion = lossPerMillion };
        var network = new SimulatedNetwork(1);
        var client = new NetworkStack(new StackOptions(), new SeededEntropy(1));
        var server = new NetworkStack(new StackOptions(), new SeededEntropy(2));
        int clientHost = network.AddHost(client);
        int serverHost = network.AddHost(server);
        for (int p = 0; p < 2; p++)
        {
            client.AddAddress(new LocalAddress(p, TwoHosts.Address(p, 1), 1500));
            server.AddAddress(new LocalAddress(p, TwoHosts.Address(p, 2), 1500));
            network.Connect(clientHost, p, serverHost, p, path);
        }

        StackListener listener = server.TryListen(80)!;
        StackSocket from = client.TryConnect(network.Now, client.Addresses[0], new IpEndpoint(TwoHosts.Address(0, 2), 80))!;
        StackSocket? to = null;
        network.RunUntil(() => to is not null || listener.TryAccept(out to), Instant.Second);
        for (int i = 0; i < idleConnections; i++)
        {
            client.TryConnect(network.Now, client.Addresses[0], new IpEndpoint(TwoHosts.Address(0, 2), 80));
        }

        var bytes = new byte[65_536];
        long received = 0;
        Func<bool> pump = () =>
        {
            while (from.TryWrite(bytes) > 0)
            {
            }

            for (int count = to!.TryRead(bytes); count > 0; count = to.TryRead(bytes))
            {
                received += count;
            }

            return false;
        };

        // Buffers and tables reach their size first.
        network.RunUntil(pump, 5 * Instant.Second);
        long before = GC.GetAllocatedBytesForCurrentThread();
        long receivedBefore = received;
        network.RunUntil(pump, 5 * Instant.Second);
        long segments = (received - receivedBefore) / 1424;
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(segments > 5_000, $"{segments} segments");
        Assert.True(allocated < segments, $"{allocated} bytes for {segments} segments");
    }
}
