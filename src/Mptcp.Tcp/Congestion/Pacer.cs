namespace Mptcp.Tcp;

/// <summary>
/// Lets segments leave at the rate that the congestion controller says, so that acknowledgements that come in a heap do
/// not make a heap of segments that overflows a queue on the path.
/// </summary>
internal struct Pacer
{
    // What may leave at once: enough that a timer with the precision of a millisecond is no bottleneck.
    private const long Quantum = Instant.Millisecond;
    private const int LeastSegments = 2;

    // Who waits for the pace and is woken late, as on a busy machine, may catch up on this much.
    private const long CatchUp = 10 * Instant.Millisecond;

    private Instant _next;
    private bool _blocked;
    private bool _waiting;

    /// <summary>When a segment that had to wait may leave.</summary>
    public readonly Instant NextTimeout => _blocked ? _next : Instant.Never;

    /// <summary>Whether a segment may leave now; if not, <see cref="NextTimeout"/> says when.</summary>
    public bool MaySend(Instant now)
    {
        _blocked = _next > now;
        _waiting |= _blocked;
        return !_blocked;
    }

    /// <summary>Time has passed: who waited may ask again.</summary>
    public void HandleTimeout(Instant now) => _blocked &= _next > now;

    /// <summary>Bytes left.</summary>
    /// <param name="now">The time.</param>
    /// <param name="bytes">How many.</param>
    /// <param name="rate">Bytes per second; 0 for no limit.</param>
    /// <param name="segmentSize">A full segment.</param>
    public void HandleSent(Instant now, int bytes, long rate, int segmentSize)
    {
        if (rate == 0 || bytes == 0)
        {
            return;
        }

        long credit = Math.Max(_waiting ? CatchUp : Quantum, LeastSegments * segmentSize * Instant.Second / rate);
        Instant earliest = now + -credit;
        _next = _next < earliest ? earliest : _next;
        _next += bytes * Instant.Second / rate;
        _waiting &= _next <= now;
    }
}
