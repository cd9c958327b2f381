using CsCheck;
using Mptcp.Tcp;
using Xunit;

namespace Mptcp.Multipath.Tests;

/// <summary>Coupled congestion control against its formulas in real numbers.</summary>
public sealed class CouplingTests
{
    private const int SegmentSize = 1000;

    /// <summary>A path as the model sees it: its window in segments, its round trip in seconds, its bytes between losses.</summary>
    private sealed record Path(double Window, double RoundTrip, double LossInterval)
    {
        public double Rate => Window / RoundTrip;
    }

    /// <summary>Growth in segments for one acknowledged segment of a path, in congestion avoidance.</summary>
    private static readonly Dictionary<string, Func<Path[], int, double>> _models = new()
    {
        ["lia"] = (paths, own) => Math.Min(
            paths.Max(path => path.Window / (path.RoundTrip * path.RoundTrip)) / Math.Pow(paths.Sum(path => path.Rate), 2),
            1 / paths[own].Window),
        ["olia"] = (paths, own) =>
            (paths[own].Rate / paths[own].RoundTrip / Math.Pow(paths.Sum(path => path.Rate), 2)) + (Alpha(paths, own) / paths[own].Window),
        ["balia"] = (paths, own) =>
        {
            double ratio = paths.Max(path => path.Rate) / paths[own].Rate;
            return Math.Min(
                1,
                paths[own].Rate / paths[own].RoundTrip / Math.Pow(paths.Sum(path => path.Rate), 2) * (1 + ratio) / 2 * (4 + ratio) / 5);
        },
        ["ewtcp"] = (paths, own) => 1 / (paths[own].Window * paths.Length * paths.Length),
        ["coupled"] = (paths, _) => 1 / paths.Sum(path => path.Window),
    };

