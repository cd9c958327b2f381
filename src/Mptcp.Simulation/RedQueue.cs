namespace Mptcp.Simulation;

/// <summary>
/// Random early detection (Floyd and Jacobson 1993, in its gentle form): drops with a chance that grows with the average
/// queue. Nothing below <see cref="MinimumBytes"/>, <see cref="ChancePerMillion"/> at <see cref="MaximumBytes"/>, and from
/// there to everything at twice that.
/// </summary>
public sealed record RedQueue
{
    /// <summary>The average from which on packets are dropped, in bytes.</summary>
    public required long MinimumBytes { get; init; }

    /// <summary>The average at which the chance is <see cref="ChancePerMillion"/>, in bytes, above the minimum.</summary>
    public required long MaximumBytes { get; init; }

    /// <summary>The chance at the maximum, in a million.</summary>
    public int ChancePerMillion { get; init; } = 100_000;

    /// <summary>A packet moves the average by 2^-shift of the difference, 0 to 16.</summary>
    public int WeightShift { get; init; } = 9;

    /// <summary>Whether packets that speak ECN (RFC 3168) are marked in place of being dropped.</summary>
    public bool MarksEcn { get; init; }

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(MinimumBytes);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(MaximumBytes, MinimumBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaximumBytes, 1L << 40);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)WeightShift, 16u, nameof(WeightShift));
        PathOptions.CheckChance(ChancePerMillion, nameof(ChancePerMillion));
    }
}

/// <summary>The average and the count of one RED queue.</summary>
internal sealed class RedState(RedQueue options)
{
    private const int Million = 1_000_000;

    // The average in 1/65536 of a byte.
    private const int Fraction = 16;

    private long _average;
    private long _sinceDrop;

    internal enum Verdict
    {
        Pass,
        Early,
        Forced,
    }

    /// <summary>Judges an arrival.</summary>
    /// <param name="queued">Bytes in the queue before it.</param>
    /// <param name="idlePackets">Packets that could have left since the queue fell empty.</param>
    /// <param name="draw">A random number.</param>
    public Verdict Judge(long queued, long idlePackets, ulong draw)
    {
        if (idlePackets > 0)
        {
            _average = Decay(_average, idlePackets);
        }

        _average += ((queued << Fraction) - _average) >> options.WeightShift;
        long average = _average >> Fraction;
        if (average < options.MinimumBytes)
        {
            _sinceDrop = 0;
            return Verdict.Pass;
        }

        if (average >= 2 * options.MaximumBytes)
        {
            _sinceDrop = 0;
            return Verdict.Forced;
        }

        // The count spreads the drops evenly: uniform and not geometric gaps.
        long chance = ChanceAt(average);
        long left = Million - _sinceDrop++ * chance;
        if (left <= 0 || (long)(draw % Million) * left < chance * Million)
        {
            _sinceDrop = 0;
            return Verdict.Early;
        }

        return Verdict.Pass;
    }

    private long ChanceAt(long average) => average < options.MaximumBytes
        ? options.ChancePerMillion * (average - options.MinimumBytes) / (options.MaximumBytes - options.MinimumBytes)
        : options.ChancePerMillion + (Million - options.ChancePerMillion) * (average - options.MaximumBytes) / options.MaximumBytes;

    /// <summary>What is left after that many empty arrivals: (1 - 2^-shift)^count, by squaring in 32 bits of fraction.</summary>
    private long Decay(long average, long count)
    {
        ulong factor = (1UL << 32) - (1UL << (32 - options.WeightShift));
        ulong power = 1UL << 32;
        for (; count > 0 && power > 0; count >>= 1)
        {
            if ((count & 1) != 0)
            {
                power = (power * factor) >> 32;
            }

            factor = (factor * factor) >> 32;
        }

        return (long)((UInt128)average * power >> 32);
    }
}
