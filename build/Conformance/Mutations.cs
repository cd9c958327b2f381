namespace Mptcp.Conformance;

/// <summary>
/// Switches rules off one by one, by changing the text of the engine and compiling it in memory, and sees whether the
/// test of the rule notices. The engine itself carries no hook.
/// </summary>
internal static class Mutations
{
    private static readonly string[] _lists = ["tests/Mptcp.Tcp.Tests/Scripts/mutations.txt", "tests/Mptcp.Stack.Tests/mutations.txt"];
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    public static bool Run(string root, string wanted)
    {
        List<Mutation> mutations = [.. _lists.SelectMany(list => Read(Path.Combine(root, list)))
            .Where(mutation => mutation.Name.Contains(wanted, StringComparison.Ordinal))];
        var engine = new MutatedEngine(root);
        (int killed, int errors) = (0, 0);
        foreach (string test in mutations.Select(mutation => mutation.Test).Distinct())
        {
            if (Failure(engine, null, test) is { } failure)
            {
                Console.Error.WriteLine($"{test} fails without any change: {failure}");
                errors++;
            }
        }

        foreach (Mutation mutation in mutations)
        {
            try
            {
                string? failure = Failure(engine, mutation, mutation.Test);
                killed += failure is null ? 0 : 1;
                errors += failure is null ? 1 : 0;
                Console.WriteLine($"{(failure is null ? "SURVIVES" : "noticed ")}  {mutation.Name}  ({mutation.Test})");
            }
            catch (InvalidDataException e)
            {
                errors++;
                Console.WriteLine($"ERROR     {mutation.Name}: {e.Message}");
            }
        }

        Console.WriteLine($"{mutations.Count} rules switched off, {killed} noticed by their tests, {errors} errors");
        return errors == 0;
    }

    /// <summary>What made the test fail, or null. A test that does not come back has failed.</summary>
    private static string? Failure(MutatedEngine engine, Mutation? mutation, string test)
    {
        Action run = engine.Load(mutation, test);
        string? failure = "it does not end";
        var thread = new Thread(() =>
        {
            try
            {
                run();
                failure = null;
            }
            catch (Exception e)
            {
                failure = (e.InnerException ?? e).Message;
            }
        })
        { IsBackground = true };
        thread.Start();
        thread.Join(_patience);
        return failure;
    }

    private static List<Mutation> Read(string path)
    {
        var mutations = new List<Mutation>();
        foreach (string block in File.ReadAllText(path).Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            string[] lines = [.. block.Split('\n').Where(line => line.Length > 0 && line[0] != '#')];
            if (lines.Length > 0)
            {
                mutations.Add(new Mutation(
                    lines[0], Field(lines, "in"), Field(lines, "off"), Field(lines, "by"), Field(lines, "seen by")));
            }
        }

        return mutations;
    }

    private static string Field(string[] lines, string name) =>
        lines.FirstOrDefault(line => line.StartsWith($"  {name} ", StringComparison.Ordinal))?[(name.Length + 3)..].TrimEnd()
            .Replace("\\n", "\n", StringComparison.Ordinal) ?? "";
}

/// <summary>A rule: what its text is and in which file, what takes its place, and which test has to notice.</summary>
internal sealed record Mutation(string Name, string File, string Off, string By, string Test);
