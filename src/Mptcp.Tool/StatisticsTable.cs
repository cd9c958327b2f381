using System.Globalization;
using Spectre.Console;

namespace Mptcp.Tool;

/// <summary>The table of <c>--stats</c>.</summary>
internal static class StatisticsTable
{
    // Where standard error is no terminal, nobody's window is too narrow.
    private const int WidthOfFiles = 200;

    public static void Write(MptcpStream stream, TimeSpan elapsed)
    {
        IReadOnlyList<MptcpSubflow> subflows = stream.Subflows;
        long sent = subflows.Sum(s => s.BytesSent);
        long received = subflows.Sum(s => s.BytesReceived);
        var table = new Table { Border = Console.IsErrorRedirected ? TableBorder.Ascii : TableBorder.Rounded };
        foreach (string column in (string[])["subflow", "path", "local", "remote"])
            table.AddColumn(column);
        foreach (string column in (string[])["sent", "received", "share", "RTT", "retransmitted"])
            table.AddColumn(new TableColumn(column).RightAligned());
        table.AddColumn("state");
        foreach (MptcpSubflow s in subflows)
        {
            string[] cells =
            [
                Text($"{s.Number}"), s.Path, s.LocalEndPoint.ToString(), s.RemoteEndPoint.ToString(),
                Text($"{s.BytesSent:N0}"), Text($"{s.BytesReceived:N0}"), Share(s, sent + received),
                s.RoundTripTime is { } time ? Text($"{time.TotalMilliseconds:F1} ms") : "-",
                Text($"{s.Retransmissions:N0}"), Text($"{s.State}").ToLowerInvariant(),
            ];
            table.AddRow([.. cells.Select(Markup.Escape)]);
        }

        IAnsiConsole console = AnsiConsole.Create(
            new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        if (Console.IsErrorRedirected)
            console.Profile.Width = WidthOfFiles;
        console.Write(table);
        console.WriteLine(Text($"{(stream.IsMultipath ? "Multipath TCP" : "plain TCP")}, {elapsed.TotalSeconds:F1} s, ")
            + Text($"sent at {Rate(sent, elapsed):F1} Mbit/s, received at {Rate(received, elapsed):F1} Mbit/s"));
        foreach (MptcpPathStatus path in stream.Paths)
        {
            if (path.Subflow < 0)
                console.WriteLine(Text($"{path.Path} ({path.LocalAddress}): {path.Why}"));
        }

        foreach ((MptcpEventCode code, int count) in stream.EventCounts.OrderBy(counted => counted.Key))
        {
            if (code.IsTrouble())
                console.WriteLine(Text($"{count} x {code.Describe()} (code {(int)code})"));
        }
    }

    private static string Share(MptcpSubflow subflow, long all) =>
        all == 0 ? "-" : Text($"{100.0 * (subflow.BytesSent + subflow.BytesReceived) / all:F0} %");

    private static double Rate(long bytes, TimeSpan elapsed) => bytes * 8 / Math.Max(elapsed.TotalSeconds, 0.001) / 1e6;

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
