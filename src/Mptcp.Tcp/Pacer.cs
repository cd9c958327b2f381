namespace Mptcp.Tcp;

/// <summary>
/// Spreads segments over the round-trip time, so that acknowledgements that come in a heap do not make a heap of segments
/// that overflows a queue on the path.
/// </summary>
internal struct Pacer
{
    // What may leave at once: enough that a timer with the precision of a millisecond is no bottleneck.
    private const long Quantum = Instant.Millisecond;
    private const int LeastSegments = 2;

    private Instant _next;
    private bool _blocked;

    /// <summary>When a segment that had to wait may leave.</summary>
    public readonly Instant NextTimeout => _blocked ? _next : Instant.Never;

    /// <summary>Whether a segment may leave now; if not, <see cref="NextTimeout"/> says when.</summary>
    public bool MaySend(Instant now)
    {
        _blocked = _next > now;
        return !_blocked;
    }

    /// <summary>Time has passed: who waited may ask again.</summary>
    public void HandleTimeout(Instant now) => _blocked &= _next > now;

    /// <summary>Bytes left: 1.25 windows per round trip, and 2 in slow start, so that pacing never limits growth.</summary>
    public void HandleSent(Instant now, int bytes, long window, long roundTrip, int segmentSize, bool slowStart)
    {
        if (roundTrip == 0 || bytes == 0)
        {
            return;
        }

        long perRoundTrip = slowStart ? window * 2 : window * 5 / 4;
        long credit = Math.Max(Quantum, (long)((Int128)LeastSegments * segmentSize * roundTrip / perRoundTrip));
        Instant earliest = now + -credit;
        _next = _next < earliest ? earliest : _next;
        _next += (long)((Int128)bytes * roundTrip / perRoundTrip);
    }
}
