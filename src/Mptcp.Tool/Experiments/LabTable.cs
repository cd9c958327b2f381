using System.Globalization;
using Spectre.Console;

namespace Mptcp.Tool.Experiments;

/// <summary>The figures on the terminal.</summary>
internal static class LabTable
{
    public static void Write(IReadOnlyList<Outcome> outcomes)
    {
        foreach (Outcome outcome in outcomes)
        {
            var table = new Table { Title = new TableTitle(Markup.Escape(outcome.Experiment.Title)), Border = TableBorder.Ascii };
            foreach (string column in Columns(outcome))
                table.AddColumn(column);
            for (int result = 0; result < outcome.Experiment.Results.Count; result++)
            {
                for (int algorithm = 0; algorithm < outcome.Experiment.Variants.Count; algorithm++)
                    table.AddRow([.. Row(outcome, result, algorithm).Select(Markup.Escape)]);
            }

            AnsiConsole.Write(table);
        }
    }

    public static string[] Columns(Outcome outcome) => ["figure", outcome.Experiment.Axis.Noun, "ours", "reference", "bounds", ""];

    /// <summary>Figure, variant, ours with its spread, the reference, its bounds, and the verdict.</summary>
    public static string[] Row(Outcome outcome, int result, int algorithm)
    {
        Expectation? expected = outcome.Expected(result, algorithm);
        return
        [
            outcome.Experiment.Results[result].Name,
            outcome.Experiment.Variants[algorithm],
            $"{Text(outcome.Mean(result, algorithm))} ± {Text(outcome.Deviation(result, algorithm))}",
            expected is { } reference ? Text(reference.Reference) : "",
            expected is { Judges: true } bounds ? $"{Text(bounds.Least)} to {Text(bounds.Most)}" : "",
            outcome.Verdict(result, algorithm) switch { true => "pass", false => "FAIL", _ => "" },
        ];
    }

    public static string Text(double value) => double.IsInfinity(value) ? "any" : value.ToString("0.###", CultureInfo.InvariantCulture);
}
