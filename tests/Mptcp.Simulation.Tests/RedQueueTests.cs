using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation.Tests;

public sealed class RedQueueTests
{
    private const long PacketTime = 1_000_000;
    private static readonly RedQueue _red = new() { MinimumBytes = 20_000, MaximumBytes = 60_000, WeightShift = 4 };
    private readonly byte[] _buffer = new byte[65_536];

    [Fact]
    public void Below_the_minimum_nothing_is_dropped()
    {
        PathModel path = Path(_red);
        Feed(path, packets: 50_000, inFlight: 13);
        Assert.Equal(0, path.Counters.EarlyDrops.Packets);
    }

    [Theory]
    [InlineData(26, 45_000, 55_000)] // 39,000 - half way: 47,500 in a million, spread evenly
    [InlineData(33, 70_000, 85_000)]
    public void Between_the_limits_the_chance_grows(int inFlight, int least, int most)
    {
        // The queue is held at a length by sending as often as the path does; a drop is not made up for.
        var red = new RedState(_red);
        int drops = 0;
        const int arrivals = 200_000;
        for (int i = 0; i < arrivals; i++)
        {
            drops += red.Judge(inFlight * 1500, 0, SplitMix64.At(9, (ulong)i)) == RedState.Verdict.Early ? 1 : 0;
        }

        // Uniform gaps of up to 1/p: the share is about 2p/(1+p).
        double p = (inFlight * 1500 - 20_000) / 40_000.0 * 0.1;
        Assert.InRange(drops / (double)arrivals, 2 * p / (1 + p) * 0.95, 2 * p / (1 + p) * 1.05);
        Assert.InRange(p * 1e6, least, most);
    }

    [Fact]
    public void Above_twice_the_maximum_everything_is_dropped()
    {
        var red = new RedState(_red);
        RedState.Verdict last = RedState.Verdict.Pass;
        for (int i = 0; i < 200; i++)
        {
            last = red.Judge(130_000, 0, ulong.MaxValue);
        }

        Assert.Equal(RedState.Verdict.Forced, last);
    }

    [Fact]
    public void A_greedy_sender_is_held_well_below_the_end_of_the_queue()
    {
        PathModel path = Path(_red);
        long peak = 0;
        for (int i = 0; i < 20_000; i++)
        {
            var now = new Instant(i * PacketTime * 19 / 20);
            path.Send(now, _buffer.AsSpan(0, 1500));
            Receive(path, now);
            peak = Math.Max(peak, path.QueuedBytes(now));
        }

        Assert.True(path.Counters.EarlyDrops.Packets > 500);
        Assert.Equal(0, path.Counters.QueueDrops.Packets);
        Assert.InRange(peak, 20_000, 90_000);
    }

    [Fact]
    public void An_idle_time_lets_the_average_fall()
    {
        var red = new RedState(_red with { WeightShift = 9 });
        for (int i = 0; i < 5000; i++)
        {
            red.Judge(100_000, 0, ulong.MaxValue - 1);
        }

        // 5,000 packets of silence: 100,000 * (1 - 1/512)^5000 is 6 bytes.
        Assert.Equal(RedState.Verdict.Pass, red.Judge(0, 5000, 0));
    }

    [Fact]
    public void A_sender_that_speaks_ecn_is_marked_and_not_dropped()
    {
        PathModel path = Path(_red with { MarksEcn = true });
        var from = new IpEndpoint(IpAddress.Parse("10.0.0.1"), 1);
        int length = TcpPacket.Write(
            _buffer, new TcpHeaderFields { Source = from, Destination = from, TrafficClass = 2 }, [], 1460);
        byte[] packet = _buffer[..length];
        int marked = 0;
        for (int i = 0; i < 10_000; i++)
        {
            var now = new Instant(i * PacketTime * 99 / 100);
            path.Send(now, packet);
            while (path.TryReceive(now, _buffer, out int received))
            {
                Assert.True(IpPacket.TryParse(_buffer.AsSpan(0, received), out IpPacket ip, out _));
                marked += ip.Ecn == 3 ? 1 : 0;
            }
        }

        Assert.True(marked > 100);
        Assert.InRange(path.Counters.Marked.Packets, marked, marked + 100);
    }

    private static PathModel Path(RedQueue red) =>
        new(new PathOptions { BitsPerSecond = 12_000_000, QueueBytes = 150_000, Red = red }, 3);

    private void Feed(PathModel path, int packets, int inFlight)
    {
        for (int i = 0; i < inFlight; i++)
        {
            path.Send(Instant.Zero, _buffer.AsSpan(0, 1500));
        }

        for (int i = 1; i < packets; i++)
        {
            var now = new Instant(i * PacketTime);
            Receive(path, now);
            path.Send(now, _buffer.AsSpan(0, 1500));
        }
    }

    private void Receive(PathModel path, Instant now)
    {
        while (path.TryReceive(now, _buffer, out _))
        {
        }
    }
}
