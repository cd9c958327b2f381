using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>
/// Plain TCP with CUBIC gets out of a lossy path what the congestion control allows: finding losses and making them good
/// takes nothing more. The path is that of the bench's grid: 50 Mbit/s, a queue of one round trip, loss by the index of data.
/// </summary>
public sealed class LossResponseTests
{
    private const int Rate = 50;

    [Theory]
    [InlineData(0, 20, 10_000_000)]
    [InlineData(0, 100, 40_000_000)]
    [InlineData(1_000, 20, 60_000_000)]
    [InlineData(1_000, 100, 60_000_000)]
    [InlineData(10_000, 20, 20_000_000)]
    [InlineData(10_000, 100, 20_000_000)]
    public void Cubic_is_held_back_by_its_window_alone(int lossPerMillion, int roundTrip, int bytes)
    {
        var link = new Bottleneck(Bottleneck.Link(Rate, roundTrip, 0) with { DataLossPerMillion = lossPerMillion });
        var sent = new DataLog();
        link.Network.Observer = sent;
        BulkFlow flow = PlainTcp.Start(link, CongestionControllers.Cubic);
        flow.Measure();
        while (flow.Received < bytes && link.Network.Now < new Instant(600 * Instant.Second))
        {
            link.Run(roundTrip);
        }

        const double rate = Rate * 1e6 / 8 / PlainTcp.Packet;
        var reference = new CubicReference(rate, roundTrip / 1e3, queue: rate * roundTrip / 1e3);
        double expected = reference.Goodput(sent.Lost) * PlainTcp.Payload;
        int losses = sent.Lost.Count(lost => lost);
        string figures = $"{flow.Goodput} of {expected:F0} bytes/s, {losses} lost, {link.Counters.QueueDrops.Packets} dropped, {flow.Retransmissions} repeated";
        Assert.True(flow.Goodput >= expected * 0.95 && flow.Goodput <= expected * 1.1, figures);

        // What was lost last may still be on its way.
        Assert.InRange(flow.Retransmissions - losses - link.Counters.QueueDrops.Packets, -2, 0);
        Assert.Equal(PlainTcp.Payload, sent.LargestPayload);
    }

    /// <summary>Which data segments the path lost by chance, in the order of their sending.</summary>
    private sealed class DataLog : INetworkObserver
    {
        public List<bool> Lost { get; } = [];

        public int LargestPayload { get; private set; }

        public void HandleSent(
            Instant now, SimulatedPath path, PathDirection direction, PacketFate fate, ReadOnlySpan<byte> packet)
        {
            if (direction == PathDirection.Forward
                && IpPacket.TryParse(packet, out IpPacket ip, out _)
                && TcpSegment.TryParse(ip, out TcpSegment segment, out _)
                && segment.Payload.Length > 0)
            {
                LargestPayload = Math.Max(LargestPayload, segment.Payload.Length);
                if (fate != PacketFate.QueueDrop)
                {
                    Lost.Add(fate == PacketFate.Lost);
                }
            }
        }

        public void HandleDelivered(Instant now, SimulatedPath path, PathDirection direction, ReadOnlySpan<byte> packet)
        {
        }
    }
}
