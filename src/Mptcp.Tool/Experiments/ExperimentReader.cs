using Mptcp.Tcp;
using Mptcp.Tool.Simulate;

namespace Mptcp.Tool.Experiments;

/// <summary>Reads an experiment file: a scenario with the tables [experiment] and [[results]]; every error has a line.</summary>
internal sealed class ExperimentReader
{
    private const int MostSeeds = 100;
    private readonly Scenario _scenario;
    private readonly ExperimentAxis _axis;

    private ExperimentReader(Scenario scenario, ExperimentAxis axis) => (_scenario, _axis) = (scenario, axis);

    /// <summary>Reads the text of a file.</summary>
    /// <exception cref="ScenarioException">Something is wrong.</exception>
    public static Experiment Read(string name, string text, string folder)
    {
        var root = new Section(TomlTree.Parse(text), "the experiment");
        Section head = root.TakeSection("experiment", "a table [experiment]")
            ?? throw new ScenarioException(1, "there is no experiment", "a table [experiment]");
        List<Section> results = [.. root.TakeAll("results", "result")];
        Scenario scenario = ScenarioReader.Read(root, folder);
        return new ExperimentReader(scenario, AxisReader.Read(head)).Read(name, head, results);
    }

    private Experiment Read(string name, Section head, List<Section> results)
    {
        var experiment = new Experiment(
            name,
            head.NeedText("title", "a text"),
            head.TakeText("about", "a text") ?? "",
            _scenario)
        {
            Axis = _axis,
            Hosts = FindAll(head, "hosts", "host", [.. _scenario.Nodes.Select(node => node is HostSpec ? node.Name : "")]),
            WarmUp = head.TakePositive("warm-up", Quantity.Duration) ?? 60 * Instant.Second,
            Duration = head.TakePositive("measure", Quantity.Duration) ?? 240 * Instant.Second,
            Seeds = (int)(head.TakeInteger("seeds", 1, MostSeeds) ?? 5),
            Results = [.. results.Select(ReadResult)],
        };
        head.RejectOthers();
        return experiment.Results.Count > 0 ? experiment
            : throw new ScenarioException(head.Line, "nothing is measured", "a table that begins with [[results]]");
    }

    private Result ReadResult(Section section)
    {
        string name = section.NeedText("name", "a text");
        (ResultKind Kind, string Key)[] kinds =
        [
            (ResultKind.Goodput, "goodput"), (ResultKind.Jain, "jain"), (ResultKind.Loss, "loss"), (ResultKind.Utilisation, "utilisation"),
            (ResultKind.Swing, "swing"), (ResultKind.Flips, "flips"), (ResultKind.Together, "together"), (ResultKind.Stall, "stall"),
            (ResultKind.Latency, "latency"),
        ];
        List<(ResultKind Kind, string Key)> given = [.. kinds.Where(kind => section.Has(kind.Key))];
        if (given is not [var (kind, key)])
            throw new ScenarioException(section.Line, $"result '{name}' is not one figure", $"one of {string.Join(", ", kinds.Select(one => one.Key))}");
        bool ofFlows = kind is not (ResultKind.Loss or ResultKind.Utilisation);
        string[] known = ofFlows ? [.. _scenario.Flows.Select(flow => flow.Name)] : [.. _scenario.Paths.Select(path => path.Name)];
        var result = new Result(
            name,
            kind,
            FindAll(section, key, ofFlows ? "flow" : "path", known),
            section.Has("by") ? FindAll(section, "by", ofFlows ? "flow" : "path", known) : [],
            ReadExpectations(section))
        {
            Window = section.TakePositive("window", Quantity.Duration) ?? Instant.Second,
            Remark = section.TakeText("remark", "a text") ?? "",
        };
        if (kind == ResultKind.Latency && result.Of.Concat(result.By).Any(flow => _scenario.Flows[flow].IntervalNanoseconds is null))
            throw new ScenarioException(section.LineOf(key), $"result '{name}' asks for the latency of a flow without messages", "flows with every");
        section.RejectOthers();
        return result;
    }

    private Dictionary<string, Expectation> ReadExpectations(Section section)
    {
        const string expected = "a reference, or a reference, the least and the most, such as [1.0, 0.9, 1.2]";
        var expectations = new Dictionary<string, Expectation>();
        if (section.TakeSection("expect", "a table such as { lia = [1.0, 0.9, 1.2] }") is not { } table)
            return expectations;
        foreach (string algorithm in _axis.Values)
        {
            if (table.TakeList(algorithm, expected) is not { } list)
                continue;
            double[] numbers = [.. list.Select(item => item.Value is double real ? real : item.Value is long whole ? whole
                : throw new ScenarioException(item.Line, $"{algorithm} holds something else", expected))];
            expectations[algorithm] = numbers switch
            {
                [var reference] => new Expectation(reference, double.NegativeInfinity, double.PositiveInfinity),
                [var reference, var least, var most] when least <= most => new Expectation(reference, least, most),
                _ => throw new ScenarioException(table.LineOf(algorithm), $"{algorithm} has {numbers.Length} numbers, or no range", expected),
            };
        }

        table.RejectOthers();
        return expectations;
    }

    /// <summary>The places of names in a list; a name that ends in * means all that begin so.</summary>
    private static List<int> FindAll(Section section, string key, string noun, string[] known)
    {
        string expected = $"a list of names of {string.Join(", ", known.Where(name => name.Length > 0))}";
        var found = new List<int>();
        foreach (TomlItem item in section.TakeList(key, expected)
            ?? throw new ScenarioException(section.Line, $"{section.Name} has no {key}", expected))
        {
            int before = found.Count;
            string name = item.Value as string ?? "";
            found.AddRange(Enumerable.Range(0, known.Length).Where(i => name.EndsWith('*')
                ? known[i].Length > 0 && known[i].StartsWith(name[..^1], StringComparison.Ordinal)
                : known[i] == name));
            if (found.Count == before || name.Length == 0)
                throw new ScenarioException(item.Line, $"there is no {noun} '{item.Value}'", expected);
        }

        return found.Count > 0 ? found : throw new ScenarioException(section.LineOf(key), $"{key} is empty", expected);
    }
}
