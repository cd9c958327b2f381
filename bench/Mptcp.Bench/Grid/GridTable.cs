using System.Globalization;
using Mptcp.Lab;

namespace Mptcp.Bench.Grid;

/// <summary>What the runs of all cells come to, a line for each driver, and whether the bars are reached.</summary>
internal static class GridTable
{
    private const double SenderBar = 0.95;
    private const double ReceiverBar = 0.97;
    private const string Header =
        "| cell | sender-receiver | min | median | max Mbit/s | ratio of medians | median ratio | bar | losses | queue drops | retransmissions | timeouts | emulator late |";

    /// <summary>Prints it; true when every bar is reached.</summary>
    public static bool Print(IReadOnlyList<GridCell> cells, IReadOnlyList<GridResult> results)
    {
        Console.WriteLine();
        Console.WriteLine(Header);
        Console.WriteLine("| --- | --- |" + string.Concat(Enumerable.Repeat(" ---: |", 11)));
        bool reached = true;
        foreach (GridCell cell in cells)
        {
            GridResult[] yardstick = Of(results, cell, cell.Drivers[0].Name);
            foreach (IDriver driver in cell.Drivers)
            {
                (string line, bool good) = Line(cell, driver, Of(results, cell, driver.Name), yardstick);
                Console.WriteLine(line);
                reached &= good;
            }
        }

        return reached;
    }

    private static GridResult[] Of(IReadOnlyList<GridResult> results, GridCell cell, string driver) =>
        [.. results.Where(result => result.Cell == cell && result.Driver.Name == driver).OrderBy(result => result.Run)];

    private static (string Line, bool Reached) Line(
        GridCell cell, IDriver driver, GridResult[] runs, GridResult[] yardstick)
    {
        double[] rates = [.. runs.Select(run => run.MegabitsPerSecond).Order()];
        bool whole = runs.All(run => run.Failure is null && (cell.LossPerMillion == 0 || run.Losses >= GridCell.Losses));
        string judgement = " | | ";
        bool reached = whole;
        if (driver.Name != yardstick[0].Driver.Name)
        {
            double ratio = Median(rates) / Median([.. yardstick.Select(run => run.MegabitsPerSecond)]);
            double paired = Median([.. runs.Zip(yardstick, (ours, kernel) => ours.MegabitsPerSecond / kernel.MegabitsPerSecond)]);
            double bar = driver.Client == LabPeer.Engine ? SenderBar : ReceiverBar;
            reached &= ratio >= bar;
            judgement = Text($"{ratio:F3} | {paired:F3} | {bar:F2} {(reached ? "reached" : "MISSED")}");
        }

        if (!whole)
        {
            judgement += runs.Any(run => run.Failure is not null) ? " (a run failed)" : " (too few losses)";
        }

        string line = Text($"| {cell.Name} | {driver.Name} | {rates[0]:F2} | {Median(rates):F2} | {rates[^1]:F2} | {judgement} | {Range(runs, run => run.Losses)} | {Range(runs, run => run.QueueDrops)} | {Range(runs, run => run.Sender.Retransmissions)} | {Range(runs, run => run.Sender.Timeouts)} | {runs.Max(run => run.LongestDelay.TotalMilliseconds):F1} ms, {runs.Max(run => run.LateShare):P2} > 1 ms |");
        return (line, reached);
    }

    private static string Range(GridResult[] runs, Func<GridResult, long> value) =>
        Text($"{runs.Min(value)}-{runs.Max(value)}");

    private static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
