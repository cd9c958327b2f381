using System.Globalization;

namespace Mptcp.Tool.Simulate;

/// <summary>A table of a scenario file from which each value is taken by its name and type; what is left over is an error.</summary>
/// <param name="table">The table.</param>
/// <param name="name">What errors call it.</param>
internal sealed class Section(TomlTable table, string name)
{
    private readonly List<string> _known = [];

    public int Line => table.Line;

    public string Name => name;

    /// <summary>The line of a value, or of the table.</summary>
    public int LineOf(string key) => table.Find(key)?.Line ?? table.Line;

    public bool Has(string key) => Take(key) is not null;

    public long? Take(string key, Quantity quantity)
    {
        if (Take(key) is not { } item)
            return null;
        if (item.Value is not string text)
            throw WrongType(item, key, quantity.What);
        return quantity.TryParse(text, out long value, out string wrong)
            ? value
            : throw new ScenarioException(item.Line, $"{key} {wrong}", quantity.What);
    }

    public long? TakePositive(string key, Quantity quantity) => Take(key, quantity) is var value && value != 0
        ? value
        : throw new ScenarioException(LineOf(key), $"{key} is 0", $"{quantity.What}, above 0");

    public int TakeChance(string key, int otherwise) => (int?)Take(key, Quantity.Chance) ?? otherwise;

    public long? TakeInteger(string key, long least, long most)
    {
        string expected = string.Create(CultureInfo.InvariantCulture, $"a whole number of {least} to {most}");
        if (Take(key) is not { } item)
            return null;
        if (item.Value is not long value)
            throw WrongType(item, key, expected);
        return value >= least && value <= most
            ? value
            : throw new ScenarioException(item.Line, string.Create(CultureInfo.InvariantCulture, $"{key} is {value}"), expected);
    }

    public double? TakeNumber(string key) => Take(key) switch
    {
        null => null,
        { Value: long value } => value,
        { Value: double value } => value,
        var item => throw WrongType(item, key, "a number"),
    };

    public bool? TakeBoolean(string key) => Take(key) switch
    {
        null => null,
        { Value: bool value } => value,
        var item => throw WrongType(item, key, "true or false"),
    };

    public string? TakeText(string key, string expected) => Take(key) switch
    {
        null => null,
        { Value: string value } => value,
        var item => throw WrongType(item, key, expected),
    };

    public string NeedText(string key, string expected) =>
        TakeText(key, expected) ?? throw new ScenarioException(Line, $"{name} has no {key}", $"{key} = {expected}");

    public List<TomlItem>? TakeList(string key, string expected) => Take(key) switch
    {
        null => null,
        { Value: List<TomlItem> list } => list,
        var item => throw WrongType(item, key, expected),
    };

    public Section? TakeSection(string key, string expected) => Take(key) switch
    {
        null => null,
        { Value: TomlTable inner } => new Section(inner, key),
        var item => throw WrongType(item, key, expected),
    };

    /// <summary>The named tables below a table such as [hosts].</summary>
    public IEnumerable<Section> TakeNamed(string key, string singular)
    {
        string expected = $"tables such as [{key}.NAME]";
        if (TakeSection(key, expected) is null)
            yield break;
        foreach ((string name, TomlItem item) in ((TomlTable)table.Find(key)!.Value).Items)
        {
            yield return item.Value is TomlTable inner
                ? new Section(inner, $"{singular} '{name}'")
                : throw new ScenarioException(item.Line, $"'{name}' in [{key}] is not a table", expected);
        }
    }

    /// <summary>The tables of a list such as [[flows]].</summary>
    public IEnumerable<Section> TakeAll(string key, string singular)
    {
        string expected = $"tables that begin with [[{key}]]";
        foreach (TomlItem item in TakeList(key, expected) ?? [])
        {
            yield return item.Value is TomlTable inner
                ? new Section(inner, singular)
                : throw new ScenarioException(item.Line, $"{key} holds something else", expected);
        }
    }

    /// <exception cref="ScenarioException">There is a name that nobody has asked for.</exception>
    public void RejectOthers()
    {
        foreach ((string key, TomlItem item) in table.Items)
        {
            if (!_known.Contains(key))
                throw new ScenarioException(item.Line, $"{name} has an unknown key '{key}'", $"one of {string.Join(", ", _known)}");
        }
    }

    private TomlItem? Take(string key)
    {
        if (!_known.Contains(key))
            _known.Add(key);
        return table.Find(key);
    }

    private static ScenarioException WrongType(TomlItem item, string key, string expected) =>
        new(item.Line, $"{key} is {TypeOf(item.Value)}", expected);

    private static string TypeOf(object value) => value switch
    {
        string => "a text",
        long => "a number without unit",
        double => "a number without unit",
        bool => "true or false",
        TomlTable => "a table",
        List<TomlItem> => "a list",
        _ => "a date or time",
    };
}
