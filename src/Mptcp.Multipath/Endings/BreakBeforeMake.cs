using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// A connection that has lost its last subflow (RFC 8684 §3.3.3): how long it waits for a new one, and when the initiator
/// asks for one by itself.
/// </summary>
internal sealed class BreakBeforeMake
{
    private const long FirstPause = 500 * Instant.Millisecond;
    private const long LongestPause = 8 * Instant.Second;
    private Instant _deadline = Instant.Never;
    private Instant _patienceEnds = Instant.Never;
    private long? _stuckAt;
    private Instant _attempt = Instant.Never;
    private long _pause;

    /// <summary>Whether no subflow carries data.</summary>
    public bool Waiting { get; private set; }

    public Instant NextTimeout => Instant.Min(_deadline, _attempt);

    /// <summary>The last subflow is gone, or an attempt to replace it.</summary>
    /// <param name="now">The time.</param>
    /// <param name="patience">How long the connection waits, in nanoseconds.</param>
    /// <param name="tries">Whether this end opens subflows.</param>
    /// <param name="stuckAt">The first byte that the peer has not acknowledged; null where there is none.</param>
    public void Begin(Instant now, long patience, bool tries, long? stuckAt)
    {
        if (Waiting)
        {
            return;
        }

        // A path may let joins through and no data: a subflow that brought nothing on does not begin the wait anew.
        if (stuckAt is null || stuckAt != _stuckAt)
        {
            (_stuckAt, _patienceEnds) = (stuckAt, now + patience);
        }

        (Waiting, _deadline, _pause) = (true, _patienceEnds, FirstPause);
        _attempt = tries ? now + _pause : Instant.Never;
    }

    /// <summary>There is a subflow again, or no need for one.</summary>
    public void End() => (Waiting, _deadline, _attempt) = (false, Instant.Never, Instant.Never);

    public bool HasExpired(Instant now) => _deadline <= now;

    /// <summary>Whether it is time to try again; each time the next one is twice as far.</summary>
    public bool IsAttemptDue(Instant now)
    {
        if (_attempt > now)
        {
            return false;
        }

        _pause = Math.Min(2 * _pause, LongestPause);
        _attempt = now + _pause;
        return true;
    }
}
