using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace Mptcp.Tool.Simulate;

/// <summary>A value and the line it stands on.</summary>
/// <param name="Line">The line, from 1.</param>
/// <param name="Value">A string, long, double, bool, <see cref="TomlTable"/>, list of items, or another thing of TOML.</param>
internal sealed record TomlItem(int Line, object Value);

/// <summary>A table: names and values in the order of the file.</summary>
internal sealed class TomlTable(int line)
{
    public int Line => line;

    public List<KeyValuePair<string, TomlItem>> Items { get; } = [];

    public TomlItem? Find(string name) => Items.Find(item => item.Key == name).Value;
}

/// <summary>The text of a TOML file as a tree that remembers lines.</summary>
internal static class TomlTree
{
    /// <exception cref="ScenarioException">It is not TOML.</exception>
    public static TomlTable Parse(string text)
    {
        DocumentSyntax document = SyntaxParser.Parse(text, sourceName: "", validate: true);
        foreach (DiagnosticMessage message in document.Diagnostics)
        {
            throw new ScenarioException(message.Span.Start.Line + 1, message.Message.TrimEnd('.'), "TOML");
        }

        var root = new TomlTable(1);
        Fill(root, document.KeyValues);
        foreach (TableSyntaxBase table in document.Tables)
        {
            Fill(Open(root, table), table.Items);
        }

        return root;
    }

    private static TomlTable Open(TomlTable root, TableSyntaxBase syntax)
    {
        int line = LineOf(syntax.Name!);
        List<string> names = Names(syntax.Name!);
        TomlTable parent = Descend(root, names, line);
        string name = names[^1];
        if (syntax is not TableArraySyntax)
        {
            return Child(parent, name, line);
        }

        if (parent.Find(name) is not { } item)
        {
            item = new TomlItem(line, new List<TomlItem>());
            parent.Items.Add(new(name, item));
        }

        if (item.Value is not List<TomlItem> list)
        {
            throw new ScenarioException(line, $"'{name}' is a single thing above", "one or the other");
        }

        var table = new TomlTable(line);
        list.Add(new TomlItem(line, table));
        return table;
    }

    private static void Fill(TomlTable table, IEnumerable<KeyValueSyntax> pairs)
    {
        foreach (KeyValueSyntax pair in pairs)
        {
            int line = LineOf(pair);
            List<string> names = Names(pair.Key!);
            Descend(table, names, line).Items.Add(new(names[^1], new TomlItem(line, ValueOf(pair.Value!))));
        }
    }

    private static TomlTable Descend(TomlTable table, List<string> names, int line)
    {
        foreach (string name in names.Take(names.Count - 1))
        {
            table = Child(table, name, line);
        }

        return table;
    }

    private static TomlTable Child(TomlTable table, string name, int line)
    {
        if (table.Find(name) is not { } item)
        {
            item = new TomlItem(line, new TomlTable(line));
            table.Items.Add(new(name, item));
        }

        return item.Value switch
        {
            TomlTable child => child,
            List<TomlItem> and [.., { Value: TomlTable last }] => last,
            _ => throw new ScenarioException(line, $"'{name}' is not a table", "a name that is not taken by a value"),
        };
    }

    private static object ValueOf(ValueSyntax value) => value switch
    {
        StringValueSyntax text => text.Value ?? "",
        IntegerValueSyntax integer => integer.Value,
        FloatValueSyntax real => real.Value,
        BooleanValueSyntax boolean => boolean.Value,
        ArraySyntax array => array.Items.Select(item => new TomlItem(LineOf(item.Value!), ValueOf(item.Value!))).ToList(),
        InlineTableSyntax inline => Inline(inline),
        _ => value,
    };

    private static TomlTable Inline(InlineTableSyntax syntax)
    {
        var table = new TomlTable(LineOf(syntax));
        Fill(table, syntax.Items.Select(item => item.KeyValue!));
        return table;
    }

    private static List<string> Names(KeySyntax key) =>
        [NameOf(key.Key!), .. key.DotKeys.Select(dotted => NameOf(dotted.Key!))];

    private static string NameOf(BareKeyOrStringValueSyntax key) => key switch
    {
        BareKeySyntax bare => bare.Key!.Text!,
        StringValueSyntax text => text.Value!,
        _ => key.ToString()!,
    };

    private static int LineOf(SyntaxNodeBase node) => node.Span.Start.Line + 1;
}
