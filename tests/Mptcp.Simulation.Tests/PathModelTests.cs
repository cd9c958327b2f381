using CsCheck;
using Mptcp.Tcp;

namespace Mptcp.Simulation.Tests;

public sealed class PathModelTests
{
    private static byte[] Segment(int version, int payload)
    {
        const byte tcp = 6;
        const int optionWords = 3;
        int header = version == 4 ? 20 : 40;
        var packet = new byte[header + (5 + optionWords) * 4 + payload];
        packet[0] = (byte)(version == 4 ? 0x45 : 0x60);
        packet[version == 4 ? 9 : 6] = tcp;
        packet[header + 12] = (5 + optionWords) << 4;
        return packet;
    }

    private static List<int> LossesOf(PathModel path, byte[] data, int acknowledgements)
    {
        var lost = new List<int>();
        for (int i = 0; i < 1000; i++)
        {
            for (int ack = 0; ack < acknowledgements; ack++)
            {
                path.Send(new Instant(i), data.AsSpan(0, (data[0] >> 4 == 4 ? 20 : 40) + 32));
            }

            if (path.Send(new Instant(i), data) == PacketFate.Lost)
            {
                lost.Add(i);
            }
        }

        return lost;
    }

    private static readonly byte[] _packet = new byte[1500];
    private readonly byte[] _buffer = new byte[65_536];

    [Fact]
    public void A_train_keeps_the_rate_to_the_nanosecond() =>
        Gen.Select(Gen.Long[1000, 10_000_000_000], Gen.Long[0, Instant.Second], Gen.Int[1, 65_535].Array[1, 50]).Sample(
            (rate, delay, lengths) =>
            {
                var start = new Instant(12_345);
                var path = new PathModel(
                    new PathOptions { BitsPerSecond = rate, DelayNanoseconds = delay, QueueBytes = long.MaxValue }, 1);
                foreach (int length in lengths)
                {
                    path.Send(start, new byte[length]);
                }

                Int128 bits = 0;
                foreach (int length in lengths)
                {
                    bits += length * 8;
                    Instant due = start + (long)(bits * Instant.Second / rate) + delay;
                    Assert.Equal(due, path.NextTimeout);
                    Assert.False(path.TryReceive(due + -1, _buffer, out _));
                    Assert.True(path.TryReceive(due, _buffer, out int received));
                    Assert.Equal(length, received);
                }

                Assert.Equal(Instant.Never, path.NextTimeout);
            },
            iter: 200);

    [Fact]
    public void An_idle_path_starts_afresh()
    {
        var path = new PathModel(new PathOptions { BitsPerSecond = 12_000_000, DelayNanoseconds = 7 }, 1);
        path.Send(new Instant(0), _packet);
        Assert.Equal(new Instant(1_000_007), path.NextTimeout);
        Assert.True(path.TryReceive(path.NextTimeout, _buffer, out _));
        path.Send(new Instant(5_000_000), _packet);
        Assert.Equal(new Instant(6_000_007), path.NextTimeout);
    }

    [Fact]
    public void The_queue_holds_its_limit_and_not_one_byte_more()
    {
        var path = new PathModel(new PathOptions { BitsPerSecond = 12_000_000, QueueBytes = 4500 }, 1);
        var zero = new Instant(0);
        for (int i = 0; i < 3; i++)
        {
            path.Send(zero, _packet);
        }

        path.Send(zero, _packet.AsSpan(0, 1));
        Assert.Equal(new Tally(1, 1), path.Counters.QueueDrops);

        // The first packet is out after exactly 1 ms; until then it counts.
        path.Send(new Instant(999_999), _packet);
        Assert.Equal(2, path.Counters.QueueDrops.Packets);
        path.Send(new Instant(1_000_000), _packet);
        Assert.Equal(2, path.Counters.QueueDrops.Packets);
        Assert.Equal(4500, path.QueuedBytes(new Instant(1_000_000)));
        Assert.Equal(0, path.QueuedBytes(new Instant(4_000_000)));
    }

    [Theory]
    [InlineData(1_000)]
    [InlineData(10_000)]
    [InlineData(500_000)]
    public void Loss_has_its_share(int perMillion)
    {
        const int Packets = 100_000;
        var path = new PathModel(new PathOptions { LossPerMillion = perMillion }, 7);
        for (int i = 0; i < Packets; i++)
        {
            path.Send(new Instant(i), _packet.AsSpan(0, 40));
            path.TryReceive(new Instant(i), _buffer, out _);
        }

        double expected = Packets * (perMillion / 1e6);
        double sigma = Math.Sqrt(expected * (1 - perMillion / 1e6));
        Assert.InRange(path.Counters.Lost.Packets, expected - 5 * sigma, expected + 5 * sigma);
        Assert.Equal(Packets, path.Counters.Lost.Packets + path.Counters.Delivered.Packets);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(6)]
    public void Lost_data_goes_by_its_own_index(int version)
    {
        var options = new PathOptions { DataLossPerMillion = 100_000 };
        byte[] data = Segment(version, payload: 1000);
        List<int> alone = LossesOf(new PathModel(options, 7), data, acknowledgements: 0);
        Assert.InRange(alone.Count, 50, 150);

        // What else goes the same way, or finds the queue full, or is drawn for another reason, moves none of them.
        Assert.Equal(alone, LossesOf(new PathModel(options, 7), data, acknowledgements: 3));
        Assert.Equal(alone, LossesOf(new PathModel(options with { DuplicatePerMillion = 300_000 }, 7), data, 1));
        Assert.NotEqual(alone, LossesOf(new PathModel(options, 8), data, acknowledgements: 0));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(6)]
    public void Data_loss_spares_what_carries_none(int version)
    {
        var path = new PathModel(new PathOptions { DataLossPerMillion = 1_000_000 }, 7);
        byte[] other = Segment(version, payload: 1000);
        other[version == 4 ? 9 : 6] = 17;
        Assert.Equal(PacketFate.OnItsWay, path.Send(new Instant(0), Segment(version, payload: 0)));
        Assert.Equal(PacketFate.OnItsWay, path.Send(new Instant(0), other));
        Assert.Equal(PacketFate.OnItsWay, path.Send(new Instant(0), other.AsSpan(0, 30)));
        Assert.Equal(PacketFate.OnItsWay, path.Send(new Instant(0), [(byte)(version << 4)]));
        Assert.Equal(PacketFate.Lost, path.Send(new Instant(0), Segment(version, payload: 1)));
    }

