using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// wVegas (draft-xu-mptcp-congestion-control): each subflow keeps a few segments in its path's queue, in all as many as one
/// Vegas would, and more where the rate is greater. It gives way before there are losses.
/// </summary>
/// <param name="group">Its siblings and itself.</param>
/// <param name="maximumSegmentSize">The payload of a full segment, in bytes.</param>
public sealed class WVegas(CouplingGroup group, int maximumSegmentSize) : CoupledController(group, maximumSegmentSize)
{
    private const int TotalQueued = 10;
    private const int LeastQueued = 2;
    private const int SlowStartQueued = 1;
    private const int LeastSamples = 3;
    private long _base = long.MaxValue;
    private long _leastQueueing;
    private long _round;
    private long _sum;
    private int _samples;
    private int _wanted = LeastQueued;

    /// <inheritdoc/>
    protected override Int128 Growth(long acked) => 0;

    /// <inheritdoc/>
    protected override void Notice(in CongestionSample sample)
    {
        base.Notice(sample);
        if (sample.RoundTrip > 0)
        {
            _base = Math.Min(_base, sample.RoundTrip);
            _sum += sample.RoundTrip;
            _samples++;
        }

        if (sample.Round == _round)
        {
            return;
        }

        if (_samples >= LeastSamples && !sample.InRecovery && !sample.ApplicationLimited)
        {
            HandleRound(_sum / _samples);
        }

        (_round, _sum, _samples) = (sample.Round, 0, 0);
    }

    private void HandleRound(long roundTrip)
    {
        long segments = Math.Max(Window / SegmentSize, 1);
        long queued = Ratio.Of(segments, roundTrip - _base, roundTrip);
        if (Window < SlowStartThreshold)
        {
            if (queued > SlowStartQueued)
            {
                SetWindow(Math.Min(Window, Ratio.Of(Window, _base, roundTrip) + SegmentSize));
            }

            return;
        }

        if (queued >= _wanted)
        {
            // Its part of what all keep queued is its part of the rate.
            Int128 own = (Int128)EffectiveWindow << CouplingGroup.SumBits;
            _wanted = (int)Int128.Clamp(TotalQueued * own / Group.SentIn(SmoothedRoundTrip), LeastQueued, TotalQueued);
        }

        long window = queued > _wanted ? Window - SegmentSize : queued < _wanted ? Window + SegmentSize : Window;
        long queueing = roundTrip - _base;
        _leastQueueing = _leastQueueing == 0 ? queueing : Math.Min(_leastQueueing, queueing);
        if (queueing >= 2 * _leastQueueing && _leastQueueing > 0)
        {
            // The queue is not its own: it lets it drain, to see the path as it is.
            (window, _leastQueueing) = (Ratio.Of(window, _base, 2 * roundTrip), 0);
        }

        SetWindow(window);
    }
}
