using Mptcp.Simulation;
using Mptcp.Stack;
using Mptcp.Tcp;
using Mptcp.Tool.Simulate;

namespace Mptcp.Tool.Experiments;

/// <summary>One run of an experiment: an algorithm and a seed.</summary>
internal static class ExperimentRun
{
    // Flows that begin together would keep step.
    private const long LatestStart = 2 * Instant.Second;
    private const long SampleInterval = Instant.Second;

    /// <summary>Runs it; thread-safe.</summary>
    /// <param name="experiment">What is run.</param>
    /// <param name="algorithm">The congestion control of its hosts.</param>
    /// <param name="seed">Where chance begins.</param>
    /// <param name="keepsSeries">Whether what happened each second is kept.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public static RunOutcome Run(
        Experiment experiment, string algorithm, ulong seed, bool keepsSeries, CancellationToken cancellationToken)
    {
        var run = new ScenarioRun(Vary(experiment, algorithm, seed));
        var series = new List<SeriesPoint>();
        Advance(run, experiment.WarmUp, keepsSeries ? series : null, cancellationToken);
        long[] received = [.. run.Flows.Select(flow => flow.Received)];
        Totals[] paths = [.. run.Network.Paths.Select(TotalsOf)];
        Advance(run, experiment.Duration, keepsSeries ? series : null, cancellationToken);

        double[] goodputs = [.. run.Flows.Select((flow, i) => (flow.Received - received[i]) * 8e3 / experiment.Duration)];
        Totals[] spent = [.. run.Network.Paths.Select((path, i) => TotalsOf(path).Minus(paths[i]))];
        return new RunOutcome([.. experiment.Results.Select(result => Evaluate(experiment, result, goodputs, spent))], series);
    }

    /// <summary>Lets time pass, and notes each second what arrived in it.</summary>
    private static void Advance(ScenarioRun run, long time, List<SeriesPoint>? series, CancellationToken cancellationToken)
    {
        for (long left = time; left > 0; left -= SampleInterval)
        {
            long[] before = [.. run.Flows.Select(flow => flow.Received)];
            run.RunFor(Math.Min(left, SampleInterval), cancellationToken);
            series?.AddRange(run.Flows.Select((flow, i) =>
                new SeriesPoint(run.Elapsed, i, flow.Received - before[i], flow.Subflows)));
        }
    }

    /// <summary>The scenario under an algorithm, with flows that begin at other times for each seed.</summary>
    private static Scenario Vary(Experiment experiment, string algorithm, ulong seed)
    {
        Scenario scenario = experiment.Scenario;
        byte[] chances = new byte[sizeof(ulong) * scenario.Flows.Count];
        new SeededEntropy(seed).Fill(chances);
        return scenario with
        {
            Seed = seed,
            Nodes = [.. scenario.Nodes.Select((node, i) => node is HostSpec host && experiment.Hosts.Contains(i)
                ? host with { Options = Use(algorithm, host.Options) }
                : node)],
            Flows = [.. scenario.Flows.Select((flow, i) => flow with
            {
                StartNanoseconds = flow.StartNanoseconds + (long)(BitConverter.ToUInt64(chances, sizeof(ulong) * i) % LatestStart),
                DurationNanoseconds = 2 * (experiment.WarmUp + experiment.Duration),
                Bytes = null,
            })],
        };
    }

    private static StackOptions Use(string algorithm, StackOptions options)
    {
        ScenarioReader.TryUse(algorithm, ref options);
        return options;
    }

    private static double Evaluate(Experiment experiment, Result result, double[] goodputs, Totals[] paths)
    {
        switch (result.Kind)
        {
            case ResultKind.Jain:
                double sum = result.Of.Sum(i => goodputs[i]);
                return sum * sum / (result.Of.Count * result.Of.Sum(i => goodputs[i] * goodputs[i]));
            case ResultKind.Utilisation:
                double capacity = result.Of.Sum(i => (double)experiment.Scenario.Paths[i].Forward.BitsPerSecond);
                return result.Of.Sum(i => paths[i].Bytes) * 8.0 * Instant.Second / experiment.Duration / capacity;
            case ResultKind.Loss:
                return Divide(result, i => (double)paths[i].Dropped / Math.Max(1, paths[i].Offered));
            default:
                return Divide(result, i => goodputs[i]);
        }
    }

    private static double Divide(Result result, Func<int, double> figure) =>
        result.Of.Average(figure) / (result.By.Count > 0 ? result.By.Average(figure) : 1);

    private static Totals TotalsOf(SimulatedPath path)
    {
        PathCounters counters = path.Forward.Counters;
        return new Totals(
            counters.Delivered.Bytes,
            counters.Offered.Packets,
            counters.QueueDrops.Packets + counters.EarlyDrops.Packets + counters.Lost.Packets);
    }

    private readonly record struct Totals(long Bytes, long Offered, long Dropped)
    {
        public Totals Minus(Totals other) => new(Bytes - other.Bytes, Offered - other.Offered, Dropped - other.Dropped);
    }
}

/// <summary>What a run came to.</summary>
/// <param name="Values">A figure for each result of the experiment.</param>
/// <param name="Series">What happened, each second.</param>
internal sealed record RunOutcome(double[] Values, IReadOnlyList<SeriesPoint> Series);

/// <summary>One second of a flow.</summary>
/// <param name="At">Its end, in nanoseconds from the start.</param>
/// <param name="Flow">The flow's place.</param>
/// <param name="Bytes">What arrived in it.</param>
/// <param name="Subflows">How its subflows are at the end.</param>
internal readonly record struct SeriesPoint(long At, int Flow, long Bytes, IReadOnlyList<Multipath.SubflowInfo> Subflows);
