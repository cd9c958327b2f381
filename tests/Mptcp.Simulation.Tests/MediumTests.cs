using CsCheck;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation.Tests;

/// <summary>Jitter, bursts of loss, damage and cuts.</summary>
public sealed class MediumTests
{
    private const int Packets = 100_000;
    private readonly byte[] _buffer = new byte[65_536];

    [Fact]
    public void Jitter_spreads_evenly_over_its_range()
    {
        const long jitter = 1_000_000;
        List<(long Delay, int Index)> arrivals = Send(
            new PathOptions { DelayNanoseconds = 100, JitterNanoseconds = jitter, JitterReorders = true }, spacing: 1);
        int[] tenths = new int[10];
        foreach ((long at, int index) in arrivals)
        {
            long extra = at - index - 100;
            Assert.InRange(extra, 0, jitter);
            tenths[Math.Min(9, extra * 10 / jitter)]++;
        }

        Assert.All(tenths, count => Assert.InRange(count, Packets / 10 - 500, Packets / 10 + 500));
        Assert.True(Overtakings(arrivals) > Packets / 10);
    }

    [Fact]
    public void Jitter_keeps_the_order_unless_told()
    {
        var options = new PathOptions { DelayNanoseconds = 100, JitterNanoseconds = 1_000_000 };
        List<(long At, int Index)> arrivals = Send(options, spacing: 10_000);
        Assert.Equal(Packets, arrivals.Count);
        Assert.Equal(0, Overtakings(arrivals));
    }

    [Theory]
    [InlineData(10_000, 250_000, 1_000_000, 0)]
    [InlineData(5_000, 100_000, 500_000, 1_000)]
    [InlineData(200_000, 200_000, 1_000_000, 0)]
    public void Bursts_of_loss_have_their_share_and_length(int enter, int leave, int bad, int good)
    {
        var path = new PathModel(new PathOptions { BurstLoss = new BurstLoss(enter, leave, bad, good) }, 11);
        int lost = 0, bursts = 0;
        bool before = false;
        for (int i = 0; i < 4 * Packets; i++)
        {
            bool now = path.Send(new Instant(i), _buffer.AsSpan(0, 40)) == PacketFate.Lost;
            path.TryReceive(new Instant(i), _buffer, out _);
            lost += now ? 1 : 0;
            bursts += now && !before ? 1 : 0;
            before = now;
        }

        double inBad = enter / (double)(enter + leave);
        double share = inBad * bad / 1e6 + (1 - inBad) * good / 1e6;
        Assert.InRange(lost / (4.0 * Packets), share * 0.93, share * 1.07);
        Assert.Equal(lost, path.Counters.Lost.Packets);
        if (bad == 1_000_000 && good == 0)
        {
            Assert.InRange(lost / (double)bursts, 1e6 / leave * 0.93, 1e6 / leave * 1.07);
        }
    }

    [Fact]
    public void Losses_go_by_the_index_of_a_packet_whatever_the_queue_does() =>
        Gen.Select(Gen.ULong, Gen.Int[0, 20_000]).Sample(
            (seed, queue) =>
            {
                var options = new PathOptions
                {
                    LossPerMillion = 50_000,
                    BurstLoss = new BurstLoss(20_000, 300_000),
                    BitsPerSecond = 10_000_000,
                };
                var wide = new PathModel(options, seed);
                var narrow = new PathModel(options with { QueueBytes = queue }, seed);
                for (int i = 0; i < 300; i++)
                {
                    PacketFate fate = wide.Send(new Instant(i * 1_000_000L), _buffer.AsSpan(0, 1500));
                    PacketFate other = narrow.Send(new Instant(i * 1_000_000L), _buffer.AsSpan(0, 1500));
                    Assert.True(fate == other || other == PacketFate.QueueDrop);
                }
            },
            iter: 100);

    [Fact]
    public void Damage_is_a_burst_of_its_width_and_the_checksums_catch_it() =>
        Gen.Select(Gen.ULong, Gen.Int[1, 15], Gen.Int[0, 1400], Gen.Bool).Sample(
            (seed, width, payload, v4) =>
            {
                byte[] packet = Packet(payload, v4);
                byte[] received = new byte[2000];
                var path = new PathModel(new PathOptions { CorruptPerMillion = 1_000_000, CorruptBits = width }, seed);
                for (int i = 0; i < 20; i++)
                {
                    path.Send(new Instant(i), packet);
                    Assert.True(path.TryReceive(new Instant(i), received, out int length));
                    Assert.Equal(packet.Length, length);
                    (int first, int last) = Difference(packet, received);
                    Assert.InRange(last - first + 1, 1, width);
                    Assert.True(IsRefused(received.AsSpan(0, length)) || IsUnprotected(first, last, v4));
                }
            },
            iter: 500);

    [Fact]
    public void Damage_has_its_share_and_hits_every_part()
    {
        var path = new PathModel(new PathOptions { CorruptPerMillion = 100_000 }, 3);
        byte[] packet = Packet(960, v4: true);
        int[] eighths = new int[8];
        for (int i = 0; i < Packets; i++)
        {
            path.Send(new Instant(i), packet);
            Assert.True(path.TryReceive(new Instant(i), _buffer, out _));
            if (Difference(packet, _buffer) is var (first, _) && first >= 0)
            {
                eighths[first * 8 / (packet.Length * 8)]++;
            }
        }

        Assert.InRange(path.Counters.Corrupted.Packets, Packets / 10 - 500, Packets / 10 + 500);
        Assert.Equal(path.Counters.Corrupted.Packets, eighths.Sum());
        Assert.All(eighths, count => Assert.InRange(count, 1100, 1400));
    }

