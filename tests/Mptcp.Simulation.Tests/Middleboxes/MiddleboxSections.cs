namespace Mptcp.Simulation.Tests;

/// <summary>Which section of RFC 8684 is behind what becomes of a connection.</summary>
internal static class MiddleboxSections
{
    private const string Undetected = "§3.3.1";

    // Where Multipath TCP goes on, where the connection falls back, where a subflow ends.
    private static readonly Dictionary<string, (string Kept, string Fallback, string Dropped)> _sections = new()
    {
        ["strip-syn"] = ("", "§3.1", "§3.2, §6"),
        ["strip-syn-ack"] = ("", "§3.1", "§3.2, §6"),
        ["strip-third-ack"] = ("§3.1", "§3.1", "§3.2"),
        ["strip-data"] = ("§6", "§3.7", "§3.7"),
        ["strip-acks"] = ("§6", "§3.7", "§3.7"),
        ["strip-ack-dss"] = ("§6", "§3.7", "§3.7"),
        ["strip-from"] = ("§6", "§3.7", "§3.7"),
        ["strip-mptcp"] = ("", "§3.1", "§3.2, §6"),
        ["strip-unknown"] = ("", "§3.1", "§3.2, §6"),
        ["nop-mptcp"] = ("", "§3.1", "§3.2, §6"),
        ["eol-mptcp"] = ("", "§3.1", "§3.2, §6"),
        ["duplicate-options"] = ("§3.3.1", "", ""),
        ["drop-unknown"] = ("", "§3.1, §6", "§6"),
        ["drop-unknown-syn"] = ("", "§3.1, §6", "§6"),
        ["drop-unknown-data"] = ("§3.3.6", "", "§3.3.6, §6"),
        ["rewrite-isn"] = ("§3.3.1, §6", "", ""),
        ["split"] = ("§3.3.1, §6", "", ""),
        ["split-first"] = ("§3.3.1, §6", "", ""),
        ["coalesce"] = ("§6", "§3.7, §6", "§3.7, §6"),
        ["coalesce-last"] = ("§6", "§3.7, §6", "§3.7, §6"),
        ["resegment"] = ("§3.3.1, §6", "§3.7, §6", "§3.7, §6"),
        ["change"] = ("", "§3.7", "§3.7"),
        ["lengthen"] = ("", "§3.7", "§3.7"),
        ["shorten"] = ("", "§3.7", "§3.7"),
        ["ack-early"] = ("§3.3.2", "§3.7, §6", "§3.7, §6"),
        ["ack-early-copy"] = ("§3.3.2, §3.3.6", "§3.7, §6", "§3.7, §6"),
        ["drop-unseen-acks"] = ("§6", "", ""),
        ["repeat-changed"] = ("", "§3.7", "§3.7"),
        ["shrink-window"] = ("§3.3.4, §6", "", ""),
        ["nat"] = ("§3.2, §6", "", ""),
        ["nat-idle"] = ("§3.2, §6", "", "§3.4, §6"),
        ["nat-restart"] = ("§3.2, §6", "", "§3.4, §6"),
        ["proxy"] = ("", "§3.1", "§3.2, §6"),
    };

    public static string Of(string box, string[] outcomes)
    {
        (string kept, string fallback, string dropped) = _sections[box];
        var found = new SortedSet<string>(StringComparer.Ordinal);
        foreach (string outcome in outcomes)
        {
            string section = outcome.Contains("undetected", StringComparison.Ordinal) ? Undetected
                : outcome.StartsWith("kept", StringComparison.Ordinal) ? kept
                : outcome.StartsWith("fallback", StringComparison.Ordinal) ? fallback
                : outcome == "untouched" ? ""
                : dropped;
            found.UnionWith(section.Split(", ", StringSplitOptions.RemoveEmptyEntries));
        }

        return string.Join(", ", found);
    }
}
