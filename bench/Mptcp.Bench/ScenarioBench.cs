using System.Globalization;
using Mptcp.Lab;
using Mptcp.Tcp;

namespace Mptcp.Bench;

/// <summary>Runs scenarios of two paths with each driver, one after the other, and prints a line for each run.</summary>
internal static class ScenarioBench
{
    private const string Folder = "bench-report";

    public static async Task<int> RunAsync(string[] args)
    {
        string scenarioName = args.ElementAtOrDefault(0) ?? "all";
        string driverName = args.ElementAtOrDefault(1) ?? "all";
        int runs = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 1;
        Scenario[] scenarios = [.. Scenario.All.Where(scenario => scenarioName == "all" || scenario.Name == scenarioName)];
        IReadOnlyList<IDriver> drivers = Drivers(new TransferOptions());
        if (scenarios.Length == 0 || !drivers.Any(driver => driverName == "all" || driver.Name == driverName))
        {
            Console.Error.WriteLine(
                $"scenarios: {string.Join(", ", Scenario.All.Select(s => s.Name))}; drivers: {string.Join(", ", drivers.Select(d => d.Name))}");
            return 2;
        }

        if (RecordedLinks.Missing is { } missing && scenarioName == "all")
        {
            Console.Error.WriteLine($"without recorded links: {missing}");
        }

        Directory.CreateDirectory(Folder);
        var table = new ScenarioTable();
        bool whole = true;
        foreach (Scenario scenario in scenarios)
        {
            IDriver[] chosen = [.. Drivers(OptionsOf(scenario)).Where(driver => driverName == "all" || driver.Name == driverName)
                .Where(driver => scenario.KillAfter is null || driver.Server == LabPeer.Kernel)];

            // The drivers take turns, so that what else the machine does meets all of them.
            var results = chosen.ToDictionary(driver => driver.Name, _ => new List<RunRecord>());
            for (int run = 0; run < runs; run++)
            {
                foreach (IDriver driver in chosen)
                {
                    RunRecord? result = await RunAsync(scenario, driver, seed: (ulong)run + 1);
                    whole &= result is not null;
                    results[driver.Name].AddRange(result is null ? [] : [result]);
                }
            }

            Console.Write(scenario.About.Length == 0 ? "" : $"{scenario.Name}: {scenario.About}\n");
            table.Add(scenario, results);
            foreach ((string driver, List<RunRecord> records) in results.Where(entry => entry.Value.Count > 0))
            {
                RatePlots.Write(Folder, scenario, driver, records[0]);
            }
        }

        await File.WriteAllTextAsync(Path.Combine(Folder, "table.md"), table.ToString());
        Console.WriteLine($"The table and the rates of the first runs: {Folder}");
        return whole ? 0 : 1;
    }

    private static IReadOnlyList<IDriver> Drivers(TransferOptions options) =>
        [new KernelToKernel(options), new EngineToKernel(options), new KernelToEngine(options)];

    private static TransferOptions OptionsOf(Scenario scenario) => scenario.Bbr
        ? new TransferOptions { CongestionControl = CongestionControllers.Bbr }
        : new TransferOptions();

    /// <summary>Runs one transfer; null when it was not done, or other bytes came.</summary>
    private static async Task<RunRecord?> RunAsync(Scenario scenario, IDriver driver, ulong seed)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(4));
        using var lab = new TwoPathLab(new LabOptions
        {
            Paths = scenario.Paths,
            Client = driver.Client,
            Server = driver.Server,
            Seed = seed,
            CongestionControl = scenario.Bbr ? "bbr" : "cubic",
        });
        using var payload = new Payload(scenario.Bytes, seed);
        using var meter = new StreamMeter();
        var timers = new List<Timer>();
        RunRecorder? recorder = null;
        try
        {
            await driver.TransferAsync(
                lab,
                payload,
                meter,
                connected: () =>
                {
                    recorder = new RunRecorder(lab, meter);
                    Schedule(timers, scenario.Duration, payload.End);
                    Schedule(timers, scenario.CutAfter, () => Cut(lab, scenario, cut: true));
                    Schedule(timers, scenario.HealAfter, () => Cut(lab, scenario, cut: false));
                    Schedule(timers, scenario.KillAfter, () => Kill(lab));
                },
                limit.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            Console.WriteLine($"{scenario.Name} {driver.Name}: not done after four minutes, {meter.Bytes} bytes came");
            return null;
        }
        finally
        {
            timers.ForEach(timer => timer.Dispose());
            recorder?.Dispose();
        }

        Console.WriteLine(Report.Line(scenario, driver, lab, payload, meter));
        return payload.Sha256 == meter.Sha256 ? recorder!.Finish(scenario.Duration) : null;
    }

    private static void Schedule(List<Timer> timers, TimeSpan? after, Action action)
    {
        if (after is { } time)
        {
            timers.Add(new Timer(_ => action(), null, time, Timeout.InfiniteTimeSpan));
        }
    }

    private static void Cut(TwoPathLab lab, Scenario scenario, bool cut)
    {
        for (int path = 0; path < (scenario.CutAll ? scenario.Paths.Count : 1); path++)
        {
            lab.Emulator.SetBlackHole(path, cut);
        }
    }

    private static void Kill(TwoPathLab lab) =>
        lab.Server.Command("ss", "-K", "-t", "dst", TwoPathLab.ClientAddress(0).ToString());
}
