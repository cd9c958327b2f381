namespace Mptcp.Wire;

/// <summary>
/// Arithmetic of sequence numbers that wrap. The engine counts in 64 bits and meets 32 bits at the wire alone: a number
/// from the wire is taken to be the nearest of its many readings.
/// </summary>
public static class SequenceNumbers
{
    /// <summary>The 64-bit distance from an initial sequence number that a 32-bit number on the wire stands for.</summary>
    /// <param name="wire">The number in the segment.</param>
    /// <param name="origin">The number whose distance is 0 (ISS or IRS).</param>
    /// <param name="near">A distance close to the answer, such as that of RCV.NXT.</param>
    /// <returns>The reading nearest to <paramref name="near"/>; negative for numbers before the origin.</returns>
    public static long Unwrap(uint wire, uint origin, long near) =>
        unchecked(near + (int)(wire - origin - (uint)near));

    /// <summary>Promotes the low half of a data sequence number to 64 bits (RFC 8684 §3.3.1).</summary>
    /// <param name="low">The 32 bits of the option.</param>
    /// <param name="near">A 64-bit number close to the answer, such as the next expected one.</param>
    public static ulong Unwrap32(uint low, ulong near) =>
        unchecked(near + (ulong)(int)(low - (uint)near));

    /// <summary>How far <paramref name="a"/> is behind (negative) or ahead of <paramref name="b"/>, modulo 2^32.</summary>
    public static int Difference(uint a, uint b) => unchecked((int)(a - b));

    /// <summary>How far <paramref name="a"/> is behind (negative) or ahead of <paramref name="b"/>, modulo 2^64.</summary>
    public static long Difference(ulong a, ulong b) => unchecked((long)(a - b));

    /// <summary>Whether <paramref name="a"/> comes before <paramref name="b"/>, modulo 2^32.</summary>
    public static bool IsBefore(uint a, uint b) => Difference(a, b) < 0;

    /// <summary>Whether <paramref name="a"/> comes before <paramref name="b"/>, modulo 2^64.</summary>
    public static bool IsBefore(ulong a, ulong b) => Difference(a, b) < 0;
}