    /// <summary>The names of the models.</summary>
    public static TheoryData<string> Names => [.. _models.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Growth_is_within_one_percent_of_the_real_numbers(string name)
    {
        Gen<Path> path = Gen.Select(Gen.Double[0, 6], Gen.Double[-3.3, 0.3], Gen.Double[0, 9]).Select((window, roundTrip, interval) =>
            new Path(Math.Round(Math.Pow(10, window)), Math.Round(Math.Pow(10, roundTrip), 6), Math.Round(Math.Pow(10, interval))));
        path.Array[1, 8].Sample(paths => CheckGrowth(name, paths), iter: 5000);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void One_subflow_alone_grows_like_Reno(string name)
    {
        Func<CouplingGroup, int, ICoupledController> make = Find(name);
        CoupledController[] controllers = Make(make, [new Path(100, 0.1, 1)], strength: 100);
        Acknowledge(controllers[0], new Path(100, 0.1, 1), 100 * SegmentSize);
        Assert.InRange(controllers[0].Window, 100.99 * SegmentSize, 101.01 * SegmentSize);
    }

    [Theory]
    [InlineData(0, 1.0)]
    [InlineData(50, 0.625)]
    [InlineData(100, 0.25)]
    public void Strength_leads_from_a_TCP_on_each_path_to_one_in_all(int strength, double segments)
    {
        var path = new Path(1000, 0.1, 1);
        CoupledController[] controllers = Make(CoupledControllers.Lia, [path, path], strength);
        Acknowledge(controllers[0], path, 1000 * SegmentSize);
        Assert.InRange(controllers[0].Window, (1000 + (segments * 0.99)) * SegmentSize, (1000 + (segments * 1.01)) * SegmentSize);
    }

    [Theory]
    [InlineData("lia", 100, 300, 50)]
    [InlineData("olia", 100, 300, 50)]
    [InlineData("ewtcp", 100, 300, 50)]
    [InlineData("balia", 100, 300, 25)]
    [InlineData("balia", 100, 120, 40)]
    [InlineData("balia", 300, 100, 150)]
    [InlineData("olia", 3, 30, 2)]
    [InlineData("balia", 3, 30, 2)]
    [InlineData("coupled", 300, 100, 100)]
    [InlineData("coupled", 100, 300, 1)]
    public void A_loss_leaves_what_the_algorithm_says(string name, int own, int other, int left)
    {
        CoupledController[] controllers = Make(Find(name), [new Path(own, 0.1, 1), new Path(other, 0.1, 1)], strength: 100);
        controllers[0].HandleLoss(own * SegmentSize);
        Assert.InRange(controllers[0].Window, left * SegmentSize * 0.999, left * SegmentSize * 1.001);
    }

    [Fact]
    public void A_sibling_that_rests_has_no_say()
    {
        var path = new Path(100, 0.1, 1);
        CoupledController[] controllers = Make(CoupledControllers.Lia, [path, path], strength: 100);
        long late = 10 * Instant.Second;
        controllers[0].HandleAck(Sample(path, 1, late));
        long before = controllers[0].Window;
        for (int i = 0; i < 100; i++)
        {
            controllers[0].HandleAck(Sample(path, SegmentSize, late));
        }

        Assert.InRange(controllers[0].Window - before, 0.99 * SegmentSize, 1.01 * SegmentSize);
    }

    [Fact]
    public void WVegas_keeps_a_few_segments_in_the_queue()
    {
        var group = new CouplingGroup();
        var vegas = new WVegas(group, SegmentSize);
        group.Add(vegas);
        vegas.TakeOver(20 * SegmentSize, 20 * SegmentSize);
        const double bottleneck = 1000; // segments per second
        const double propagation = 0.1;
        double most = 0;
        double sum = 0;
        for (int round = 1; round <= 1000; round++)
        {
            double window = vegas.Window / (double)SegmentSize;
            double queued = Math.Max(0, window - (bottleneck * propagation));
            var path = new Path(window, propagation + (queued / bottleneck), 1);
            for (int i = 0; i < 5; i++)
            {
                vegas.HandleAck(Sample(path, SegmentSize, round * 100 * Instant.Millisecond) with { Round = round });
            }

            (most, sum) = (Math.Max(most, queued), sum + Math.Min(window, bottleneck * propagation));
        }

        // Each time that the queue has doubled it is let drain.
        Assert.InRange(most, 2, 12);
        Assert.InRange(sum / 1000, 70, 100);
    }

    private static double Alpha(Path[] paths, int own)
    {
        double Quality(Path path) => Math.Max(path.LossInterval, 1) / (path.RoundTrip * path.RoundTrip);
        double largest = paths.Max(path => path.Window);
        double best = paths.Max(Quality);
        bool IsCollected(Path path) => Quality(path) >= best * (1 - 1e-12) && path.Window < largest;
        int collected = paths.Count(IsCollected);
        return collected == 0 ? 0
            : IsCollected(paths[own]) ? 1.0 / (paths.Length * collected)
            : paths[own].Window >= largest ? -1.0 / (paths.Length * paths.Count(path => path.Window >= largest))
            : 0;
    }

    /// <summary>The window stands still while it grows: each acknowledgement is asked at the same place.</summary>
    private static void CheckGrowth(string name, Path[] paths)
    {
        CoupledController[] controllers = Make(Find(name), paths, strength: 100);
        for (int own = 0; own < paths.Length; own++)
        {
            double expected = _models[name](paths, own) * SegmentSize;
            double actual = controllers[own].GrowthFor(SegmentSize);

            // OLIA's two terms may cancel each other out: what is left of them is as exact as they are.
            double term = SegmentSize / paths[own].Window;
            Assert.True(
                Math.Abs(actual - expected) <= (0.01 * Math.Abs(expected)) + (1e-5 * term) + 1e-9,
                $"{name} {own} of {string.Join(" ", (object[])paths)}: {actual:R}, not {expected:R}");
        }
    }

    private static CoupledController[] Make(Func<CouplingGroup, int, ICoupledController> make, Path[] paths, int strength)
    {
        var group = new CouplingGroup { Strength = strength };
        var controllers = new CoupledController[paths.Length];
        for (int i = 0; i < paths.Length; i++)
        {
            controllers[i] = (CoupledController)make(group, SegmentSize);
            group.Add(controllers[i]);

            // What was acknowledged without growth counts between losses.
            controllers[i].HandleAck(Sample(paths[i], (long)paths[i].LossInterval, 0) with { InRecovery = true });
            long window = (long)(paths[i].Window * SegmentSize);
            controllers[i].TakeOver(window, window);
        }

        return controllers;
    }

    private static void Acknowledge(CoupledController controller, Path path, long bytes)
    {
        for (long i = 0; i < bytes; i += SegmentSize)
        {
            controller.HandleAck(Sample(path, SegmentSize, 0));
        }
    }

    private static Func<CouplingGroup, int, ICoupledController> Find(string name)
    {
        Assert.True(CoupledControllers.TryFind(name, out Func<CouplingGroup, int, ICoupledController>? make));
        return make;
    }

    private static CongestionSample Sample(Path path, long acked, long now)
    {
        long roundTrip = (long)(path.RoundTrip * Instant.Second);
        return new CongestionSample
        {
            Now = new Instant(now),
            Acked = acked,
            RoundTrip = roundTrip,
            SmoothedRoundTrip = roundTrip,
            MinimumRoundTrip = roundTrip,
            InFlightBefore = (long)(path.Window * SegmentSize),
        };
    }
}
