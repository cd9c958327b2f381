using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>The schedulers by the names that people give them.</summary>
public static class SchedulerCatalog
{
    /// <summary>What is expected where a name is not known, for messages.</summary>
    public const string Expected =
        "default, lowest-rtt, round-robin (or round-robin:3,1 with a weight for each path), redundant, blest, ecf, backup-only "
        + "or latency:50 (milliseconds)";

    private const int GreatestWeight = 1000;
    private const int GreatestLatency = 60_000;

    /// <summary>The default.</summary>
    public static IScheduler Default() => new EarliestDelivery();

    /// <summary>Finds the one that a text means: what makes it for a connection.</summary>
    public static bool TryFind(string text, [NotNullWhen(true)] out Func<IScheduler>? make)
    {
        string[] parts = text.Split(':', 2);
        make = parts switch
        {
            ["default"] => Default,
            ["lowest-rtt"] => static () => new LowestRtt(),
            ["round-robin"] => static () => new WeightedRoundRobin(),
            ["round-robin", string weights] => WithWeights(weights),
            ["redundant"] => static () => new Redundant(),
            ["blest"] => static () => new Blest(),
            ["ecf"] => static () => new Ecf(),
            ["backup-only"] => static () => new BackupOnly(),
            ["latency", string limit] when TryNumber(limit, GreatestLatency, out int milliseconds) =>
                () => new LatencyCapped(milliseconds * Instant.Millisecond),
            _ => null,
        };
        return make is not null;
    }

    private static Func<IScheduler>? WithWeights(string text)
    {
        string[] parts = text.Split(',');
        int[] weights = new int[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!TryNumber(parts[i], GreatestWeight, out weights[i]))
            {
                return null;
            }
        }

        return () => new WeightedRoundRobin(weights);
    }

    private static bool TryNumber(string text, int greatest, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= 1 && number <= greatest;
}