    [Fact]
    public void A_cut_takes_what_enters_and_what_would_arrive()
    {
        var options = new PathOptions { DelayNanoseconds = 10, Cuts = [new PathCut(100, 50), new PathCut(500, long.MaxValue)] };
        var path = new PathModel(options, 1, new Instant(1000));
        Assert.Equal(PacketFate.OnItsWay, path.Send(new Instant(1089), _buffer.AsSpan(0, 40)));
        Assert.Equal(PacketFate.OnItsWay, path.Send(new Instant(1090), _buffer.AsSpan(0, 50)));
        Assert.Equal(PacketFate.BlackHoled, path.Send(new Instant(1100), _buffer.AsSpan(0, 60)));
        Assert.Equal(PacketFate.BlackHoled, path.Send(new Instant(1149), _buffer.AsSpan(0, 60)));
        Assert.Equal(PacketFate.OnItsWay, path.Send(new Instant(1150), _buffer.AsSpan(0, 70)));
        var lengths = new List<int>();
        while (path.TryReceive(new Instant(2000), _buffer, out int length))
        {
            lengths.Add(length);
        }

        Assert.Equal([40, 70], lengths);
        Assert.Equal(new Tally(3, 170), path.Counters.BlackHoled);
        Assert.Equal(PacketFate.BlackHoled, path.Send(new Instant(long.MaxValue / 2), _buffer.AsSpan(0, 60)));
    }

    [Fact]
    public void Nothing_is_allocated_per_packet_with_everything_on()
    {
        var path = new PathModel(
            new PathOptions
            {
                Trace = DeliveryTrace.Parse("1\n2\n2\n3\n"),
                DelayNanoseconds = 1_000_000,
                JitterNanoseconds = 100_000,
                JitterReorders = true,
                QueueBytes = 30_000,
                Red = new RedQueue { MinimumBytes = 5_000, MaximumBytes = 15_000, MarksEcn = true },
                LossPerMillion = 10_000,
                BurstLoss = new BurstLoss(10_000, 300_000),
                DuplicatePerMillion = 10_000,
                ReorderPerMillion = 10_000,
                CorruptPerMillion = 10_000,
                Cuts = [new PathCut(1000, 1000)],
            },
            1);
        byte[] packet = Packet(1000, v4: true);
        long allocated = long.MaxValue;
        for (int round = 0; round < 6; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = round * 20_000; i < (round + 1) * 20_000; i++)
            {
                var now = new Instant(i * 400_000L);
                path.Send(now, packet);
                while (path.TryReceive(now, _buffer, out _))
                {
                }
            }

            allocated = Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, allocated);
        PathCounters counters = path.Counters;
        Assert.All(
            (Tally[])[counters.EarlyDrops, counters.Lost, counters.Duplicated, counters.Corrupted, counters.Delivered],
            tally => Assert.True(tally.Packets > 0));
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(1_000_001, 1)]
    [InlineData(0, 0)]
    [InlineData(0, 65)]
    public void Figures_out_of_range_are_refused(int chance, int bits)
    {
        Assert.ThrowsAny<ArgumentException>(() => new PathModel(new PathOptions { CorruptPerMillion = chance, CorruptBits = bits }, 1));
        if (bits == 1)
        {
            Assert.ThrowsAny<ArgumentException>(() => new PathModel(new PathOptions { BurstLoss = new BurstLoss(1, chance) }, 1));
        }

        Assert.ThrowsAny<ArgumentException>(
            () => new PathModel(new PathOptions { BitsPerSecond = 1, Trace = DeliveryTrace.Parse("1") }, 1));
    }

    private List<(long At, int Index)> Send(PathOptions options, int spacing)
    {
        var path = new PathModel(options, 5);
        var arrivals = new List<(long, int)>();
        for (int i = 0; i < Packets; i++)
        {
            path.Send(new Instant((long)i * spacing), BitConverter.GetBytes(i));
        }

        while (path.NextTimeout is var at && path.TryReceive(at, _buffer, out _) && arrivals.Count < Packets)
        {
            arrivals.Add((at.Nanoseconds, BitConverter.ToInt32(_buffer)));
        }

        return arrivals;
    }

    private static int Overtakings(List<(long At, int Index)> arrivals) =>
        arrivals.Zip(arrivals.Skip(1)).Count(pair => pair.Second.Index < pair.First.Index);

    private static byte[] Packet(int payload, bool v4)
    {
        var address = IpAddress.Parse(v4 ? "10.0.0.1" : "fd00::1");
        var header = new TcpHeaderFields { Source = new IpEndpoint(address, 1), Destination = new IpEndpoint(address, 2), Flags = TcpFlags.Ack };
        byte[] packet = new byte[2000];
        return packet[..TcpPacket.Write(packet, header, [], payload)];
    }

    private static (int First, int Last) Difference(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        (int first, int last) = (-1, -1);
        for (int bit = 0; bit < a.Length * 8; bit++)
        {
            if (((a[bit / 8] ^ b[bit / 8]) >> (7 - bit % 8) & 1) != 0)
            {
                (first, last) = (first < 0 ? bit : first, bit);
            }
        }

        return (first, last);
    }

    // IPv6 has no checksum of its header: the traffic class, the flow label and the hop limit are nobody's.
    private static bool IsUnprotected(int first, int last, bool v4) => !v4 && (last < 32 || (first >= 48 && last < 64));

    private static bool IsRefused(ReadOnlySpan<byte> packet) =>
        !IpPacket.TryParse(packet, out IpPacket ip, out _) || !TcpSegment.TryParse(ip, out _, out _);
}
