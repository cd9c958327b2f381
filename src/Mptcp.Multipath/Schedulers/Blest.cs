using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// BLEST, blocking estimation (Ferlin, Alay, Mehani, Boreli, 2016): the lowest round trip first, and a slower subflow only
/// where what the faster one can send meanwhile fits the peer's window beside it.
/// </summary>
public sealed class Blest : IScheduler
{
    // Its correction, in thousandths.
    private const long First = 1200;
    private const long Least = 1000;
    private const long Most = 1300;
    private const long Down = 10;
    private const long Up = 40;
    private long _correction = First;
    private long _reinjected;
    private Instant _adapted;

    /// <inheritdoc/>
    public long Rank(in SubflowSample sample) => sample.SmoothedRtt;

    /// <inheritdoc/>
    public bool Rests(in SubflowSample sample, in SubflowSample best, in ConnectionSample connection)
    {
        if (best.SmoothedRtt == 0 || sample.SmoothedRtt == 0 || sample.SegmentSize == 0)
        {
            return false;
        }

        Adapt(sample, connection);
        long queueing = Ratio.Of(sample.SmoothedRtt - sample.MinimumRtt, sample.BytesInFlight, sample.CongestionWindow);
        long rounds = ((sample.MinimumRtt + queueing) / best.SmoothedRtt) + 1;
        long meanwhile = (best.CongestionWindow + (best.SegmentSize * (rounds - 1) / 2)) * rounds;
        return Ratio.Of(meanwhile, _correction, 1000) > connection.Window - sample.BytesInFlight - sample.SegmentSize;
    }

    /// <summary>Once in a round trip of the slower subflow: what was reinjected says that the window was too tight.</summary>
    private void Adapt(in SubflowSample slower, in ConnectionSample connection)
    {
        if (connection.Now - _adapted >= slower.SmoothedRtt)
        {
            _correction += connection.Reinjected > _reinjected ? Up : -Down;
            _correction = Math.Clamp(_correction, Least, Most);
            (_adapted, _reinjected) = (connection.Now, connection.Reinjected);
        }
    }
}
