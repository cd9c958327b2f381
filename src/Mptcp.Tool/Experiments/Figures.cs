using Mptcp.Tcp;

namespace Mptcp.Tool.Experiments;

/// <summary>What was measured in a run, and the figures that follow.</summary>
/// <param name="experiment">What was run.</param>
/// <param name="goodputs">Of each flow, in Mbit/s.</param>
/// <param name="paths">Of each path.</param>
/// <param name="seconds">What happened each second, of each flow.</param>
/// <param name="latencies">Of each flow, what its messages took, in nanoseconds.</param>
/// <param name="stalls">Of each flow, the longest time without a byte, in nanoseconds.</param>
internal sealed class Figures(
    Experiment experiment, double[] goodputs, Totals[] paths, List<SeriesPoint> seconds, long[][] latencies, long[] stalls)
{
    private const double Percentile = 0.99;
    private const int SecondsInMinute = 60;

    public double Evaluate(Result result) => result.Kind switch
    {
        ResultKind.Jain => Jain([.. result.Of.Select(i => goodputs[i])]),
        ResultKind.Utilisation => result.Of.Sum(i => paths[i].Bytes) * 8.0 * Instant.Second / experiment.Duration
            / result.Of.Sum(i => (double)experiment.Scenario.Paths[i].Forward.BitsPerSecond),
        ResultKind.Loss => Divide(result, i => (double)paths[i].Dropped / Math.Max(1, paths[i].Offered)),
        ResultKind.Swing => Swing(result),
        ResultKind.Flips => result.Of.Average(Flips),
        ResultKind.Together => result.Of.Average(Together),
        ResultKind.Stall => result.Of.Max(i => stalls[i]) / (double)Instant.Millisecond,
        ResultKind.Latency => Divide(result, Latency),
        _ => Divide(result, i => goodputs[i]),
    };

    private static double Divide(Result result, Func<int, double> figure) =>
        result.Of.Average(figure) / (result.By.Count > 0 ? result.By.Average(figure) : 1);

    private static double Jain(double[] rates) => rates.Sum() * rates.Sum() / (rates.Length * rates.Sum(rate => rate * rate));

    private double Swing(Result result)
    {
        int length = (int)Math.Max(1, result.Window / Instant.Second);
        double[] shares = [.. seconds.GroupBy(point => point.At).Chunk(length).Where(window => window.Length == length).Select(window =>
        {
            SeriesPoint[] points = [.. window.SelectMany(second => second)];
            long own = points.Where(point => result.Of.Contains(point.Flow)).Sum(point => point.Bytes);
            long others = points.Where(point => result.By.Contains(point.Flow)).Sum(point => point.Bytes);
            return (double)own / Math.Max(1, own + others);
        })];
        double mean = shares.Average();
        return Math.Sqrt(shares.Sum(share => (share - mean) * (share - mean)) / Math.Max(1, shares.Length - 1));
    }

    private double Flips(int flow)
    {
        (int leader, int flips, SeriesPoint before) = (-1, 0, default);
        foreach (SeriesPoint point in seconds.Where(point => point.Flow == flow && point.Subflows.Count > 0))
        {
            int now = before.Subflows is null ? -1 : point.Subflows.MaxBy(subflow => subflow.BytesSent - SentBefore(before, subflow.Number)).Number;
            flips += leader >= 0 && now != leader ? 1 : 0;
            (leader, before) = (now, point);
        }

        return flips * (double)SecondsInMinute * Instant.Second / experiment.Duration;
    }

    private static long SentBefore(SeriesPoint point, int subflow) =>
        point.Subflows.Where(info => info.Number == subflow).Sum(info => info.BytesSent);

    private double Together(int flow) => seconds.Where(point => point.Flow == flow)
        .Average(point => point.Subflows.Select(subflow => subflow.Bottleneck).Distinct().Count() == 1 ? 1 : 0);

    private double Latency(int flow)
    {
        long[] sorted = [.. latencies[flow].Order()];
        return sorted.Length == 0 ? double.NaN : sorted[(int)(Percentile * (sorted.Length - 1))] / (double)Instant.Millisecond;
    }
}
