using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// The round trip of a path without a queue of our own. The least of the last ten seconds would have a standing queue in it, and
/// a limit that follows from it would let that queue grow: once in a while the subflow is asked to let its queue run empty, and
/// what it then measures counts.
/// </summary>
internal sealed class RoundTripFloor
{
    private const long Lifetime = 10 * Instant.Second;
    private const int FewSegments = 4;

    // A path that others cannot relieve does not run empty: it is not waited for longer.
    private const int MostRoundTrips = 3;

    private Instant _at;
    private Instant _drainEnd;
    private long _candidate;
    private bool _draining;

    /// <summary>It, in nanoseconds; 0 before the first sample.</summary>
    public long RoundTrip { get; private set; }

    /// <summary>
    /// Whether the subflow is to send nothing new where another one can, until little of it is in flight; not for long, because
    /// what is in flight may be lost.
    /// </summary>
    public bool IsDraining(Instant now) => _draining && now < _drainEnd;

    /// <summary>Takes a sample of a round trip.</summary>
    public void Add(Instant now, long roundTrip, TcpConnection connection)
    {
        if (RoundTrip == 0 || roundTrip <= RoundTrip)
        {
            Set(now, roundTrip);
        }
        else if (_draining || now - _at > Lifetime)
        {
            Drain(now, roundTrip, connection);
        }
    }

    private void Drain(Instant now, long roundTrip, TcpConnection connection)
    {
        if (!_draining)
        {
            (_draining, _candidate, _drainEnd) = (true, roundTrip, now + (MostRoundTrips * connection.SmoothedRtt));
        }

        _candidate = Math.Min(_candidate, roundTrip);
        if (connection.BytesInFlight <= FewSegments * connection.SegmentSize)
        {
            Set(now, _candidate);
        }
        else if (now >= _drainEnd)
        {
            // What it measured is a queue that did not run empty, perhaps because it is others': half as long again at most.
            Set(now, Math.Min(_candidate, RoundTrip * 3 / 2));
        }
    }

    private void Set(Instant now, long roundTrip) => (RoundTrip, _at, _draining) = (roundTrip, now, false);
}
