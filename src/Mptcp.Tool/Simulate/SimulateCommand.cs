using System.CommandLine;

namespace Mptcp.Tool.Simulate;

/// <summary><c>mptcp simulate</c>: a described network in virtual time.</summary>
internal static class SimulateCommand
{
    private const long LargestFile = 1 << 24;

    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "the scenario, in TOML; docs/simulate.md describes it" };
        var seed = new Option<ulong?>("--seed") { Description = "where chance begins, in place of the file's", HelpName = "N" };
        var trace = new Option<string?>("--trace") { Description = "writes a line for each packet", HelpName = "FILE" };
        var capture = new Option<string?>("--pcap") { Description = "writes each packet as pcapng", HelpName = "FILE" };
        var command = new Command("simulate", "Runs a described network in virtual time and prints what it came to.")
        {
            file,
            seed,
            trace,
            capture,
        };
        command.SetAction((parsed, cancellationToken) => Task.FromResult((int)Run(
            parsed.GetRequiredValue(file),
            parsed.GetValue(seed),
            parsed.GetValue(trace),
            parsed.GetValue(capture),
            cancellationToken)));
        return command;
    }

    private static ExitCode Run(string file, ulong? seed, string? trace, string? capture, CancellationToken cancellationToken)
    {
        string text = ReadFile(file);
        try
        {
            Scenario scenario = ScenarioReader.Read(text, Path.GetDirectoryName(file) ?? "");
            var run = new ScenarioRun(seed is { } given ? scenario with { Seed = given } : scenario);
            return Run(run, trace, capture, cancellationToken);
        }
        catch (ScenarioException e)
        {
            throw new ToolException(ExitCode.Usage, $"{file}:{e.Line}: {e.Message}");
        }
    }

    private static ExitCode Run(ScenarioRun run, string? trace, string? capture, CancellationToken cancellationToken)
    {
        var progress = new ProgressLine(run);
        using (var files = new TraceFiles(trace, capture))
        {
            try
            {
                run.Run(files.Observe(run.Network), progress.Show, cancellationToken);
            }
            catch (IOException e)
            {
                throw new ToolException(ExitCode.Failed, e.Message);
            }
            finally
            {
                progress.Clear();
            }
        }

        SimulationTable.Write(run);
        return run.Flows.All(flow => flow is { IsWhole: true, IsIntact: true }) ? ExitCode.Clean : ExitCode.Failed;
    }

    private static string ReadFile(string file)
    {
        try
        {
            return new FileInfo(file) is { Exists: true, Length: > LargestFile }
                ? throw new ToolException(ExitCode.Usage, $"'{file}' is too large for a scenario")
                : File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new ToolException(ExitCode.Usage, $"cannot read '{file}': {e.Message.TrimEnd('.')}");
        }
    }
}
