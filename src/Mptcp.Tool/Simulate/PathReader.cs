using Mptcp.Simulation;
using Mptcp.Tcp;

namespace Mptcp.Tool.Simulate;

/// <summary>Reads what a direction of a path is like.</summary>
/// <param name="folder">Where the names of trace files begin.</param>
internal sealed class PathReader(string folder)
{
    private const long LeastQueue = 15_000;

    /// <summary>Both directions; "back" overrides what is different on the way back.</summary>
    public DirectionSpecs Read(Section path)
    {
        PathOptions forward = ReadDirection(path, new PathOptions());
        if (forward.BitsPerSecond == 0 && forward.Trace is null)
            throw new ScenarioException(path.Line, $"{path.Name} has no rate", $"rate = {Quantity.Rate.What}, or trace = \"FILE\"");
        Section? section = path.TakeSection("back", "a table of what is different on the way back");
        PathOptions back = forward;
        List<string> forwardBoxes = ReadBoxes(path);
        List<string> backBoxes = [];
        if (section is not null)
        {
            back = ReadDirection(section, forward);
            backBoxes = ReadBoxes(section);
            section.RejectOthers();
        }

        // Where nobody says it: what is on the way there and back, as people build such paths.
        long roundTrip = forward.DelayNanoseconds + back.DelayNanoseconds;
        bool told = path.Has("queue");
        return new DirectionSpecs(
            told ? forward : WithQueue(forward, roundTrip),
            told || section?.Has("queue") == true ? back : WithQueue(back, roundTrip),
            forwardBoxes,
            backBoxes);
    }

    private static List<string> ReadBoxes(Section section)
    {
        const string expected = "a list such as [\"strip-syn\", \"split:700\"]";
        var boxes = new List<string>();
        foreach (TomlItem item in section.TakeList("middleboxes", expected) ?? [])
        {
            if (item.Value is not string name)
                throw new ScenarioException(item.Line, "middleboxes holds something else", expected);
            if (!MiddleboxCatalog.TryMake(name, seed: 0, out _, out string? right))
                throw new ScenarioException(item.Line, $"there is no middlebox '{name}'", right);
            boxes.Add(name);
        }

        return boxes;
    }

    private PathOptions ReadDirection(Section section, PathOptions basis)
    {
        long? rate = section.TakePositive("rate", Quantity.Rate);
        DeliveryTrace? trace = ReadTrace(section);
        if (rate is not null && trace is not null)
            throw new ScenarioException(section.LineOf("trace"), $"{section.Name} has a rate and a trace", "one of them");
        return ReadMedium(section, basis) with
        {
            BitsPerSecond = rate ?? (trace is null ? basis.BitsPerSecond : 0),
            Trace = trace ?? (rate is null ? basis.Trace : null),
            DelayNanoseconds = section.Take("delay", Quantity.Duration) ?? basis.DelayNanoseconds,
            JitterNanoseconds = section.Take("jitter", Quantity.Duration) ?? basis.JitterNanoseconds,
            JitterReorders = section.TakeBoolean("jitter-reorders") ?? basis.JitterReorders,
            QueueBytes = section.TakePositive("queue", Quantity.Size) ?? basis.QueueBytes,
            RandomTailBytes = section.Take("random-tail", Quantity.Size) ?? basis.RandomTailBytes,
            Red = ReadRed(section) ?? basis.Red,
            Cuts = ReadCuts(section) ?? basis.Cuts,
            CrossTraffic = ReadCrossTraffic(section) ?? basis.CrossTraffic,
        };
    }

    private static PathOptions ReadMedium(Section section, PathOptions basis) => basis with
    {
        LossPerMillion = section.TakeChance("loss", basis.LossPerMillion),
        BurstLoss = ReadBurst(section) ?? basis.BurstLoss,
        DuplicatePerMillion = section.TakeChance("duplicate", basis.DuplicatePerMillion),
        ReorderPerMillion = section.TakeChance("reorder", basis.ReorderPerMillion),
        ReorderNanoseconds = section.Take("reorder-delay", Quantity.Duration) ?? basis.ReorderNanoseconds,
        CorruptPerMillion = section.TakeChance("corrupt", basis.CorruptPerMillion),
        CorruptBits = (int?)section.TakeInteger("corrupt-bits", 1, PathOptions.MaxCorruptBits) ?? basis.CorruptBits,
    };

