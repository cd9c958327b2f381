using Mptcp.Lab;
using Mptcp.Simulation;
using Mptcp.Tcp;

namespace Mptcp.Bench;

/// <summary>
/// Pairs of recorded links: files NAME.down and NAME.up in the folder that MPTCP_TRACES names, a time in milliseconds a line. Data
/// goes the way down.
/// </summary>
internal static class RecordedLinks
{
    private const long Delay = 20 * Instant.Millisecond;
    private const long Queue = 375_000;
    private static readonly TimeSpan _duration = TimeSpan.FromSeconds(60);

    /// <summary>Why there are none, as a line that begins with "needs"; null when there are.</summary>
    public static string? Missing => Names.Count >= 2 ? null : "needs MPTCP_TRACES, a folder with at least two recorded links NAME.down and NAME.up";

    /// <summary>Each link with each other.</summary>
    public static IEnumerable<Scenario> Scenarios =>
        from first in Enumerable.Range(0, Names.Count)
        from second in Enumerable.Range(first + 1, Names.Count - first - 1)
        select new Scenario($"recorded-{first + 1}{second + 1}", [Open(Names[first]), Open(Names[second])], long.MaxValue)
        {
            Duration = _duration,
            About = $"{Path.GetFileName(Names[first])} + {Path.GetFileName(Names[second])}, both dark for {CommonOutage(Names[first], Names[second])} ms at most",
        };

    private static IReadOnlyList<string> Names { get; } = Environment.GetEnvironmentVariable("MPTCP_TRACES") is { } folder && Directory.Exists(folder)
        ? [.. Directory.GetFiles(folder, "*.down").Select(file => file[..^".down".Length]).Where(name => File.Exists(name + ".up")).Order(StringComparer.Ordinal)]
        : [];

    private static LabPath Open(string name) => new(Read(name + ".down"), Read(name + ".up"));

    private static PathOptions Read(string file) => new()
    {
        Trace = DeliveryTrace.Parse(File.ReadAllText(file)),
        DelayNanoseconds = Delay,
        QueueBytes = Queue,
    };

    /// <summary>The longest time within the run in which neither of two links delivers, in milliseconds.</summary>
    private static int CommonOutage(string first, string second)
    {
        int end = (int)_duration.TotalMilliseconds;
        int[] times = [.. new[] { first, second }.SelectMany(name => File.ReadLines(name + ".down")).Select(int.Parse).Where(time => time < end).Order(), end];
        return times.Zip(times.Skip(1), (one, next) => next - one).Max();
    }
}
