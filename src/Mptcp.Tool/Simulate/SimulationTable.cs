using System.Globalization;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Spectre.Console;

namespace Mptcp.Tool.Simulate;

/// <summary>What a run came to. The same run gives the same text, to the byte.</summary>
internal static class SimulationTable
{
    // Wide enough for any of ours: a file has no width of its own.
    private const int FileWidth = 140;

    public static void Write(ScenarioRun run)
    {
        IAnsiConsole console = NewConsole();
        console.Write(Flows(run));
        console.Write(Paths(run));
        foreach (Flow flow in run.Flows.Where(flow => !flow.IsWhole || !flow.IsIntact))
            console.WriteLine(Text($"flow '{flow.Spec.Name}': {(flow.IsIntact ? flow.Failure : "THE BYTES ARE NOT THE SAME")}"));
    }

    private static IAnsiConsole NewConsole()
    {
        if (!Console.IsOutputRedirected)
            return AnsiConsole.Console;
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Out = new AnsiConsoleOutput(Console.Out),
        });
        console.Profile.Width = FileWidth;
        return console;
    }

    private static Table Flows(ScenarioRun run)
    {
        Table table = NewTable("flow", "received", "duration", "goodput", "longest stall", "shares", "dropped", "sent again");
        foreach (Flow flow in run.Flows)
        {
            long duration = Math.Max(0, flow.LastArrival - flow.Start);
            table.AddRow(
                Markup.Escape(flow.Spec.Name),
                Text($"{flow.Received / 1e6:F2} MB"),
                Text($"{Seconds(duration)} s"),
                duration == 0 ? "-" : Text($"{Megabits(flow.Received, duration)} Mbit/s"),
                Text($"{flow.LongestStall / Instant.Millisecond} ms"),
                Markup.Escape(Shares(run, flow)),
                Text($"{run.Drops[flow.Port]}"),
                Text($"{flow.Subflows.Sum(subflow => subflow.Retransmissions)}"));
        }

        return table;
    }

    private static Table Paths(ScenarioRun run)
    {
        Table table = NewTable("path", "direction", "carried", "rate", "queue full", "early", "lost", "cut", "damaged", "twice");
        foreach (SimulatedPath path in run.Network.Paths)
        {
            foreach (PathDirection direction in (PathDirection[])[PathDirection.Forward, PathDirection.Back])
            {
                PathCounters counters = path.Model(direction).Counters;
                table.AddRow(
                    Markup.Escape(path.Name),
                    direction == PathDirection.Forward ? "forward" : "back",
                    Text($"{counters.Delivered.Bytes / 1e6:F2} MB"),
                    Text($"{Megabits(counters.Delivered.Bytes, Math.Max(1, run.Elapsed))} Mbit/s"),
                    Text($"{counters.QueueDrops.Packets}"),
                    Text($"{counters.EarlyDrops.Packets}"),
                    Text($"{counters.Lost.Packets}"),
                    Text($"{counters.BlackHoled.Packets}"),
                    Text($"{counters.Corrupted.Packets}"),
                    Text($"{counters.Duplicated.Packets}"));
            }
        }

        return table;
    }

    private static string Shares(ScenarioRun run, Flow flow)
    {
        if (!flow.IsMultipath)
            return "plain TCP";
        var byPath = flow.Subflows
            .GroupBy(subflow => run.PathOf(flow, subflow.Local.Address))
            .Select(group => (Path: group.Key, Bytes: group.Sum(subflow => subflow.BytesSent)))
            .ToList();
        long all = Math.Max(1, byPath.Sum(share => share.Bytes));
        return string.Join(", ", byPath.Select(share => Text($"{share.Path} {(100 * share.Bytes + all / 2) / all} %")));
    }

    private static Table NewTable(string first, params string[] columns)
    {
        var table = new Table { Border = Console.IsOutputRedirected ? TableBorder.Ascii : TableBorder.Rounded };
        table.AddColumn(first);
        foreach (string column in columns)
            table.AddColumn(column is "shares" or "direction" ? new TableColumn(column) : new TableColumn(column).RightAligned());
        return table;
    }

    private static string Seconds(long nanoseconds) => Text($"{nanoseconds / Instant.Second}.{nanoseconds % Instant.Second / Instant.Millisecond:D3}");

    private static string Megabits(long bytes, long nanoseconds)
    {
        var kilobits = (long)((Int128)bytes * 8 * Instant.Second / nanoseconds / 1000);
        return Text($"{kilobits / 1000}.{kilobits % 1000 / 10:D2}");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