    private static PathOptions WithQueue(PathOptions options, long roundTrip)
    {
        long rate = options.Trace?.BitsPerSecond ?? options.BitsPerSecond;
        return options with { QueueBytes = Math.Max(LeastQueue, (long)((Int128)rate * roundTrip / 8 / Instant.Second)) };
    }

    private DeliveryTrace? ReadTrace(Section section)
    {
        if (section.TakeText("trace", "the name of a file, from the folder of this one") is not { } name)
            return null;
        string path = Path.Combine(folder, name);
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new ScenarioException(section.LineOf("trace"), $"trace '{name}' cannot be read", $"a file at '{path}'");
        }

        return DeliveryTrace.TryParse(text, out DeliveryTrace? trace, out string error)
            ? trace
            : throw new ScenarioException(section.LineOf("trace"), $"trace '{name}', {error}", "a trace without errors");
    }

    private static CrossTraffic? ReadCrossTraffic(Section section)
    {
        const string expected = "a table such as { rate = \"100 Mbit/s\", burst = \"10 ms\", pause = \"90 ms\" }";
        if (section.TakeSection("cross-traffic", expected) is not { } table)
            return null;
        long? rate = table.TakePositive("rate", Quantity.Rate);
        long? burst = table.TakePositive("burst", Quantity.Duration);
        long pause = table.Take("pause", Quantity.Duration) ?? 0;
        table.RejectOthers();
        return rate is not null && burst is not null ? new CrossTraffic(rate.Value, burst.Value, pause)
            : throw new ScenarioException(table.Line, "cross-traffic has no rate, or no burst", expected);
    }

    private static BurstLoss? ReadBurst(Section section)
    {
        const string expected = "a table such as { enter = \"1 %\", leave = \"25 %\" }";
        if (section.TakeSection("burst-loss", expected) is not { } burst)
            return null;
        var loss = new BurstLoss(
            burst.TakeChance("enter", 0), burst.TakeChance("leave", 0), burst.TakeChance("bad", 1_000_000), burst.TakeChance("good", 0));
        burst.RejectOthers();
        return burst.Has("enter") && burst.Has("leave")
            ? loss
            : throw new ScenarioException(burst.Line, "burst-loss lacks enter or leave", expected);
    }

    private static RedQueue? ReadRed(Section section)
    {
        const string expected = "a table such as { minimum = \"20 kB\", maximum = \"60 kB\" }, the maximum above the minimum";
        if (section.TakeSection("red", expected) is not { } red)
            return null;
        long? minimum = red.Take("minimum", Quantity.Size);
        long? maximum = red.Take("maximum", Quantity.Size);
        int chance = red.TakeChance("chance", 100_000);
        bool marks = red.TakeBoolean("ecn") ?? false;
        red.RejectOthers();
        return minimum < maximum && maximum <= 1L << 40
            ? new RedQueue { MinimumBytes = minimum.Value, MaximumBytes = maximum.Value, ChancePerMillion = chance, MarksEcn = marks }
            : throw new ScenarioException(red.Line, "red has no range", expected);
    }

    private static List<PathCut>? ReadCuts(Section section)
    {
        const string expected = "a list such as [{ at = \"2 s\", for = \"3 s\" }]";
        if (section.TakeList("cuts", expected) is not { } list)
            return null;
        var cuts = new List<PathCut>();
        foreach (TomlItem item in list)
        {
            if (item.Value is not TomlTable table)
                throw new ScenarioException(item.Line, "cuts holds something else", expected);
            var cut = new Section(table, "cut");
            long? at = cut.Take("at", Quantity.Duration);
            long? duration = cut.Take("for", Quantity.Duration);
            cut.RejectOthers();
            cuts.Add(at is null
                ? throw new ScenarioException(item.Line, "a cut has no at", expected)
                : new PathCut(at.Value, duration ?? long.MaxValue));
        }

        return cuts;
    }
}

/// <summary>The two directions of a path, and the middleboxes where each begins.</summary>
internal sealed record DirectionSpecs(
    PathOptions Forward, PathOptions Back, IReadOnlyList<string> ForwardBoxes, IReadOnlyList<string> BackBoxes);
