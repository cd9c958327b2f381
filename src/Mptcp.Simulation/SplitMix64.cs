namespace Mptcp.Simulation;

/// <summary>A small generator whose every number follows from a seed and an index (Steele, Lea, Flood 2014).</summary>
internal static class SplitMix64
{
    private const ulong Gamma = 0x9E3779B97F4A7C15;

    /// <summary>The number at an index of the sequence that the seed names.</summary>
    public static ulong At(ulong seed, ulong index)
    {
        ulong z = unchecked(seed + (index + 1) * Gamma);
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EB);
        return z ^ (z >> 31);
    }
}
