using System.Text.RegularExpressions;

namespace Mptcp.Conformance;

/// <summary>docs/conformance.md: every clause has a row, every row a test that exists or a reason.</summary>
internal static partial class Table
{
    private const int LastMust = 69;
    private const int LastShould = 31;
    private const int LastOfRfc8684 = 261;

    public static bool Check(string root)
    {
        HashSet<string> tests = Tests(root);
        var errors = new List<string>();
        var seen = new HashSet<string>();
        (int rows, int proved) = (0, 0);
        foreach (string line in File.ReadLines(Path.Combine(root, "docs/conformance.md")))
        {
            string[] cells = line.Split('|', StringSplitOptions.TrimEntries);
            if (cells.Length != 6 || cells[1] is "id" or "---")
            {
                continue;
            }

            rows++;
            seen.Add(cells[1]);
            MatchCollection named = TestName().Matches(cells[4]);
            proved += named.Count > 0 ? 1 : 0;
            errors.AddRange(named.Select(match => match.Groups[1].Value)
                .Where(name => !tests.Contains(name)).Select(name => $"{cells[1]}: no test {name}"));
            if (named.Count == 0 && cells[4].Length < 10)
            {
                errors.Add($"{cells[1]}: neither a test nor a reason");
            }
        }

        errors.AddRange(Numbered("MUST", LastMust).Concat(Numbered("SHLD", LastShould)).Concat(Numbered("8684", LastOfRfc8684))
            .Where(id => !seen.Contains(id)).Select(id => $"{id}: no row"));
        errors.ForEach(Console.Error.WriteLine);
        Console.WriteLine($"{rows} rows, {proved} with a test, {rows - proved} with a reason, {errors.Count} errors");
        return errors.Count == 0;
    }

    private static IEnumerable<string> Numbered(string kind, int last) =>
        Enumerable.Range(1, last).Select(number => $"{kind}-{number}");

    /// <summary>Class.Method of all tests, by the text of their files.</summary>
    private static HashSet<string> Tests(string root)
    {
        var names = new HashSet<string>();
        foreach (string file in Directory.EnumerateFiles(Path.Combine(root, "tests"), "*.cs", SearchOption.AllDirectories))
        {
            string name = "";
            foreach (Match match in Declaration().Matches(File.ReadAllText(file)))
            {
                if (match.Groups["class"].Success)
                {
                    name = match.Groups["class"].Value;
                }
                else
                {
                    names.Add($"{name}.{match.Groups["method"].Value}");
                }
            }
        }

        return names;
    }

    [GeneratedRegex(@"`(\w+\.\w+)`")]
    private static partial Regex TestName();

    [GeneratedRegex(@"^(?:public|internal) (?:sealed |static |partial )*class (?<class>\w+)|^ +public (?:static )?(?:async )?(?:void|Task|ValueTask) (?<method>\w+)\(", RegexOptions.Multiline)]
    private static partial Regex Declaration();
}