    [Fact]
    public void The_seed_decides_all()
    {
        Assert.Equal(Outcome(3), Outcome(3));
        Assert.NotEqual(Outcome(3), Outcome(4));
    }

    [Fact]
    public void A_late_packet_is_overtaken_and_a_duplicate_comes_twice()
    {
        var late = new PathModel(new PathOptions { ReorderPerMillion = 1_000_000, ReorderNanoseconds = 10 }, 1);
        late.Send(new Instant(0), _packet);
        Assert.Equal(new Instant(10), late.NextTimeout);

        var twice = new PathModel(new PathOptions { DuplicatePerMillion = 1_000_000 }, 1);
        twice.Send(new Instant(0), _packet);
        Assert.True(twice.TryReceive(new Instant(0), _buffer, out _));
        Assert.True(twice.TryReceive(new Instant(0), _buffer, out _));
        Assert.False(twice.TryReceive(new Instant(0), _buffer, out _));
        Assert.Equal(2, twice.Counters.Delivered.Packets);
    }

    [Fact]
    public void A_black_hole_takes_what_enters_and_what_is_on_the_way()
    {
        var path = new PathModel(new PathOptions { DelayNanoseconds = 10 }, 1);
        path.Send(new Instant(0), _packet);
        path.BlackHoled = true;
        path.Send(new Instant(1), _packet.AsSpan(0, 500));
        Assert.False(path.TryReceive(new Instant(10), _buffer, out _));
        Assert.Equal(new Tally(2, 2000), path.Counters.BlackHoled);

        path.BlackHoled = false;
        path.Send(new Instant(20), _packet);
        Assert.True(path.TryReceive(new Instant(30), _buffer, out _));
    }

    [Fact]
    public void Bytes_arrive_as_they_left()
    {
        var path = new PathModel(new PathOptions { BitsPerSecond = 1_000_000 }, 1);
        for (byte i = 0; i < 10; i++)
        {
            path.Send(new Instant(0), [i, i, (byte)(i + 1)]);
        }

        for (byte i = 0; i < 10; i++)
        {
            Assert.True(path.TryReceive(path.NextTimeout, _buffer, out int length));
            Assert.Equal([i, i, (byte)(i + 1)], _buffer.AsSpan(0, length));
        }
    }

    [Fact]
    public void Packets_cost_no_allocation_in_steady_state()
    {
        var path = new PathModel(PathOptions.Of(100, 10, 125_000) with { LossPerMillion = 10_000 }, 1);
        // The best of some rounds: the first ones fill the pools, and the runtime itself allocates while it compiles.
        long allocated = long.MaxValue;
        for (int round = 0; round < 5; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Feed(path, round * 20_000, 20_000);
            allocated = Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, allocated);
    }

    private void Feed(PathModel path, int first, int count)
    {
        for (int i = first; i < first + count; i++)
        {
            var now = new Instant(i * 100_000L);
            while (path.TryReceive(now, _buffer, out _))
            {
            }

            path.Send(now, _packet);
        }
    }

    private List<(long At, byte Packet)> Outcome(ulong seed)
    {
        var path = new PathModel(
            PathOptions.Of(10, 1, 20_000) with
            {
                LossPerMillion = 100_000,
                ReorderPerMillion = 100_000,
                DuplicatePerMillion = 100_000,
            },
            seed);
        var arrivals = new List<(long, byte)>();
        for (int i = 0; i < 200; i++)
        {
            _packet[0] = (byte)i;
            path.Send(new Instant(i * 1_100_000L), _packet);
        }

        while (path.NextTimeout is var at && at != Instant.Never)
        {
            Assert.True(path.TryReceive(at, _buffer, out _));
            arrivals.Add((at.Nanoseconds, _buffer[0]));
        }

        return arrivals;
    }

    [Fact]
    public void In_the_last_bytes_of_the_queue_one_packet_in_ten_is_dropped()
    {
        int dropped = 0;
        const int packets = 10_000;
        for (int i = 0; i < packets; i++)
        {
            // Seven packets leave the last three places; the eighth is the first that chance may meet.
            var path = new PathModel(
                new PathOptions { BitsPerSecond = 1_000_000, QueueBytes = 10_000, RandomTailBytes = 3_000 }, seed: (ulong)i);
            for (int k = 0; k < 7; k++)
            {
                Assert.Equal(PacketFate.OnItsWay, path.Send(new Instant(1), new byte[1000]));
            }

            dropped += path.Send(new Instant(1), new byte[1000]) == PacketFate.QueueDrop ? 1 : 0;
        }

        Assert.InRange(dropped, packets * 0.08, packets * 0.12);
    }
}
