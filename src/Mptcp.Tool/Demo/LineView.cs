using System.Globalization;

namespace Mptcp.Tool.Demo;

/// <summary>Plain lines, for a file or a pipe: one a second, and one for whatever happens.</summary>
internal sealed class LineView : IDemoView
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);
    private readonly Dictionary<string, RateMeter> _rates = [];
    private TimeSpan _next;

    public void Begin(string farEnd, long size, IReadOnlyList<string> paths)
    {
        Print($"{size / 1_000_000} MB over {string.Join(" and ", paths)}");
        Print($"from our engine to {farEnd}");
    }

    public void Say(TimeSpan elapsed, string what) => Print($"{elapsed.TotalSeconds,5:F1} s  -- {what}");

    public void Show(DemoSample sample)
    {
        string paths = "";
        foreach (PathView path in sample.Paths)
        {
            if (!_rates.TryGetValue(path.Name, out RateMeter? rate))
                _rates[path.Name] = rate = new RateMeter(_interval);
            paths += string.Create(
                CultureInfo.InvariantCulture,
                $"  {path.Name} {rate.Add(sample.Elapsed, path.Delivered),5:F1} Mbit/s{(path.Cut ? " (cut)" : "")}");
        }

        if (sample.Elapsed >= _next)
        {
            _next = sample.Elapsed + _interval;
            Print($"{sample.Elapsed.TotalSeconds,5:F1} s  {100.0 * sample.Received / sample.Size,3:F0} %{paths}");
        }
    }

    public void End(DemoResult result) => ResultTable.Write(result);

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
