namespace Mptcp.Tcp.Tests.Scripts;

/// <summary>NewReno without a pace, so that a window leaves at once; it remembers what was in flight at each timeout.</summary>
internal sealed class UnpacedReno(int segment) : ICongestionController
{
    private readonly NewReno _reno = new(segment);

    public List<long> Timeouts { get; } = [];

    public long Window => _reno.Window;

    public long SlowStartThreshold => _reno.SlowStartThreshold;

    public long PacingRate(long smoothedRoundTrip) => 0;

    public void HandleAck(in CongestionSample sample) => _reno.HandleAck(sample);

    public void HandleLoss(long inFlight) => _reno.HandleLoss(inFlight);

    public void HandleTimeout(long inFlight)
    {
        Timeouts.Add(inFlight);
        _reno.HandleTimeout(inFlight);
    }

    public void Undo() => _reno.Undo();

    public void HandleIdleRestart(Instant now) => _reno.HandleIdleRestart(now);

    public void TakeOver(long window, long slowStartThreshold) => _reno.TakeOver(window, slowStartThreshold);
}
