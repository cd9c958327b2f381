using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Mptcp.Tool.Demo;

/// <summary>A picture that is drawn over itself: a bar of the rate per path, and the progress of the whole.</summary>
internal sealed class LiveView : IDemoView
{
    private const int BarWidth = 40;
    private const double FullBar = 50;
    private static readonly TimeSpan _window = TimeSpan.FromMilliseconds(600);
    private static readonly Color[] _colors = [Color.DeepSkyBlue1, Color.Orange1];
    private readonly Dictionary<string, RateMeter> _rates = [];
    private readonly List<string> _said = [];
    private int _lines;

    public void Begin(string farEnd, long size, IReadOnlyList<string> paths)
    {
        AnsiConsole.MarkupLineInterpolated($"[bold]{size / 1_000_000} MB[/] over [bold]{string.Join(" and ", paths)}[/]");
        AnsiConsole.MarkupLineInterpolated($"from our engine to [bold]{farEnd}[/]");
        AnsiConsole.WriteLine();
    }

    public void Say(TimeSpan elapsed, string what) => _said.Add(Text($"{elapsed.TotalSeconds,5:F1} s  {what}"));

    public void Show(DemoSample sample)
    {
        List<IRenderable> rows = [.. sample.Paths.Select((path, i) => Bar(sample.Elapsed, path, _colors[i % _colors.Length]))];
        int done = (int)(BarWidth * sample.Received / sample.Size);
        rows.Add(new Markup(Text($"{"file",-6} [green]{new string('━', done)}[/][grey]{new string('━', BarWidth - done)}[/] ")
            + Text($"{sample.Received / 1e6,5:F1} of {sample.Size / 1e6:F0} MB, {sample.Elapsed.TotalSeconds:F1} s")));
        rows.AddRange(_said.Select(line => new Markup($"[yellow]{Markup.Escape(line)}[/]")));

        // Drawn in place by hand: the library's live display owns the thread, and the tour has one of its own.
        if (_lines > 0)
            AnsiConsole.Cursor.MoveUp(_lines);
        foreach (IRenderable row in rows)
        {
            AnsiConsole.Write(row);
            AnsiConsole.Write(new ControlCode("\u001b[K\n"));
        }

        _lines = rows.Count;
    }

    public void End(DemoResult result)
    {
        AnsiConsole.WriteLine();
        ResultTable.Write(result);
    }

    private Markup Bar(TimeSpan elapsed, PathView path, Color color)
    {
        if (!_rates.TryGetValue(path.Name, out RateMeter? meter))
            _rates[path.Name] = meter = new RateMeter(_window);
        double rate = meter.Add(elapsed, path.Delivered);
        int length = (int)Math.Clamp(BarWidth * rate / FullBar, 0, BarWidth);
        string state = path.Cut ? "[red]cut[/]" : Text($"{rate,5:F1} Mbit/s");
        return new Markup(Text($"{path.Name,-6} [{color.ToMarkup()}]{new string('█', length)}[/]{new string(' ', BarWidth - length)} {state}"));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
