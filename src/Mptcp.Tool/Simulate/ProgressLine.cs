using System.Diagnostics;
using System.Globalization;

namespace Mptcp.Tool.Simulate;

/// <summary>A line on the terminal that says how far a long run is; nothing in the first second, nothing in a file.</summary>
internal sealed class ProgressLine(ScenarioRun run)
{
    private const string ClearLine = "\r\u001b[K";
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1);

    private readonly long _start = Stopwatch.GetTimestamp();
    private TimeSpan _next = _patience;
    private bool _shown;

    public void Show()
    {
        TimeSpan elapsed = Stopwatch.GetElapsedTime(_start);
        if (Console.IsErrorRedirected || elapsed < _next)
            return;
        _next = elapsed + _interval;
        _shown = true;
        Console.Error.Write(string.Create(
            CultureInfo.InvariantCulture,
            $"{ClearLine}{run.Progress * 100:F0} % done, {run.Elapsed / 1e9:F1} s of virtual time in {elapsed.TotalSeconds:F0} s"));
    }

    public void Clear()
    {
        if (_shown)
            Console.Error.Write(ClearLine);
    }
}
