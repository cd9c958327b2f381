using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Tool.Simulate;

namespace Mptcp.Tool.Experiments;

/// <summary>One run of an experiment: a variant and a seed.</summary>
internal static class ExperimentRun
{
    // Flows that begin together would keep step.
    private const long LatestStart = 2 * Instant.Second;
    private const long SampleInterval = Instant.Second;

    /// <summary>Runs it; thread-safe.</summary>
    /// <param name="experiment">What is run.</param>
    /// <param name="variant">What its hosts have.</param>
    /// <param name="seed">Where chance begins.</param>
    /// <param name="keepsSeries">Whether what happened each second is kept.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public static RunOutcome Run(
        Experiment experiment, string variant, ulong seed, bool keepsSeries, CancellationToken cancellationToken)
    {
        var run = new ScenarioRun(Vary(experiment, variant, seed));
        List<SeriesPoint> before = Advance(run, experiment.WarmUp, cancellationToken);
        long[] received = [.. run.Flows.Select(flow => flow.Received)];
        int[] messages = [.. run.Flows.Select(flow => flow.Latencies.Count)];
        Totals[] paths = [.. run.Network.Paths.Select(TotalsOf)];
        List<SeriesPoint> measured = Advance(run, experiment.Duration, cancellationToken);
        var figures = new Figures(
            experiment,
            [.. run.Flows.Select((flow, i) => (flow.Received - received[i]) * 8e3 / experiment.Duration)],
            [.. run.Network.Paths.Select((path, i) => TotalsOf(path).Minus(paths[i]))],
            measured,
            [.. run.Flows.Select((flow, i) => flow.Latencies.Skip(messages[i]).ToArray())],
            [.. run.Flows.Select(flow => flow.LongestStall)]);
        return new RunOutcome([.. experiment.Results.Select(figures.Evaluate)], keepsSeries ? [.. before, .. measured] : []);
    }

    /// <summary>Lets time pass, and notes each second what arrived in it.</summary>
    private static List<SeriesPoint> Advance(ScenarioRun run, long time, CancellationToken cancellationToken)
    {
        var series = new List<SeriesPoint>();
        for (long left = time; left > 0; left -= SampleInterval)
        {
            long[] before = [.. run.Flows.Select(flow => flow.Received)];
            run.RunFor(Math.Min(left, SampleInterval), cancellationToken);
            series.AddRange(run.Flows.Select((flow, i) =>
                new SeriesPoint(run.Elapsed, i, flow.Received - before[i], flow.Subflows)));
        }

        return series;
    }

    /// <summary>The scenario of a variant, with flows that begin at other times for each seed.</summary>
    private static Scenario Vary(Experiment experiment, string variant, ulong seed)
    {
        Scenario scenario = experiment.Scenario;
        byte[] chances = new byte[sizeof(ulong) * scenario.Flows.Count];
        new SeededEntropy(seed).Fill(chances);
        return scenario with
        {
            Seed = seed,
            Nodes = [.. scenario.Nodes.Select((node, i) => node is HostSpec host && experiment.Hosts.Contains(i)
                ? host with { Options = experiment.Axis.Apply(variant, host.Options) }
                : node)],
            Flows = [.. scenario.Flows.Select((flow, i) => flow with
            {
                StartNanoseconds = flow.StartNanoseconds + (long)(BitConverter.ToUInt64(chances, sizeof(ulong) * i) % LatestStart),
                DurationNanoseconds = 2 * (experiment.WarmUp + experiment.Duration),
                Bytes = flow.IntervalNanoseconds is null ? null : flow.Bytes,
            })],
        };
    }

    private static Totals TotalsOf(SimulatedPath path)
    {
        PathCounters counters = path.Forward.Counters;
        return new Totals(
            counters.Delivered.Bytes,
            counters.Offered.Packets,
            counters.QueueDrops.Packets + counters.EarlyDrops.Packets + counters.Lost.Packets);
    }

}

/// <summary>What a path has done, forwards.</summary>
internal readonly record struct Totals(long Bytes, long Offered, long Dropped)
{
    public Totals Minus(Totals other) => new(Bytes - other.Bytes, Offered - other.Offered, Dropped - other.Dropped);
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
