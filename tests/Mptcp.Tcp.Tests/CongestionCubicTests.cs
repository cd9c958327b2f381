using CsCheck;

namespace Mptcp.Tcp.Tests;

/// <summary>CUBIC in integers against the same formulas in real numbers.</summary>
public class CongestionCubicTests
{
    private const int Segment = 1460;

    [Fact]
    public void A_cube_root_is_the_greatest_integer_that_fits() => Gen.ULong[0, 3_000_000].Sample(root =>
    {
        UInt128 cube = (UInt128)root * root * root;
        Assert.Equal(root, CubicCurve.CubeRoot(cube));
        Assert.Equal(root, CubicCurve.CubeRoot(cube + (root == 0 ? 0 : (UInt128)root)));
        Assert.Equal(root, root == 0 ? 0 : CubicCurve.CubeRoot(cube - 1) + 1);
    });

    [Fact]
    public void The_curve_is_within_one_percent_of_the_real_one() =>
        Gen.Select(Gen.Double[0, 6], Gen.Double[0, 1], Gen.Double[0, 3], Gen.Int[16, CubicCurve.Whole]).Sample((exponent, below, time, scale) =>
        {
            double c = 0.4 * scale / CubicCurve.Whole;
            long plateauBytes = (long)(Math.Pow(10, exponent) * Segment);
            long startBytes = Math.Max(Segment, (long)(plateauBytes * (0.5 + below / 2)));
            double plateau = plateauBytes / (double)Segment;
            double start = startBytes / (double)Segment;
            double k = Math.Cbrt((plateau - start) / c);
            double seconds = time * (k + 1);
            double expected = (c * Math.Pow(seconds - k, 3)) + plateau;
            var curve = new CubicCurve(Segment, startBytes, plateauBytes, scale);
            AssertClose(expected, curve.WindowAt((long)(seconds * 1e9)) / (double)Segment);
        });

    /// <summary>What a rate of losses lets through goes with the fourth root of C, and with the root of Reno's alpha.</summary>
    [Theory]
    [InlineData(10_000, 100)]
    [InlineData(200, 10)]
    public void Half_a_share_takes_sixteen_times_the_curve_or_four_times_the_losses_of_Reno(int segments, int milliseconds)
    {
        (double whole, double half) = (TimeToRecover(Cubic.WholeShare), TimeToRecover(Cubic.WholeShare / 2));
        double expected = segments == 200 ? 4 : Math.Cbrt(16);
        Assert.InRange(half / whole, expected * 0.97, expected * 1.03);

        double TimeToRecover(int share)
        {
            var cubic = new Cubic(Segment) { Share = share };
            long plateau = (long)segments * Segment;
            cubic.TakeOver(plateau, 0);
            cubic.HandleLoss(plateau);
            Instant now = Instant.Zero;
            while (cubic.Window < plateau * 99 / 100)
            {
                now += milliseconds * Instant.Millisecond / 4;
                cubic.HandleAck(new CongestionSample { Now = now, Acked = cubic.Window / 4, SmoothedRoundTrip = milliseconds * Instant.Millisecond });
            }

            return now.Nanoseconds;
        }
    }

    [Fact]
    public void The_window_is_within_one_percent_of_the_real_one_for_windows_of_1_to_1_000_000_segments() =>
        Gen.Select(Gen.Double[0, 6], Gen.Int[1, 400], Gen.Int[1, 3]).Sample(
            (exponent, milliseconds, losses) =>
            {
                var cubic = new Cubic(Segment);
                cubic.TakeOver((long)(Math.Pow(10, exponent) * Segment), 0);
                var model = new RealCubic(cubic.Window / (double)Segment);
                long roundTrip = milliseconds * Instant.Millisecond;
                Instant now = new(Instant.Second);
                for (int loss = 0; loss <= losses; loss++)
                {
                    for (int round = 0; round < 60; round++)
                    {
                        // Each window is acknowledged in four pieces.
                        for (int piece = 0; piece < 4; piece++)
                        {
                            long acked = Math.Max(1, cubic.Window / 4);
                            now += roundTrip / 4;
                            cubic.HandleAck(new CongestionSample { Now = now, Acked = acked, SmoothedRoundTrip = roundTrip });
                            model.Acknowledge(now.Nanoseconds / 1e9, acked / (double)Segment, roundTrip / 1e9);
                            if (model.IsBetweenRegions)
                            {
                                model.Window = cubic.Window / (double)Segment;
                            }

                            AssertClose(model.Window, cubic.Window / (double)Segment);
                        }
                    }

                    if (model.IsAtPlateau)
                    {
                        return;
                    }

                    cubic.HandleLoss(cubic.Window);
                    model.Lose();
                    AssertClose(model.Window, cubic.Window / (double)Segment);
                }
            },
            iter: 300);

