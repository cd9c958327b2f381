namespace Mptcp.Multipath;

/// <summary>One subflow carries everything, the oldest that works; the others are there for the day when it fails.</summary>
public sealed class BackupOnly : IScheduler
{
    /// <inheritdoc/>
    public long Rank(in SubflowSample sample) => sample.Number;

    /// <inheritdoc/>
    public bool Rests(in SubflowSample sample, in SubflowSample best, in ConnectionSample connection) => true;
}
