using Spectre.Console;

namespace Mptcp.Tool.Experiments;

/// <summary>Runs experiments on all cores, and shows how far they are.</summary>
internal static class LabRun
{
    public static List<Outcome> Run(IReadOnlyList<Experiment> experiments, CancellationToken cancellationToken)
    {
        List<Outcome> outcomes = [.. experiments.Select(experiment => new Outcome(experiment))];
        List<(Outcome Outcome, int Algorithm, int Seed)> jobs =
        [
            .. outcomes.SelectMany(outcome => Enumerable.Range(0, outcome.Experiment.Variants.Count)
                .SelectMany(algorithm => Enumerable.Range(1, outcome.Experiment.Seeds).Select(seed => (outcome, algorithm, seed)))),
        ];
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        console.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn()).Start(context =>
        {
            ProgressTask progress = context.AddTask($"{jobs.Count} runs", maxValue: jobs.Count);
            Parallel.ForEach(jobs, new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = Environment.ProcessorCount }, job =>
            {
                RunOutcome outcome = ExperimentRun.Run(
                    job.Outcome.Experiment, job.Outcome.Experiment.Variants[job.Algorithm], (ulong)job.Seed, job.Seed == 1, cancellationToken);
                job.Outcome.Add(job.Algorithm, job.Seed, outcome);
                progress.Increment(1);
            });
        });
        return outcomes;
    }
}

/// <summary>What an experiment came to. Thread-safe.</summary>
internal sealed class Outcome(Experiment experiment)
{
    private readonly RunOutcome?[,] _runs = new RunOutcome?[experiment.Variants.Count, experiment.Seeds];

    public Experiment Experiment => experiment;

    /// <summary>Whether every figure is within its bounds.</summary>
    public bool IsReproduced => Enumerable.Range(0, experiment.Results.Count)
        .All(result => Enumerable.Range(0, experiment.Variants.Count).All(algorithm => Verdict(result, algorithm) != false));

    public void Add(int algorithm, int seed, RunOutcome outcome) => _runs[algorithm, seed - 1] = outcome;

    /// <summary>A figure in each run.</summary>
    public double[] Values(int result, int algorithm) =>
        [.. Enumerable.Range(0, experiment.Seeds).Select(seed => _runs[algorithm, seed]!.Values[result])];

    public double Mean(int result, int algorithm) => Values(result, algorithm).Average();

    /// <summary>The standard deviation over the seeds; 0 for one.</summary>
    public double Deviation(int result, int algorithm)
    {
        double[] values = Values(result, algorithm);
        double mean = values.Average();
        return values.Length < 2 ? 0 : Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1));
    }

    /// <summary>What is expected; null where nothing is.</summary>
    public Expectation? Expected(int result, int algorithm) =>
        experiment.Results[result].Expected.TryGetValue(experiment.Variants[algorithm], out Expectation expected) ? expected : null;

    /// <summary>Whether the mean is within its bounds; null where there are none.</summary>
    public bool? Verdict(int result, int algorithm) =>
        Expected(result, algorithm) is { Judges: true } expected ? expected.IsMet(Mean(result, algorithm)) : null;

    /// <summary>What happened each second with the first seed.</summary>
    public IReadOnlyList<SeriesPoint> Series(int algorithm) => _runs[algorithm, 0]!.Series;
}
