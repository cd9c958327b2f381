using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// ECF, earliest completion first (Lim, Nahum, Towsley, Gibbens, 2017): a slower subflow waits when the faster one will have
/// sent all that there is before the slower one has delivered its part.
/// </summary>
public sealed class Ecf : IScheduler
{
    // What makes one that waits go on waiting: a quarter.
    private const long Hysteresis = 4;
    private bool _waiting;

    /// <inheritdoc/>
    public long Rank(in SubflowSample sample) => sample.SmoothedRtt;

    /// <inheritdoc/>
    public bool Rests(in SubflowSample sample, in SubflowSample best, in ConnectionSample connection)
    {
        if (best.SmoothedRtt == 0 || sample.SmoothedRtt == 0)
        {
            return false;
        }

        long margin = Math.Max(best.RttVariation, sample.RttVariation);
        long ahead = Math.Max(connection.Unscheduled, best.CongestionWindow);
        long byFaster = Ratio.Of(best.SmoothedRtt, ahead + best.CongestionWindow, best.CongestionWindow);
        long slower = sample.SmoothedRtt + margin;
        if (byFaster >= slower + (_waiting ? slower / Hysteresis : 0))
        {
            _waiting = false;
            return false;
        }

        long bySlower = Ratio.Of(
            sample.SmoothedRtt, Math.Max(connection.Unscheduled, sample.CongestionWindow), sample.CongestionWindow);
        _waiting |= bySlower >= (2 * best.SmoothedRtt) + margin;
        return bySlower >= (2 * best.SmoothedRtt) + margin;
    }
}
