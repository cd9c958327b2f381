namespace Mptcp.Tcp;

/// <summary>The controllers that come with the engine, each made for a segment size in bytes.</summary>
public static class CongestionControllers
{
    /// <summary>CUBIC with HyStart++ (RFC 9438, RFC 9406).</summary>
    public static ICongestionController Cubic(int maximumSegmentSize) => new Cubic(maximumSegmentSize);

    /// <summary>BBR, by the rate and the round trip of the path: for paths that lose packets without being full.</summary>
    public static ICongestionController Bbr(int maximumSegmentSize) => new Bbr(maximumSegmentSize);

    /// <summary>Slow start and congestion avoidance of RFC 5681.</summary>
    public static ICongestionController NewReno(int maximumSegmentSize) => new NewReno(maximumSegmentSize);

    /// <summary>The window a connection begins with (RFC 6928).</summary>
    public static long InitialWindow(int maximumSegmentSize) =>
        Math.Min(10L * maximumSegmentSize, Math.Max(2L * maximumSegmentSize, 14_600));

    /// <summary>The rate that spreads <paramref name="percent"/> of a window over a round trip.</summary>
    public static long Pace(long window, long roundTrip, int percent) =>
        roundTrip == 0 ? 0 : Ratio.Of(window * percent, Instant.Second, 100 * roundTrip) + 1;
}
