namespace Mptcp.Multipath;

/// <summary>Bytes that were acknowledged between losses: a better witness of their rate than a window is.</summary>
internal sealed class LossIntervals
{
    private long _since;
    private long _between;
    private bool _lost;

    /// <summary>The greater of the bytes between the last two losses and since the last; 0 before the first.</summary>
    public long Longest => _lost ? Math.Max(Math.Max(_since, _between), 1) : 0;

    /// <summary>The same, of the whole time before the first loss as well; 1 at least.</summary>
    public long LongestOfAll => Math.Max(Math.Max(_since, _between), 1);

    /// <summary>Reno's window at this rate of losses, sqrt(2 / p) segments for a loss in 1/p of them, in bytes.</summary>
    public long WindowOf(int segmentSize)
    {
        // The root, bit by bit.
        UInt128 square = (UInt128)(2L * segmentSize) * (ulong)Longest;
        UInt128 root = 0;
        for (int bit = 63; bit >= 0; bit--)
        {
            UInt128 candidate = root | (UInt128.One << bit);
            root = candidate * candidate <= square ? candidate : root;
        }

        return Math.Max((long)root, segmentSize);
    }

    public void HandleAck(long acked) => _since += acked;

    public void HandleLoss() => (_between, _since, _lost) = (_since, 0, true);
}
