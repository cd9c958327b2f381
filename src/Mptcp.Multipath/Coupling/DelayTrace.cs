using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// The round trips of one subflow over the last ten seconds, as means of tenths of a second. Their steps from one to the next
/// show its queues rise and fall, whatever the length of the way.
/// </summary>
public sealed class DelayTrace
{
    /// <summary>The length of a bin in nanoseconds.</summary>
    public const long BinWidth = 100 * Instant.Millisecond;

    /// <summary>How many are kept.</summary>
    public const int Bins = 100;

    private readonly long[] _sums = new long[Bins];
    private readonly int[] _counts = new int[Bins];
    private long _newest = -1;

    /// <summary>Takes a round trip in nanoseconds, measured at <paramref name="now"/>.</summary>
    public void Add(Instant now, long roundTrip)
    {
        // Half a round trip ago it stood in the queue, more or less: so that of two ways of different lengths the same moments
        // are compared.
        long bin = Math.Max(now.Nanoseconds - (roundTrip / 2), 0) / BinWidth;
        if (bin <= _newest - Bins)
        {
            return;
        }

        for (long empty = Math.Max(_newest + 1, bin - Bins + 1); empty <= bin; empty++)
        {
            (_sums[empty % Bins], _counts[empty % Bins]) = (0, 0);
        }

        _newest = Math.Max(_newest, bin);
        _sums[bin % Bins] += roundTrip;
        _counts[bin % Bins]++;
    }

    /// <summary>
    /// By how much the mean of a bin is above that of the one before, in nanoseconds; null where one of them has no sample.
    /// </summary>
    /// <param name="bin">Its number: its time by <see cref="BinWidth"/>.</param>
    public long? StepAt(long bin) => Mean(bin) - Mean(bin - 1);

    private long? Mean(long bin) => bin < 0 || bin > _newest || bin <= _newest - Bins || _counts[bin % Bins] == 0
        ? null
        : _sums[bin % Bins] / _counts[bin % Bins];
}
