using Mptcp.Bench;
using Mptcp.Bench.Grid;
using Mptcp.Lab;

// dotnet run --project bench/Mptcp.Bench -c Release -- [SCENARIO] [DRIVER] [RUNS]; "all" stands for any of the first two.
// "grid [CELL ...] [RUNS]" measures plain TCP beside the kernel's; "simulator" measures virtual time and needs no rights.
// "shared [RUNS] [ROW]" measures two subflows beside one TCP of the kernel at one bottleneck.
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

return what switch
{
    "grid" => await GridBench.RunAsync(args[1..]),
    "shared" => await SharedBench.RunAsync(args[1..]),
    _ => await ScenarioBench.RunAsync(args),
};
