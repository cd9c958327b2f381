namespace Mptcp.Multipath;

/// <summary>
/// Every byte on every subflow, as far as the peer has not acknowledged it meanwhile: the first copy counts. For little
/// data that must not wait for a loss.
/// </summary>
public sealed class Redundant : IScheduler
{
    /// <inheritdoc/>
    public bool Duplicates => true;

    /// <inheritdoc/>
    public long Rank(in SubflowSample sample) => sample.SmoothedRtt;

    /// <inheritdoc/>
    public bool Rests(in SubflowSample sample, in SubflowSample best, in ConnectionSample connection) => false;
}
