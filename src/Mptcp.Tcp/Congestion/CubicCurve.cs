namespace Mptcp.Tcp;

/// <summary>
/// The curve W(t) = C (t - K)^3 + W_max of RFC 9438 §4.2 with C = 0.4 or a part of it, in bytes and nanoseconds. Inside, time
/// is counted in milliseconds: an error of half of one in K moves a window of a million segments by five of them.
/// </summary>
internal readonly record struct CubicCurve
{
    /// <summary>The parts that 0.4 is divided into.</summary>
    public const int Whole = 1 << 16;

    // Far from K the curve is beyond every window: 17 minutes are enough, and their cube fits 64 bits.
    private const long Farthest = 1 << 20;

    private readonly int _segmentSize;
    private readonly long _plateau;
    private readonly long _inflection;
    private readonly int _scale;

    /// <param name="segmentSize">One segment in bytes.</param>
    /// <param name="start">The window at time 0.</param>
    /// <param name="plateau">W_max; one that is not above <paramref name="start"/> gives K = 0.</param>
    /// <param name="scale">C in parts of 0.4, 1 to <see cref="Whole"/>.</param>
    public CubicCurve(int segmentSize, long start, long plateau, int scale = Whole)
    {
        _scale = scale;
        _segmentSize = segmentSize;
        _plateau = Math.Max(start, plateau);

        // K = cbrt((W_max - W) / C) seconds, hence cbrt(2.5e9 (W_max - W)) milliseconds.
        _inflection = (long)CubeRoot((UInt128)(_plateau - start) * 2_500_000_000 * Whole
            / ((UInt128)segmentSize * (UInt128)scale));
    }

    /// <summary>The window in bytes, <paramref name="elapsed"/> nanoseconds after the start.</summary>
    public long WindowAt(long elapsed)
    {
        long distance = Math.Clamp(elapsed / Instant.Millisecond - _inflection, -Farthest, Farthest);
        long growth = distance * distance * distance / 1_000_000 * _segmentSize * 4 / 10_000 * _scale / Whole;
        return Math.Max(_plateau + growth, _segmentSize);
    }

    /// <summary>The greatest integer whose cube is not above <paramref name="value"/>.</summary>
    public static ulong CubeRoot(UInt128 value)
    {
        ulong root = 0;
        UInt128 rest = value;
        for (int shift = 126; shift >= 0; shift -= 3)
        {
            root <<= 1;
            UInt128 step = ((UInt128)root * (root + 1) * 3) + 1;
            if (rest >> shift >= step)
            {
                rest -= step << shift;
                root++;
            }
        }

        return root;
    }
}
