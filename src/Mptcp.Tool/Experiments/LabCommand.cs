using System.CommandLine;
using Spectre.Console;

namespace Mptcp.Tool.Experiments;

/// <summary><c>mptcp lab</c>: the experiments of the papers, under our engine, against their figures.</summary>
internal static class LabCommand
{
    public static Command Create()
    {
        var names = new Argument<string[]>("NAME")
        {
            Description = "experiments that come with mptcp, or files; all of those that come with it without any",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var output = new Option<string>("--output", "-o")
        {
            Description = "the folder of the report, made where it is not there",
            HelpName = "FOLDER",
            DefaultValueFactory = _ => "lab-report",
        };
        var seeds = new Option<int?>("--seeds") { Description = "how often each is repeated, in place of the file's", HelpName = "N" };
        var list = new Option<bool>("--list") { Description = "names the experiments, and runs none" };
        seeds.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 1 or > 100)
                result.AddError("--seeds takes a number of 1 to 100.");
        });
        var command = new Command("lab", "Runs experiments of the literature in virtual time and writes a report.")
        {
            names,
            output,
            seeds,
            list,
        };
        command.SetAction((parsed, cancellationToken) => Task.FromResult((int)Run(
            parsed.GetValue(names) ?? [],
            parsed.GetRequiredValue(output),
            parsed.GetValue(seeds),
            parsed.GetValue(list),
            cancellationToken)));
        return command;
    }

    private static ExitCode Run(string[] names, string output, int? seeds, bool list, CancellationToken cancellationToken)
    {
        List<Experiment> experiments = [.. ExperimentCatalog.Load(names)
            .Select(experiment => experiment with { Seeds = seeds ?? experiment.Seeds })];
        if (list)
        {
            foreach (Experiment experiment in experiments)
                Console.WriteLine($"{experiment.Name,-16} {experiment.Title}");
            return ExitCode.Clean;
        }

        try
        {
            Directory.CreateDirectory(output);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new ToolException(ExitCode.SetUp, $"cannot make the folder '{output}': {e.Message.TrimEnd('.')}");
        }

        List<Outcome> outcomes = LabRun.Run(experiments, cancellationToken);
        LabTable.Write(outcomes);
        LabReport.Write(outcomes, output);
        AnsiConsole.MarkupLineInterpolated($"The report: {Path.Combine(output, "report.html")}, and report.md");
        return outcomes.TrueForAll(outcome => outcome.IsReproduced) ? ExitCode.Clean : ExitCode.Failed;
    }
}
