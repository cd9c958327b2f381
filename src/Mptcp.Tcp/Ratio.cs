namespace Mptcp.Tcp;

/// <summary>Products that are divided at once, exact also where the product has more than 64 bits.</summary>
public static class Ratio
{
    /// <summary><paramref name="value"/> times <paramref name="numerator"/> by <paramref name="denominator"/>, rounded down.</summary>
    /// <param name="value">Not negative.</param>
    /// <param name="numerator">Not negative.</param>
    /// <param name="denominator">Positive.</param>
    public static long Of(long value, long numerator, long denominator)
    {
        // A division of 128 bits costs more than all else that is done for a segment's pace.
        long high = Math.BigMul(value, numerator, out long low);
        return high == 0 && low >= 0 ? low / denominator : (long)((Int128)value * numerator / denominator);
    }
}
