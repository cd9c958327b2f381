using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// Whether a subflow still delivers what it is given (docs/decisions/0010). One that is silent for longer than its round
/// trip explains, while a sibling gets on, is suspect: what it holds goes on others, and it is asked by a probe of no
/// payload, soon and again, beside the retransmission timer, whose back-off stays as RFC 6298 has it.
/// </summary>
internal sealed class SilenceWatch(Subflow subflow)
{
    private const long ProbeInterval = 400 * Instant.Millisecond;
    private const long EagerTime = 60 * Instant.Second;
    private const long LongestInterval = 60 * Instant.Second;
    private const int MostDoublings = 8;
    private const long Hope = 180 * Instant.Second;

    // What the peer may wait with an acknowledgement where segments leave now and then, and what a timer may be late.
    private const int FewSegments = 3;
    private const long DelayedAck = 40 * Instant.Millisecond;
    private const long LeastPatience = 10 * Instant.Millisecond;
    private Instant _suspectSince;
    private Instant _answeredAt;
    private Instant _probeDeadline = Instant.Never;
    private long _interval;
    private bool _asked;

    // Suspicions in a row that an answer ended, and no delivery: a box may let probes through and no data.
    private int _fruitless;

    /// <summary>Whether it is not trusted with data now.</summary>
    public bool Suspect { get; private set; }

    /// <summary>When <see cref="HandleTimeout"/> has a probe to send.</summary>
    public Instant NextProbe => _probeDeadline;

    /// <summary>
    /// When its silence will be too long: SRTT + 4 RTTVAR after it last got on. Twice SRTT would be too late where queues
    /// are full. Never while nothing is on its way, and before its round trip is known.
    /// </summary>
    public Instant Deadline
    {
        get
        {
            TcpConnection connection = subflow.Connection;
            if (Suspect || connection.BytesInFlight == 0 || connection.SmoothedRtt == 0)
            {
                return Instant.Never;
            }

            long patience = connection.SmoothedRtt + Math.Max(4 * connection.RttVariation, LeastPatience);
            bool sparse = connection.BytesInFlight < Math.Max(FewSegments * connection.SegmentSize, connection.CongestionWindow / 2);
            return connection.LastProgress + patience + (sparse ? DelayedAck : 0);
        }
    }

    /// <summary>Whether it has given no answer for so long that none is expected any more.</summary>
    public bool IsGivenUp(Instant now) => Suspect && subflow.IsUsable && now - _suspectSince >= Hope;

    /// <summary>It is suspect from now on.</summary>
    public void Begin(Instant now)
    {
        (Suspect, _suspectSince, _asked) = (true, now, false);
        _fruitless = subflow.Connection.LastProgress > _answeredAt ? 0 : _fruitless;
        _interval = Math.Min(ProbeInterval << Math.Min(_fruitless, MostDoublings), LongestInterval);
        _probeDeadline = now + _interval;
    }

    /// <summary>A segment of the peer's has arrived on it: true when that ends the suspicion.</summary>
    public bool HandleArrival(Instant now)
    {
        if (!Suspect || !(_asked || subflow.Connection.LastProgress > _suspectSince))
        {
            return false;
        }

        (Suspect, _probeDeadline, _answeredAt) = (false, Instant.Never, now);
        if (_fruitless++ == 0)
        {
            subflow.Connection.HandlePathBack(now);
        }

        return true;
    }

    /// <summary>Sends the probe that is due: each 400 ms in the first minute, then each time later.</summary>
    public void HandleTimeout(Instant now)
    {
        if (_probeDeadline > now)
        {
            return;
        }

        if (!subflow.IsUsable)
        {
            // It is on its way to its end, which TCP sees to.
            _probeDeadline = Instant.Never;
            return;
        }

        _asked = true;
        subflow.Connection.RequestProbe();
        _interval = now - _suspectSince < EagerTime ? _interval : Math.Min(2 * _interval, LongestInterval);
        _probeDeadline = now + _interval;
        Instant end = _suspectSince + Hope;
        if (end > now)
        {
            _probeDeadline = Instant.Min(_probeDeadline, end);
        }
    }
}
