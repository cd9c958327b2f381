using Mptcp.Tool.Simulate;

namespace Mptcp.Tool;

/// <summary>The file of <c>--policy</c>: a table for each path.</summary>
internal static class PolicyFile
{
    private const int Most = 1_000_000;

    /// <summary>Reads it.</summary>
    /// <exception cref="ToolException">It cannot be read, or is wrong.</exception>
    public static IReadOnlyDictionary<string, MptcpPathPolicy> Read(string file)
    {
        try
        {
            return Parse(File.ReadAllText(file));
        }
        catch (ScenarioException e)
        {
            throw new ToolException(ExitCode.Usage, $"{file}:{e.Line}: {e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new ToolException(ExitCode.Usage, $"cannot read '{file}': {e.Message.TrimEnd('.')}");
        }
    }

    /// <summary>Reads the text of a file.</summary>
    /// <exception cref="ScenarioException">Something is wrong.</exception>
    public static IReadOnlyDictionary<string, MptcpPathPolicy> Parse(string text)
    {
        var root = new Section(TomlTree.Parse(text), "the policy");
        var policies = new Dictionary<string, MptcpPathPolicy>();
        foreach (Section path in root.TakeNamed("paths", "path"))
            policies.Add(path.Name.Split('\'', 2)[1][..^1], ReadPath(path));
        root.RejectOthers();
        return policies.Count > 0 ? policies : throw new ScenarioException(1, "there is no policy", "tables such as [paths.wwan0]");
    }

    private static MptcpPathPolicy ReadPath(Section section)
    {
        const string expected = "normal, backup or avoid";
        MptcpPathUse use = section.TakeText("use", expected) switch
        {
            null or "normal" => MptcpPathUse.Normal,
            "backup" => MptcpPathUse.Backup,
            "avoid" => MptcpPathUse.Avoid,
            var other => throw new ScenarioException(section.LineOf("use"), $"use is '{other}'", expected),
        };
        var policy = new MptcpPathPolicy
        {
            Use = use,
            Weight = (int)(section.TakeInteger("weight", 1, Most) ?? 0),
            Cost = (int)(section.TakeInteger("cost", 0, Most) ?? 0),
            Metered = section.TakeBoolean("metered") ?? false,
            Cap = section.TakePositive("cap", Quantity.Size),
        };
        section.RejectOthers();
        string? contradiction = use != MptcpPathUse.Avoid ? null : policy.Weight > 0 ? "weight" : policy.Cap is not null ? "cap" : null;
        return contradiction is null ? policy
            : throw new ScenarioException(section.LineOf(contradiction), $"{section.Name} is to be avoided, and has a {contradiction}", "one or the other");
    }
}