    [Fact]
    public void Who_loses_below_its_old_window_gives_way_further()
    {
        var first = new Cubic(Segment);
        first.TakeOver(1000 * Segment, 0);
        first.HandleLoss(first.Window);
        first.HandleLoss(first.Window);
        var second = new Cubic(Segment);
        second.TakeOver(700 * Segment, 0);
        second.HandleLoss(second.Window);
        Assert.Equal(first.Window, second.Window);

        // The plateau of the first is 595 segments, that of the second 700: it comes back later.
        Assert.True(WindowAfter(first, 6) < WindowAfter(second, 6));
    }

    [Fact]
    public void A_small_window_grows_as_reno_would()
    {
        var cubic = new Cubic(Segment);
        cubic.TakeOver(20 * Segment, 0);
        cubic.HandleLoss(cubic.Window);

        // 14 segments at 10 ms: alpha = 9/17 a round trip up to 20 segments, then 1. The curve alone reaches 20 in 2.5 s.
        Assert.InRange(WindowAfter(cubic, 1, 10 * Instant.Millisecond) / Segment, 80, 110);
    }

    [Fact]
    public void Time_in_which_the_application_was_silent_is_no_time_of_the_curve()
    {
        var cubic = new Cubic(Segment);
        cubic.TakeOver(1000 * Segment, 0);
        cubic.HandleLoss(cubic.Window);
        Instant now = new(Instant.Second);
        Acknowledge(cubic, now, limited: false);
        long window = cubic.Window;
        for (int i = 0; i < 300; i++)
        {
            now += 100 * Instant.Millisecond;
            Acknowledge(cubic, now, limited: true);
        }

        now += 100 * Instant.Millisecond;
        Acknowledge(cubic, now, limited: false);
        Assert.InRange(cubic.Window, window, window * 11 / 10);
    }

    private static long WindowAfter(Cubic cubic, int seconds, long roundTrip = 100 * Instant.Millisecond)
    {
        for (Instant now = new(Instant.Second); now < new Instant((seconds + 1) * Instant.Second); now += roundTrip)
        {
            cubic.HandleAck(new CongestionSample { Now = now, Acked = cubic.Window, SmoothedRoundTrip = roundTrip });
        }

        return cubic.Window;
    }

    private static void Acknowledge(Cubic cubic, Instant now, bool limited) => cubic.HandleAck(new CongestionSample
    {
        Now = now,
        Acked = cubic.Window / 10,
        SmoothedRoundTrip = 100 * Instant.Millisecond,
        ApplicationLimited = limited,
    });

    private static void AssertClose(double expected, double actual) =>
        Assert.True(Math.Abs(expected - actual) <= 0.01 * Math.Max(expected, 1), $"{actual} is not {expected}");

    /// <summary>RFC 9438 in segments and seconds.</summary>
    private sealed class RealCubic(double window)
    {
        private double _plateau;
        private double _before;
        private double _friendly;
        private double _start;
        private double _epoch = -1;

        public double Window { get; set; } = window;

        /// <summary>Where the friendly window and the curve cross, a byte decides which of two different steps is taken.</summary>
        public bool IsBetweenRegions { get; private set; }

        /// <summary>Just here a byte decides about fast convergence.</summary>
        public bool IsAtPlateau => Math.Abs(Window - _plateau) < 0.01 * _plateau;

        public void Acknowledge(double now, double acked, double roundTrip)
        {
            if (_epoch < 0)
            {
                (_epoch, _start, _friendly) = (now, Window, Window);
                _plateau = Math.Max(_plateau, Window);
            }

            _friendly += (_friendly >= _before ? 1 : 9.0 / 17) * acked / Window;
            double curve = Curve(now - _epoch);
            IsBetweenRegions = Math.Abs(curve - _friendly) < 0.01 * _friendly;
            if (curve < _friendly)
            {
                Window = Math.Max(Window, _friendly);
                return;
            }

            double target = Math.Clamp(Curve(now - _epoch + roundTrip), Window, 1.5 * Window);
            Window += (target - Window) * acked / Window;
        }

        public void Lose()
        {
            _before = Window;
            _plateau = Window < _plateau ? Window * 0.85 : Window;
            Window = Math.Max(0.7 * Window, 2);
            _epoch = -1;
        }

        private double Curve(double elapsed) =>
            (0.4 * Math.Pow(elapsed - Math.Cbrt((_plateau - _start) / 0.4), 3)) + _plateau;
    }
}
