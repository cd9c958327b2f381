using Mptcp.Bench;
using Mptcp.Lab;

// dotnet run --project bench/Mptcp.Bench -c Release -- [SCENARIO] [DRIVER] [RUNS]; "all" stands for any of the first two.
// "simulator" in place of a scenario measures virtual time; it needs no rights.
if (args.FirstOrDefault() == "simulator")
{
    return SimulatorBench.Run();
}

IReadOnlyList<IDriver> drivers = [new KernelToKernel(), new EngineToKernel(), new KernelToEngine()];
string scenarioName = args.ElementAtOrDefault(0) ?? "all";
string driverName = args.ElementAtOrDefault(1) ?? "all";
int runs = args.Length > 2 ? int.Parse(args[2], System.Globalization.CultureInfo.InvariantCulture) : 1;
Scenario[] scenarios = [.. Scenario.All.Where(scenario => scenarioName == "all" || scenario.Name == scenarioName)];
IDriver[] chosen = [.. drivers.Where(driver => driverName == "all" || driver.Name == driverName)];
if (scenarios.Length == 0 || chosen.Length == 0)
{
    Console.Error.WriteLine(
        $"scenarios: {string.Join(", ", Scenario.All.Select(s => s.Name))}; drivers: {string.Join(", ", drivers.Select(d => d.Name))}");
    return 2;
}

if (TwoPathLab.Missing is { } missing)
{
    Console.Error.WriteLine(missing);
    return 1;
}

bool equal = true;
foreach (Scenario scenario in scenarios)
{
    foreach (IDriver driver in chosen)
    {
        for (int run = 0; run < runs; run++)
        {
            equal &= await Run(scenario, driver, seed: (ulong)run + 1);
        }
    }
}

return equal ? 0 : 1;

static async Task<bool> Run(Scenario scenario, IDriver driver, ulong seed)
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
