using Mptcp.Simulation;
using Mptcp.Tcp;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>A stream while it flows, and the longest time in which none of it arrived.</summary>
internal sealed class Transfer(SimulatedNetwork network, StackSocket client, StackSocket server, Stream stream)
{
    private readonly Instant _start = network.Now;
    private Instant _last = network.Now;
    private int _received;

    public static Transfer Begin(TwoHosts hosts, int size, bool download = false)
    {
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        return new Transfer(hosts.Network, client, server, download ? new Stream(server, client, size) : new Stream(client, server, size));
    }

    public StackSocket Client => client;

    public StackSocket Server => server;

    public Stream Stream => stream;

    public long LongestGap { get; private set; }

    public double Megabits => stream.Received * 8e3 / (network.Now - _start);

    public int Pump()
    {
        stream.Pump();
        if (stream.Received > _received)
        {
            LongestGap = Math.Max(LongestGap, network.Now - _last);
            (_received, _last) = (stream.Received, network.Now);
        }

        return _received;
    }

    public void RunUntil(long time)
    {
        Instant end = network.Now + time;
        network.RunUntil(() => Pump() < 0, time);
        Assert.Equal(end, network.Now);
    }

    public void RunToEnd()
    {
        Assert.True(network.RunUntil(() => Pump() > 0 && stream.Complete, 600 * Instant.Second), stream.ToString());
        Assert.True(stream.Intact);
    }
}
