using System.Globalization;
using System.Text;
using Mptcp.Simulation.Tests;
using Mptcp.Tcp;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>What each congestion control gets out of a link by its loss and round trip, as plain TCP, once it has settled.</summary>
public sealed class ThroughputTests
{
    private const int Rate = 20;
    private const int RoundTripsToSettle = 40;
    private const int LossesToSettle = 10;
    private const int RoundTrips = 60;

    private static readonly (string Name, Func<int, ICongestionController> Make)[] _controllers =
    [
        ("Reno", CongestionControllers.NewReno),
        ("CUBIC", CongestionControllers.Cubic),
        ("BBR", CongestionControllers.Bbr),
    ];

    /// <summary>Mathis, Semke, Mahdavi and Ott (1997).</summary>
    [Theory]
    [InlineData(10_000, 10)]
    [InlineData(10_000, 50)]
    [InlineData(10_000, 200)]
    [InlineData(30_000, 10)]
    [InlineData(30_000, 50)]
    [InlineData(30_000, 200)]
    public void Reno_follows_the_square_root_of_the_loss(int loss, int roundTrip)
    {
        Figures figures = Measure(CongestionControllers.NewReno, loss, roundTrip, enoughLosses: 300);
        Assert.InRange(figures.Losses, 300, 320);
        AssertReno(figures);
    }

    [Fact]
    public void The_table_of_losses_and_round_trips()
    {
        Assert.SkipUnless(
            Environment.GetEnvironmentVariable("MPTCP_TEST_ALL") == "1", "needs MPTCP_TEST_ALL=1 (./test --all): takes a minute");
        var table = new StringBuilder();
        Line(table, $"plain TCP over {Rate} Mbit/s with a queue of one round trip, Mbit/s of payload (lost, dropped by the queue)");
        foreach ((string name, Func<int, ICongestionController> make) in _controllers)
        {
            foreach (int roundTrip in (int[])[10, 50, 200])
            {
                foreach (int loss in (int[])[0, 100, 1_000, 10_000, 30_000])
                {
                    Figures figures = Measure(make, loss, roundTrip, enoughLosses: loss < 10_000 ? 100 : 300);
                    Line(table, $"{name,-5} {roundTrip,3} ms {loss / 1e4,4} % {figures.Megabits,6:F2} ({figures.Losses}, {figures.QueueDrops})");
                    if (make == CongestionControllers.NewReno && figures is { Losses: >= 50, Megabits: < Rate * 0.8 })
                    {
                        AssertReno(figures);
                    }
                }
            }
        }

        Golden.Verify("throughput.txt", table.ToString());
    }

    private static void AssertReno(Figures figures)
    {
        double loss = (double)(figures.Losses + figures.QueueDrops) / figures.Sent;
        double expected = 1.22 * PlainTcp.Payload * 8 / (figures.RoundTrip * Math.Sqrt(loss)) / 1e6;
        Assert.True(
            Math.Abs(figures.Megabits - expected) <= 0.2 * expected,
            $"{figures.Megabits:F3} of {expected:F3} Mbit/s, {loss:P3} lost, {figures.RoundTrip * 1e3:F1} ms");
    }

    private static Figures Measure(
        Func<int, ICongestionController> make, int lossPerMillion, int roundTrip, int enoughLosses)
    {
        // Below 0.1 % losses are too rare to wait for.
        long enoughSegments = lossPerMillion < 1_000 ? 20_000 : long.MaxValue;
        var link = new Bottleneck(Bottleneck.Link(Rate, roundTrip, lossPerMillion));
        BulkFlow flow = PlainTcp.Start(link, make);
        link.Run(RoundTripsToSettle * roundTrip);
        while (lossPerMillion >= 1_000 && link.Counters.Lost.Packets < LossesToSettle)
        {
            link.Run(roundTrip);
        }

        (long lost, long dropped, long sent) = Count();
        flow.Measure();
        for (int i = 0; i < RoundTrips || (Count().Lost - lost < enoughLosses && Count().Sent - sent < enoughSegments); i++)
        {
            link.Run(roundTrip);
        }

        return new Figures(
            flow.Goodput * 8 / 1e6,
            flow.MeanRoundTrip / 1e9,
            Count().Sent - sent,
            Count().Lost - lost,
            Count().Dropped - dropped);

        (long Lost, long Dropped, long Sent) Count() =>
            (link.Counters.Lost.Packets, link.Counters.QueueDrops.Packets, link.Counters.Offered.Packets);
    }

    private static void Line(StringBuilder table, FormattableString line) =>
        table.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

    private readonly record struct Figures(double Megabits, double RoundTrip, long Sent, long Losses, long QueueDrops);
}
