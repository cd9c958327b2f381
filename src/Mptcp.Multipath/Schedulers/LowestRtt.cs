namespace Mptcp.Multipath;

/// <summary>The subflow with the lowest round-trip time first, the others with what it cannot take.</summary>
public sealed class LowestRtt : IScheduler
{
    /// <inheritdoc/>
    public long Rank(in SubflowSample sample) => sample.SmoothedRtt;

    /// <inheritdoc/>
    public bool Rests(in SubflowSample sample, in SubflowSample best, in ConnectionSample connection) => false;
}
