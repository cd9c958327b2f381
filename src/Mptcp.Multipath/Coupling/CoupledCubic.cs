using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// CUBIC that gets one part of what a TCP would, where a group has that many members: all together are as one. By itself in
/// its group it is plain CUBIC. For groups that share a bottleneck; there is no better path inside one to move traffic to, and
/// each member grows for itself (docs/decisions/0014).
/// </summary>
/// <param name="group">Its siblings and itself.</param>
/// <param name="maximumSegmentSize">The payload of a full segment, in bytes.</param>
public sealed class CoupledCubic(CouplingGroup group, int maximumSegmentSize) : ICoupledController
{
    private readonly Cubic _cubic = new(maximumSegmentSize);

    /// <inheritdoc/>
    public CouplingGroup Group { get; set; } = group;

    /// <inheritdoc/>
    public long SmoothedRoundTrip { get; private set; }

    /// <inheritdoc/>
    public long EffectiveWindow => Window;

    /// <inheritdoc/>
    public Instant LastAck { get; private set; }

    /// <inheritdoc/>
    public long Window => _cubic.Window;

    /// <inheritdoc/>
    public long SlowStartThreshold => _cubic.SlowStartThreshold;

    /// <summary>What it gets of a TCP, in parts of <see cref="Cubic.WholeShare"/>.</summary>
    public int Share => _cubic.Share;

    /// <inheritdoc/>
    public long PacingRate(long smoothedRoundTrip) => _cubic.PacingRate(smoothedRoundTrip);

    /// <inheritdoc/>
    public void HandleAck(in CongestionSample sample)
    {
        (LastAck, SmoothedRoundTrip) = (sample.Now, sample.SmoothedRoundTrip);
        Group.HandleTime(sample.Now);
        int part = Cubic.WholeShare / Math.Max(Group.CountActive, 1);
        _cubic.Share = Math.Max(Cubic.WholeShare - ((Cubic.WholeShare - part) * Group.Strength / 100), 1);
        _cubic.HandleAck(sample);
    }

    /// <inheritdoc/>
    public void HandleLoss(long inFlight) => _cubic.HandleLoss(inFlight);

    /// <inheritdoc/>
    public void HandleTimeout(long inFlight) => _cubic.HandleTimeout(inFlight);

    /// <inheritdoc/>
    public void Undo() => _cubic.Undo();

    /// <inheritdoc/>
    public void HandleIdleRestart(Instant now) => _cubic.HandleIdleRestart(now);

    /// <inheritdoc/>
    public void TakeOver(long window, long slowStartThreshold) => _cubic.TakeOver(window, slowStartThreshold);
}
