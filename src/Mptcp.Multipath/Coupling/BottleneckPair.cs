using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// Whether two subflows share a bottleneck. In one queue both see the same steps of delay at the same time; in two they do not,
/// however alike the links are (docs/decisions/0014).
/// </summary>
/// <param name="one">The round trips of one.</param>
/// <param name="other">Those of the other.</param>
public sealed class BottleneckPair(DelayTrace one, DelayTrace other)
{
    /// <summary>An agreement from here on, in percent, speaks for one queue.</summary>
    public const int Joins = 44;

    /// <summary>One below speaks for two. Independent queues have 10 to 40.</summary>
    public const int Splits = 30;

    // So many judgements in a row are believed.
    private const int Patience = 3;

    // Fewer steps, or smaller ones, say nothing of queues.
    private const int LeastSteps = 40;
    private const long LeastStep = Instant.Millisecond / 2;

    private int _against;

    /// <summary>Whether they share one.</summary>
    public bool IsShared { get; private set; }

    /// <summary>By how much their steps of delay agree, 0 to 100 percent; null while there is too little to see.</summary>
    public int? Agreement { get; private set; }

    /// <summary>Judges anew, by the ten seconds before; to be called once a second.</summary>
    /// <returns>Whether <see cref="IsShared"/> has changed.</returns>
    public bool Judge(Instant now)
    {
        Agreement = Compare(now.Nanoseconds / DelayTrace.BinWidth);
        bool speaksAgainst = Agreement is { } agreement && (IsShared ? agreement < Splits : agreement >= Joins);
        _against = speaksAgainst ? _against + 1 : Agreement is null ? _against : 0;
        if (_against < Patience)
        {
            return false;
        }

        (IsShared, _against) = (!IsShared, 0);
        return true;
    }

    private int? Compare(long end)
    {
        Span<long> first = stackalloc long[DelayTrace.Bins];
        Span<long> second = stackalloc long[DelayTrace.Bins];
        int count = 0;
        for (long bin = end - DelayTrace.Bins; bin < end; bin++)
        {
            if (one.StepAt(bin) is { } step && other.StepAt(bin) is { } itsStep)
            {
                (first[count], second[count++]) = (step, itsStep);
            }
        }

        if (count < LeastSteps)
        {
            return null;
        }

        // Queues that fill at the same even pace are alike in that and nothing else: what departs from it counts.
        (long usual, long itsUsual) = (Median(first[..count]), Median(second[..count]));
        (long apart, long sum) = (0, 0);
        for (int i = 0; i < count; i++)
        {
            (long departure, long itsDeparture) = (first[i] - usual, second[i] - itsUsual);
            apart += Math.Abs(departure - itsDeparture);
            sum += Math.Abs(departure) + Math.Abs(itsDeparture);
        }

        return sum < count * LeastStep ? null : (int)(100 - (100 * apart / sum));
    }

    private static long Median(ReadOnlySpan<long> values)
    {
        Span<long> sorted = stackalloc long[DelayTrace.Bins];
        values.CopyTo(sorted);
        sorted = sorted[..values.Length];
        sorted.Sort();
        return sorted[values.Length / 2];
    }
}
