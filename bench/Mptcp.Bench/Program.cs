using Mptcp.Bench;
using Mptcp.Bench.Grid;
using Mptcp.Lab;

// dotnet run --project bench/Mptcp.Bench -c Release -- [SCENARIO] [DRIVER] [RUNS]; "all" stands for any of the first two.
// "grid [CELL ...] [RUNS]" measures plain TCP beside the kernel's; "simulator" measures virtual time and needs no rights.
// docs/bench.md says what they print.
string what = args.FirstOrDefault() ?? "all";
if (what == "simulator")
{
    return SimulatorBench.Run();
}

if (TwoPathLab.Missing is { } missing)
{
    Console.Error.WriteLine(missing);
    return 1;
}

return what == "grid" ? await GridBench.RunAsync(args[1..]) : await ScenarioBench.RunAsync(args);
