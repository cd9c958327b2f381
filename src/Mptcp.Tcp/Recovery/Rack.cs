namespace Mptcp.Tcp;

/// <summary>
/// RACK (RFC 8985 §6): a range is lost when one that was sent after it has arrived, and the time in which the path may
/// put them out of order has passed. "After" is the order of transmissions here, which time stamps cannot confuse.
/// </summary>
internal struct Rack()
{
    private const int DuplicateThreshold = 3;
    private const int Persistence = 16;
    private const int WindowDivisor = 4;

    private long _forwardAck;
    private long _forwardAckBefore;
    private long _duplicateRound = -1;
    private int _multiplier = 1;
    private int _recoveriesLeft;

    /// <summary>The order of the last transmission that is known to have arrived; -1 before any.</summary>
    public long Order { get; private set; } = -1;

    /// <summary>Its round trip in nanoseconds.</summary>
    public long RoundTrip { get; private set; }

    /// <summary>Whether the path has put segments out of order.</summary>
    public bool ReorderingSeen { get; set; }

    /// <summary>
    /// An acknowledgement begins. What it brings together, by its number and its blocks, has no order among itself: it is
    /// compared with what had arrived before.
    /// </summary>
    public void BeginAck() => _forwardAckBefore = _forwardAck;

    /// <summary>A range has arrived. <paramref name="echo"/>: our clock in milliseconds as the peer echoes it.</summary>
    public void HandleDelivered(Instant now, in SentRange range, uint? echo, long minimumRoundTrip)
    {
        bool repeated = range.Transmissions > 1;
        ReorderingSeen |= range.End < _forwardAckBefore && !repeated;
        _forwardAck = Math.Max(_forwardAck, range.End);

        // Of a range that was sent twice, the first transmission may be what arrived.
        long roundTrip = now - range.SentAt;
        bool ambiguous = repeated && (SpuriousRecovery.IsBefore(echo, range.SentAt) || roundTrip < minimumRoundTrip);
        if (!ambiguous)
        {
            RoundTrip = roundTrip;
            Order = Math.Max(Order, range.Order);
        }
    }

    /// <summary>The peer got something twice: what was repeated may only have been late.</summary>
    public void HandleDuplicate(long una, long next)
    {
        if (una >= _duplicateRound)
        {
            (_duplicateRound, _recoveriesLeft) = (next, Persistence);
            _multiplier++;
        }
    }

    /// <summary>A recovery is over.</summary>
    public void HandleRecovered()
    {
        if (_recoveriesLeft > 0 && --_recoveriesLeft == 0)
        {
            _multiplier = 1;
        }
    }

    /// <summary>How long a range may be out of order, in nanoseconds.</summary>
    public readonly long ReorderingWindow(bool recovering, int sackedRanges, long minimumRoundTrip, long smoothedRoundTrip)
    {
        bool certain = !ReorderingSeen && (recovering || sackedRanges >= DuplicateThreshold);
        return certain ? 0 : Math.Min(_multiplier * minimumRoundTrip / WindowDivisor, smoothedRoundTrip);
    }
}
