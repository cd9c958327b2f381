namespace Mptcp.Tcp;

/// <summary>
/// Finds out that nothing was lost after all: by the time stamp that the peer echoes (Eifel, RFC 3522), or by the
/// duplicates that it reports for all that was repeated (RFC 3708). What is done then is RFC 4015's response.
/// </summary>
internal struct SpuriousRecovery
{
    private Instant _firstRepeat;
    private long _low;
    private long _high;
    private long _provenBelow;
    private int _unproven;
    private bool _armed;
    private bool _byTimeout;

    /// <summary>Whether our clock as the peer echoes it is before a point in time, in its milliseconds.</summary>
    public static bool IsBefore(uint? echo, Instant at) =>
        echo is { } value && unchecked((int)(value - (uint)(at.Nanoseconds / Instant.Millisecond))) < 0;

    /// <summary>A recovery begins.</summary>
    public void Begin(bool byTimeout)
    {
        this = default;
        (_armed, _byTimeout, _low, _firstRepeat) = (true, byTimeout, long.MaxValue, Instant.Never);
    }

    /// <summary>Nothing can be taken back any more.</summary>
    public void Disarm() => _armed = false;

    /// <summary>Whether a range lies among those that the last recovery repeated.</summary>
    public readonly bool Covers(long left, long right) => left >= _low && right <= _high;

    /// <summary>A range was repeated.</summary>
    public void HandleRepeated(Instant now, in SentRange range)
    {
        _firstRepeat = Instant.Min(_firstRepeat, now);
        _low = Math.Min(_low, range.Start);
        _high = Math.Max(_high, range.End);
        _unproven++;
    }

    /// <summary>
    /// The acknowledgement number passed ranges of which <paramref name="repeated"/> had been repeated. True when the
    /// recovery was spurious.
    /// </summary>
    public bool HandleAcknowledged(long una, int repeated, uint? echo)
    {
        if (!_armed || repeated == 0 || _firstRepeat == Instant.Never || !IsBefore(echo, _firstRepeat))
        {
            return false;
        }

        _provenBelow = una;
        _unproven -= repeated;
        return _byTimeout || _unproven <= 0;
    }

    /// <summary>The peer got a range twice. True when by this the recovery was spurious.</summary>
    public bool HandleDuplicate(long left, long right)
    {
        bool counts = _armed && _unproven > 0 && left >= Math.Max(_low, _provenBelow) && right <= _high;
        return counts && --_unproven == 0;
    }
}
