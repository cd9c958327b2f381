using System.Globalization;
using System.Text;

namespace Mptcp.Bench;

/// <summary>The runs of all scenarios as a table of medians and quartiles.</summary>
internal sealed class ScenarioTable
{
    private const string Head =
        "| scenario | driver | Mbit/s (quartiles) | of the kernel's | figure | (quartiles) |\n| --- | --- | ---: | ---: | --- | ---: |\n";

    private readonly StringBuilder _text = new(Head);

    public void Add(Scenario scenario, Dictionary<string, List<RunRecord>> results)
    {
        double yardstick = results.TryGetValue("kernel-kernel", out List<RunRecord>? kernel) && kernel.Count > 0
            ? Quantile([.. kernel.Select(run => run.Megabits)], 0.5)
            : double.NaN;
        foreach ((string driver, List<RunRecord> runs) in results.Where(entry => entry.Value.Count > 0))
        {
            double[] rates = [.. runs.Select(run => run.Megabits)];
            double[] figures = [.. runs.Select(run => run.Of(scenario))];
            string line = string.Create(
                CultureInfo.InvariantCulture,
                $"| {scenario.Name} | {driver} | {Text(rates, 1)} | {Quantile(rates, 0.5) / yardstick:F2} | {NameOf(scenario.Figure)} | {Text(figures, 0)} |");
            Console.WriteLine(line);
            _text.AppendLine(line);
        }
    }

    public override string ToString() => _text.ToString();

    private static string NameOf(Figure figure) => figure switch
    {
        Figure.SecondShare => "share of the second path, %",
        Figure.AfterHeal => "first byte after the heal, ms",
        Figure.BackInUse => "killed path back in use, ms",
        Figure.HealedShare => "share of the healed path, %",
        _ => "longest gap, ms",
    };

    private static string Text(double[] values, int digits)
    {
        // A run in which it never came is worse than any.
        double[] known = [.. values.Select(value => double.IsNaN(value) ? double.PositiveInfinity : value)];
        string Of(double quantile) => Quantile(known, quantile) is var value && double.IsInfinity(value)
            ? "never"
            : value.ToString($"F{digits}", CultureInfo.InvariantCulture);
        return $"{Of(0.5)} ({Of(0.25)} to {Of(0.75)})";
    }

    private static double Quantile(double[] values, double quantile)
    {
        double[] sorted = [.. values.Order()];
        double at = quantile * (sorted.Length - 1);
        double below = sorted[(int)at];
        double above = sorted[(int)Math.Ceiling(at)];
        return below == above ? below : below + ((at - (int)at) * (above - below));
    }
}
