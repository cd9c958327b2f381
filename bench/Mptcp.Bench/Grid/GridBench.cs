using System.Diagnostics;
using System.Globalization;

namespace Mptcp.Bench.Grid;

/// <summary>
/// Plain TCP beside the kernel's over emulated paths, in one go: every run in a laboratory of its own, as many at a time as
/// their rates allow, the drivers alternating.
/// </summary>
internal static class GridBench
{
    // What two cores emulate and answer with time to spare.
    private const int MegabitsAtATime = 110;
    private const int RunsAtATime = 18;
    private const int DefaultRuns = 5;

    public static async Task<int> RunAsync(string[] args)
    {
        bool counted = int.TryParse(args.LastOrDefault(), CultureInfo.InvariantCulture, out int runs);
        string[] names = counted ? args[..^1] : args;
        runs = counted ? runs : DefaultRuns;
        GridCell[] cells = [.. GridCell.All.Where(cell => names.Length == 0 || names.Contains(cell.Name))];
        if (runs < 1 || cells.Length == 0 || names.Except(cells.Select(cell => cell.Name)).Any())
        {
            Console.Error.WriteLine($"grid [CELL ...] [RUNS]; cells: {string.Join(", ", GridCell.All.Select(cell => cell.Name))}");
            return 2;
        }

        await WarmUpAsync();
        IReadOnlyList<GridResult> results = await RunAllAsync(
        [
            .. from cell in cells.OrderByDescending(cell => cell.ExpectedSeconds)
               from run in Enumerable.Range(0, runs)
               from driver in cell.Drivers
               select (cell, driver, run),
        ]);
        return GridTable.Print(cells, results) ? 0 : 1;
    }

    /// <summary>The first transfer of a process pays for its compilation.</summary>
    private static async Task WarmUpAsync()
    {
        var cell = new GridCell("warm-up", 1_000, 10, 30_000_000, GridCell.Megabits);
        foreach (IDriver driver in cell.Drivers)
        {
            Console.WriteLine(await GridRun.RunAsync(cell, driver, 0));
        }
    }

    private static async Task<IReadOnlyList<GridResult>> RunAllAsync(List<(GridCell Cell, IDriver Driver, int Run)> waiting)
    {
        long began = Stopwatch.GetTimestamp();
        int jobs = waiting.Count;
        var results = new List<GridResult>();
        var running = new List<(GridCell Cell, Task<GridResult> Task)>();
        while (results.Count < jobs)
        {
            int next = waiting.FindIndex(job => Fits(running.Select(run => run.Cell), job.Cell));
            if (next >= 0)
            {
                (GridCell cell, IDriver driver, int run) = waiting[next];
                waiting.RemoveAt(next);

                // Making a laboratory takes its time: not on this thread.
                running.Add((cell, Task.Run(() => GridRun.RunAsync(cell, driver, run))));
                continue;
            }

            Task<GridResult> done = await Task.WhenAny(running.Select(run => run.Task));
            running.RemoveAll(run => run.Task == done);
            GridResult result = await done;
            results.Add(result);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"[{results.Count}/{jobs} {Stopwatch.GetElapsedTime(began).TotalSeconds:F0} s] {result}"));
        }

        return results;
    }

    private static bool Fits(IEnumerable<GridCell> running, GridCell next)
    {
        int[] rates = [.. running.Select(cell => cell.ExpectedMegabits)];
        return rates.Length == 0 || (rates.Length < RunsAtATime && rates.Sum() + next.ExpectedMegabits <= MegabitsAtATime);
    }
}
