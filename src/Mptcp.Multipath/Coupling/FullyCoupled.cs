namespace Mptcp.Multipath;

/// <summary>
/// One window for all, which moves wholly to the path with the fewest losses, and back late: "COUPLED" of the papers; for the
/// laboratory.
/// </summary>
/// <param name="group">Its siblings and itself.</param>
/// <param name="maximumSegmentSize">The payload of a full segment, in bytes.</param>
public sealed class FullyCoupled(CouplingGroup group, int maximumSegmentSize) : CoupledController(group, maximumSegmentSize)
{
    /// <inheritdoc/>
    protected override int LeastSegments => 1;

    /// <inheritdoc/>
    protected override Int128 Growth(long acked) =>
        ((Int128)acked * SegmentSize << FractionBits) / Math.Max(Group.TotalWindow, EffectiveWindow);

    /// <inheritdoc/>
    protected override long AfterLoss(long inFlight) => inFlight - (Math.Max(Group.TotalWindow, EffectiveWindow) / 2);
}
