using System.Globalization;
using Spectre.Console;

namespace Mptcp.Tool.Demo;

/// <summary>What the tour came to, the same for a terminal and a file.</summary>
internal static class ResultTable
{
    public static void Write(DemoResult result)
    {
        long all = Math.Max(1, result.Paths.Sum(path => path.Delivered));
        var table = new Table { Border = Console.IsOutputRedirected ? TableBorder.Ascii : TableBorder.Rounded };
        table.AddColumn("path");
        foreach (string column in (string[])["carried", "share", "RTT", "dropped by its queue", "lost in the cut", "sent again"])
            table.AddColumn(new TableColumn(column).RightAligned());
        foreach (PathView path in result.Paths)
        {
            table.AddRow(
                path.Name,
                Text($"{path.Delivered / 1e6:F1} MB"),
                Text($"{100.0 * path.Delivered / all:F0} %"),
                path.RoundTripTime is { } time ? Text($"{time.TotalMilliseconds:F0} ms") : "-",
                Text($"{path.Dropped:N0}"),
                Text($"{path.Vanished:N0}"),
                Text($"{path.Retransmissions:N0}"));
        }

        AnsiConsole.Write(table);
        double rate = result.Received * 8 / Math.Max(result.Elapsed.TotalSeconds, 1e-3) / 1e6;
        Console.WriteLine(Text($"{(result.IsMultipath ? "Multipath TCP" : "plain TCP")}: {result.Received / 1e6:F1} MB in {result.Elapsed.TotalSeconds:F1} s, ")
            + Text($"{rate:F1} Mbit/s; longest stall {result.LongestStall.TotalMilliseconds:F0} ms"));
        Console.WriteLine($"SHA-256 sent      {result.SentSha256}");
        Console.WriteLine($"SHA-256 received  {result.ReceivedSha256}");
        Console.WriteLine(result.SentSha256 == result.ReceivedSha256
            ? "The file arrived whole."
            : "THE FILE IS NOT THE SAME.");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
