using Mptcp.Multipath;
using Mptcp.Stack;
using Mptcp.Tool.Simulate;

namespace Mptcp.Tool.Experiments;

/// <summary>Reads what an experiment varies: congestion controls, schedulers, path managers, or receive buffers.</summary>
internal static class AxisReader
{
    private const string Buffers = "sizes such as \"200 kB\"";
    private static readonly string[] _keys = ["algorithms", "schedulers", "path-managers", "receive-buffers"];

    /// <exception cref="ScenarioException">Something is wrong.</exception>
    public static ExperimentAxis Read(Section head)
    {
        string[] given = [.. _keys.Where(head.Has)];
        if (given is not [var key])
            throw new ScenarioException(head.Line, "it is not said what is varied", $"one of {string.Join(", ", _keys)}");
        return key switch
        {
            "algorithms" => new ExperimentAxis("algorithm", Values(head, key, ScenarioReader.Controllers, IsController), UseController),
            "schedulers" => new ExperimentAxis("scheduler", Values(head, key, SchedulerCatalog.Expected, IsScheduler), UseScheduler),
            "path-managers" => new ExperimentAxis("path manager", Values(head, key, PathManagerCatalog.Expected, IsManager), UseManager),
            _ => new ExperimentAxis("receive buffer", Values(head, key, Buffers, IsBuffer), UseBuffer),
        };
    }

    private static List<string> Values(Section head, string key, string known, Func<string, bool> isKnown)
    {
        string expected = $"a list of {known}";
        var values = new List<string>();
        foreach (TomlItem item in head.TakeList(key, expected) ?? [])
        {
            if (item.Value is not string name || !isKnown(name))
                throw new ScenarioException(item.Line, $"there is no '{item.Value}' among {key}", expected);
            values.Add(name);
        }

        return values.Count > 0 ? values : throw new ScenarioException(head.LineOf(key), $"{key} is empty", expected);
    }

    private static bool IsController(string name)
    {
        var options = new StackOptions();
        return ScenarioReader.TryUse(name, ref options);
    }

    private static StackOptions UseController(string name, StackOptions options)
    {
        ScenarioReader.TryUse(name, ref options);
        return options;
    }

    private static bool IsScheduler(string name) => SchedulerCatalog.TryFind(name, out _);

    private static StackOptions UseScheduler(string name, StackOptions options) => SchedulerCatalog.TryFind(name, out Func<IScheduler>? make)
        ? options with { Connection = options.Connection with { Scheduler = make } }
        : options;

    private static bool IsManager(string name) => PathManagerCatalog.TryFind(name, out _);

    private static StackOptions UseManager(string name, StackOptions options) => PathManagerCatalog.TryFind(name, out IPathManager? manager)
        ? options with { Connection = options.Connection with { PathManager = manager } }
        : options;

    private static bool IsBuffer(string size) => Quantity.Size.TryParse(size, out long bytes, out _) && bytes is > 0 and <= int.MaxValue;

    private static StackOptions UseBuffer(string size, StackOptions options) => Quantity.Size.TryParse(size, out long bytes, out _)
        ? options with { Connection = options.Connection with { ReceiveBuffer = (int)bytes } }
        : options;
}
