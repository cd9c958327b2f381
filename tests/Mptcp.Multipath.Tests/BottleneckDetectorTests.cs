using Mptcp.Tcp;
using Xunit;

namespace Mptcp.Multipath.Tests;

/// <summary>Which subflows share a bottleneck, by made-up delays.</summary>
public sealed class BottleneckDetectorTests
{
    private const long Tick = 10 * Instant.Millisecond;

    /// <summary>The delay of a queue, in nanoseconds: it fills for a while, and then falls.</summary>
    private sealed class Queue(ulong seed)
    {
        private readonly Random _random = new((int)seed);
        private long _delay;
        private long _limit = 40 * Instant.Millisecond;

        public long Next()
        {
            _delay += _random.NextInt64(Instant.Millisecond) - (Instant.Millisecond * 35 / 100);
            if (_delay > _limit)
            {
                (_delay, _limit) = (_delay * 6 / 10, (20 + _random.NextInt64(40)) * Instant.Millisecond);
            }

            return _delay = Math.Max(_delay, 0);
        }
    }

    [Fact]
    public void Two_of_one_queue_are_found_within_nine_seconds_whatever_the_length_of_their_ways()
    {
        var detector = new BottleneckDetector();
        var queue = new Queue(1);
        Run(detector, 0, 9, _ =>
        {
            long delay = queue.Next();
            return [20 * Instant.Millisecond + delay, 70 * Instant.Millisecond + delay];
        });
        Assert.Equal(0, detector.GroupOf(1));
        Assert.InRange(detector.Between(1, 0)!.Agreement!.Value, 70, 100);
    }

    /// <summary>
    /// Of pairs whose queues move by chance a few look alike for some seconds: which of them is fixed here, so that a failure is
    /// the detector's. Random draws its numbers from its seed by sums, and seeds in a ratio would give queues that are akin.
    /// </summary>
    [Fact]
    public void Queues_of_their_own_are_left_apart()
    {
        const int pairs = 200;
        int everTogether = 0;
        for (ulong seed = 0; seed < pairs; seed++)
        {
            var detector = new BottleneckDetector();
            (Queue first, Queue second) = (new Queue(seed), new Queue(seed + 1_000_000));
            bool together = false;
            for (int moment = 0; moment < 60; moment++)
            {
                Run(detector, moment, 1, _ => [Base + first.Next(), Base + second.Next()]);
                together |= detector.GroupOf(1) != 1;
            }

            everTogether += together ? 1 : 0;
            Assert.Equal(1, detector.GroupOf(1));
            Assert.InRange(detector.Between(0, 1)!.Agreement!.Value, 0, BottleneckPair.Joins);
        }

        Assert.InRange(everTogether, 0, pairs / 100);
    }

    [Fact]
    public void A_path_that_goes_another_way_leaves_its_group()
    {
        var detector = new BottleneckDetector();
        (Queue first, Queue second) = (new Queue(1), new Queue(2));
        Run(detector, 0, 20, _ => Twice(Base + first.Next()));
        Assert.Equal(0, detector.GroupOf(1));
        Run(detector, 20, 20, _ => [Base + first.Next(), Base + second.Next()]);
        Assert.Equal(1, detector.GroupOf(1));
    }

    [Fact]
    public void Who_shares_with_one_of_a_group_belongs_to_it_until_it_ends()
    {
        var detector = new BottleneckDetector();
        (Queue first, Queue second) = (new Queue(1), new Queue(2));
        Run(detector, 0, 12, _ =>
        {
            (long one, long other) = (Base + first.Next(), Base + second.Next());
            return [other, one, other, one, one];
        });
        Assert.Equal([0, 1, 0, 1, 1], Enumerable.Range(0, 5).Select(detector.GroupOf));
        detector.Remove(1);
        Assert.Equal([0, 0, 3, 3], new[] { 0, 2, 3, 4 }.Select(detector.GroupOf));
    }

    [Fact]
    public void Without_queues_or_without_samples_nothing_is_said()
    {
        var detector = new BottleneckDetector();
        Run(detector, 0, 20, tick => Twice(Base + (tick % 2 * Instant.Millisecond / 10)));
        Assert.Null(detector.Between(0, 1)!.Agreement);
        Assert.Equal(1, detector.GroupOf(1));

        var sparse = new BottleneckDetector();
        var queue = new Queue(1);
        Run(sparse, 0, 20, tick => tick % 100 == 0 ? Twice(Base + queue.Next()) : []);
        Assert.Null(sparse.Between(0, 1)!.Agreement);
    }

    [Fact]
    public void A_group_stays_while_there_is_nothing_to_see()
    {
        var detector = new BottleneckDetector();
        var queue = new Queue(1);
        Run(detector, 0, 12, _ => Twice(Base + queue.Next()));
        Run(detector, 12, 60, _ => Twice(Base));
        Assert.Equal(0, detector.GroupOf(1));
    }

    [Fact]
    public void A_trace_forgets_what_is_older_than_ten_seconds_and_takes_late_news()
    {
        var trace = new DelayTrace();
        trace.Add(At(0), 100);
        trace.Add(At(1), 300);
        trace.Add(At(1), 500);
        Assert.Equal(300, trace.StepAt(1));
        Assert.Null(trace.StepAt(2));
        trace.Add(At(100), 1000);
        Assert.Null(trace.StepAt(1));
        trace.Add(At(99), 600);
        Assert.Equal(400, trace.StepAt(100));
        trace.Add(At(0), 7);
        Assert.Null(trace.StepAt(100 - DelayTrace.Bins));

        static Instant At(long bin) => Instant.Zero + (bin * DelayTrace.BinWidth) + Instant.Millisecond;
    }

    private const long Base = 50 * Instant.Millisecond;

    private static long[] Twice(long roundTrip) => [roundTrip, roundTrip];

    private static void Run(BottleneckDetector detector, long from, long seconds, Func<long, long[]> roundTrips)
    {
        for (long tick = from * Instant.Second / Tick; tick < (from + seconds) * Instant.Second / Tick; tick++)
        {
            long[] all = roundTrips(tick);
            for (int i = 0; i < all.Length; i++)
            {
                detector.Add(Instant.Zero + (tick * Tick), i, all[i]);
            }
        }
    }
}
