using System.Globalization;
using Mptcp.Lab;

namespace Mptcp.Bench;

/// <summary>Runs scenarios of two paths with each driver, one after the other, and prints a line for each run.</summary>
internal static class ScenarioBench
{
    public static async Task<int> RunAsync(string[] args)
    {
        var options = new TransferOptions();
        IReadOnlyList<IDriver> drivers = [new KernelToKernel(options), new EngineToKernel(options), new KernelToEngine(options)];
        string scenarioName = args.ElementAtOrDefault(0) ?? "all";
        string driverName = args.ElementAtOrDefault(1) ?? "all";
        int runs = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 1;
        Scenario[] scenarios = [.. Scenario.All.Where(scenario => scenarioName == "all" || scenario.Name == scenarioName)];
        IDriver[] chosen = [.. drivers.Where(driver => driverName == "all" || driver.Name == driverName)];
        if (scenarios.Length == 0 || chosen.Length == 0)
        {
            Console.Error.WriteLine(
                $"scenarios: {string.Join(", ", Scenario.All.Select(s => s.Name))}; drivers: {string.Join(", ", drivers.Select(d => d.Name))}");
            return 2;
        }

        bool whole = true;
        foreach (Scenario scenario in scenarios)
        {
            // The drivers take turns, so that what else the machine does meets all of them.
            var results = chosen.ToDictionary(driver => driver.Name, _ => new List<Result>());
            for (int run = 0; run < runs; run++)
            {
                foreach (IDriver driver in chosen)
                {
                    Result? result = await RunAsync(scenario, driver, seed: (ulong)run + 1);
                    whole &= result is not null;
                    results[driver.Name].AddRange(result is null ? [] : [result]);
                }
            }

            if (runs > 1)
            {
                Summarise(scenario, results);
            }
        }

        return whole ? 0 : 1;
    }

    /// <summary>A line for each driver: goodput and longest gap, each as least, median, greatest.</summary>
    private static void Summarise(Scenario scenario, Dictionary<string, List<Result>> results)
    {
        results.TryGetValue("kernel-kernel", out List<Result>? yardstick);
        foreach ((string driver, List<Result> runs) in results.Where(entry => entry.Value.Count > 0))
        {
            double[] rates = [.. runs.Select(run => run.Megabits).Order()];
            double[] gaps = [.. runs.Select(run => run.LongestGap.TotalMilliseconds).Order()];
            string ratio = yardstick is { Count: > 0 }
                ? $", {Median(rates) / Median([.. yardstick.Select(run => run.Megabits).Order()]):F2} of the kernel's"
                : "";
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{scenario.Name} {driver}: {rates[0]:F1} / {Median(rates):F1} / {rates[^1]:F1} Mbit/s{ratio}; gaps {gaps[0]:F0} / {Median(gaps):F0} / {gaps[^1]:F0} ms"));
        }
    }

    private static double Median(double[] sorted) => (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;

    /// <summary>Runs one transfer; null when it was not done, or other bytes came.</summary>
    private static async Task<Result?> RunAsync(Scenario scenario, IDriver driver, ulong seed)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var lab = new TwoPathLab(
            new LabOptions { Paths = scenario.Paths, Client = driver.Client, Server = driver.Server, Seed = seed });
        using var payload = new Payload(scenario.Bytes, seed);
        using var meter = new StreamMeter();
        var timers = new List<Timer>();
        try
        {
            await driver.TransferAsync(
                lab,
                payload,
                meter,
                connected: () =>
                {
                    Schedule(timers, lab, scenario, scenario.CutAfter, cut: true);
                    Schedule(timers, lab, scenario, scenario.HealAfter, cut: false);
                },
                limit.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            Console.WriteLine($"{scenario.Name} {driver.Name}: not done after two minutes, {meter.Bytes} bytes came");
            return null;
        }
        finally
        {
            timers.ForEach(timer => timer.Dispose());
        }

        Console.WriteLine(Report.Line(scenario, driver, lab, payload, meter));
        return payload.Sha256 == meter.Sha256 ? new Result(meter.MegabitsPerSecond, meter.LongestGap) : null;
    }

    private static void Schedule(List<Timer> timers, TwoPathLab lab, Scenario scenario, TimeSpan? after, bool cut)
    {
        if (after is { } time)
        {
            timers.Add(new Timer(_ => Cut(lab, scenario, cut), null, time, Timeout.InfiniteTimeSpan));
        }
    }

    private static void Cut(TwoPathLab lab, Scenario scenario, bool cut)
    {
        for (int path = 0; path < (scenario.CutAll ? scenario.Paths.Count : 1); path++)
        {
            lab.Emulator.SetBlackHole(path, cut);
        }
    }

    private sealed record Result(double Megabits, TimeSpan LongestGap);
}
