namespace Mptcp.Multipath;

/// <summary>EWTCP: each of n subflows takes an n-th of what a TCP would; for the laboratory.</summary>
/// <param name="group">Its siblings and itself.</param>
/// <param name="maximumSegmentSize">The payload of a full segment, in bytes.</param>
public sealed class Ewtcp(CouplingGroup group, int maximumSegmentSize) : CoupledController(group, maximumSegmentSize)
{
    /// <inheritdoc/>
    protected override Int128 Growth(long acked)
    {
        long count = Math.Max(Group.CountActive, 1);
        return UncoupledGrowth(acked) / (count * count);
    }
}
