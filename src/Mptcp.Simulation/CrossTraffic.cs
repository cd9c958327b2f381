using Mptcp.Tcp;

namespace Mptcp.Simulation;

/// <summary>
/// Packets of others that take room in a path's queue and time on its line, and that nobody sees at its end: bursts of a constant
/// rate, each from nothing to twice the mean in length, and so the pauses between them, each duration equally likely.
/// </summary>
/// <param name="BitsPerSecond">The rate in a burst, in bits of IP packets per second, above 0.</param>
/// <param name="MeanBurstNanoseconds">How long a burst is in the mean, above 0.</param>
/// <param name="MeanPauseNanoseconds">How long a pause is in the mean, not negative.</param>
public sealed record CrossTraffic(long BitsPerSecond, long MeanBurstNanoseconds, long MeanPauseNanoseconds)
{
    /// <summary>The bytes of each packet.</summary>
    public const int PacketBytes = 1500;

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(BitsPerSecond);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MeanBurstNanoseconds);
        ArgumentOutOfRangeException.ThrowIfNegative(MeanPauseNanoseconds);
    }

    internal long PacketNanoseconds => Math.Max(1, PacketBytes * 8 * Instant.Second / BitsPerSecond);
}

/// <summary>Where the packets of others stand.</summary>
internal sealed class CrossTrafficSource(CrossTraffic options, ulong seed, Instant start)
{
    private ulong _drawn;
    private Instant _burstEnd = start;

    /// <summary>When the next packet comes.</summary>
    public Instant Next { get; private set; } = start;

    /// <summary>Goes on to the one after it.</summary>
    public void Advance()
    {
        Next += options.PacketNanoseconds;
        while (Next >= _burstEnd)
        {
            Instant begin = _burstEnd + Draw(options.MeanPauseNanoseconds);
            Next = Next < begin ? begin : Next;
            _burstEnd = Next + Draw(options.MeanBurstNanoseconds);
        }
    }

    private long Draw(long mean) => (long)(SplitMix64.At(seed, _drawn++) % (ulong)((2 * mean) + 1));
}
