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

        bool equal = true;
        foreach (Scenario scenario in scenarios)
        {
            foreach (IDriver driver in chosen)
            {
                for (int run = 0; run < runs; run++)
                {
                    equal &= await RunAsync(scenario, driver, seed: (ulong)run + 1);
                }
            }
        }

        return equal ? 0 : 1;
    }

    private static async Task<bool> RunAsync(Scenario scenario, IDriver driver, ulong seed)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var lab = new TwoPathLab(
            new LabOptions { Paths = scenario.Paths, Client = driver.Client, Server = driver.Server, Seed = seed });
        using var payload = new Payload(scenario.Bytes, seed);
        using var meter = new StreamMeter();
        Timer? cutter = null;
        try
        {
            await driver.TransferAsync(
                lab,
                payload,
                meter,
                connected: () => cutter = scenario.CutFirstPathAfter is { } after
                    ? new Timer(_ => lab.Emulator.SetBlackHole(0, true), null, after, Timeout.InfiniteTimeSpan)
                    : null,
                limit.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            Console.WriteLine($"{scenario.Name} {driver.Name}: not done after two minutes, {meter.Bytes} bytes came");
            return false;
        }
        finally
        {
            cutter?.Dispose();
        }

        Console.WriteLine(Report.Line(scenario, driver, lab, payload, meter));
        return payload.Sha256 == meter.Sha256;
    }
}
