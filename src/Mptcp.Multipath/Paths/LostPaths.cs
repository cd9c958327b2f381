using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>
/// Paths whose subflow ended otherwise than in order: why, and when each is tried again (docs/decisions/0012). The pause
/// doubles with each failure, to a minute; a subflow that lived for a while begins it anew.
/// </summary>
internal sealed class LostPaths
{
    // What a path manager asks for is bounded; what is forgotten here can be asked for again.
    private const int Limit = 64;
    private const int TransientResets = 3;

    // About an hour at the longest pause.
    private const int Recreations = 64;
    private const int MostDoublings = 12;
    private const long LongestPause = 60 * Instant.Second;

    // A subflow that lived for so long was not lost for the reason of the one before it.
    private const long LongLife = 10 * Instant.Second;
    private readonly List<LostPath> _paths = [];

    /// <summary>All of them, for people.</summary>
    public IReadOnlyList<LostPath> All => _paths;

    public Instant NextTimeout
    {
        get
        {
            Instant next = Instant.Never;
            for (int i = 0; i < _paths.Count; i++)
            {
                next = Instant.Min(next, _paths[i].NextTry);
            }

            return next;
        }
    }

    /// <summary>A subflow of ours has ended.</summary>
    /// <param name="now">The time.</param>
    /// <param name="end">What is to be known of it.</param>
    /// <param name="recreates">Whether lost subflows are opened again.</param>
    /// <returns>Whether this one will be.</returns>
    public bool Add(Instant now, in PathEnd end, bool recreates)
    {
        PathPair pair = end.Pair;
        int at = _paths.FindIndex(path => path.Pair == pair);
        int failures = at < 0 || (end.JoinedAt is { } joined && now - joined >= LongLife) ? 0 : _paths[at].Failures;
        bool proven = end.JoinedAt is not null || (at >= 0 && _paths[at].Proven);

        // A join that failed is not repeated by ourselves (RFC 8684 §3.4.1, §3.9.3), unless the peer says that it may be.
        int limit = proven ? Recreations : end.Reset is { Transient: true } ? TransientResets : 0;
        long pause = PauseAfter(end);
        bool again = recreates && failures < limit && pause > 0;
        var path = new LostPath(pair, end.RemoteId, end.Code, end.Detail)
        {
            Proven = proven,
            Failures = failures + 1,
            NextTry = again ? now + Math.Min(pause << Math.Min(failures, MostDoublings), LongestPause) : Instant.Never,
        };
        if (at >= 0)
        {
            _paths[at] = path;
            return again;
        }

        if (_paths.Count == Limit)
        {
            _paths.RemoveAt(0);
        }

        _paths.Add(path);
        return again;
    }

    /// <summary>How many will be tried again, from one address of ours or in all.</summary>
    public int CountAwaited(IpAddress? from)
    {
        int count = 0;
        for (int i = 0; i < _paths.Count; i++)
        {
            count += _paths[i].NextTry < Instant.Never && (from is null || _paths[i].Pair.Local == from) ? 1 : 0;
        }

        return count;
    }

    /// <summary>A path whose time has come. Its failures stay known.</summary>
    public bool TryTake(Instant now, out LostPath path)
    {
        int at = _paths.FindIndex(lost => lost.NextTry <= now);
        path = at < 0 ? default : _paths[at];
        if (at >= 0)
        {
            _paths[at] = path with { NextTry = Instant.Never };
        }

        return at >= 0;
    }

    /// <summary>What was lost from an address of ours is of no interest any more.</summary>
    public void ForgetFrom(IpAddress address) => _paths.RemoveAll(path => path.Pair.Local == address);

    /// <summary>What was lost to an address of the peer is of no interest any more.</summary>
    public void ForgetTo(IpEndpoint remote) => _paths.RemoveAll(path => path.Pair.Remote == remote);

    /// <summary>The pause before the first attempt, in nanoseconds; 0 where there is none.</summary>
    private static long PauseAfter(in PathEnd end) => end switch
    {
        // RFC 8684 §3.6: the peer says that it will pass, and of what it comes.
        { Reset: { Transient: true } reset } => reset.Reason switch
        {
            // It comes of a queue that the reset has emptied.
            MpTcpRstReason.TooMuchOutstandingData => Instant.Second,
            MpTcpRstReason.LackOfResources => 10 * Instant.Second,
            MpTcpRstReason.UnacceptablePerformance => 30 * Instant.Second,
            _ => 5 * Instant.Second,
        },

        // "Unspecified" without T is what Linux says when somebody has killed the subflow: tried again against the SHOULD
        // NOT of §3.6 (docs/decisions/0012). Any other reason stands.
        { Reset: { Reason: not MpTcpRstReason.Unspecified } } => 0,
        { Code: ConnectionEventCode.ResetByPeer or ConnectionEventCode.Refused or ConnectionEventCode.StayedSilent } =>
            200 * Instant.Millisecond,
        { Code: ConnectionEventCode.NoAnswer or ConnectionEventCode.Unreachable } => 5 * Instant.Second,
        _ => 0,
    };
}

/// <summary>How a subflow of ours has ended.</summary>
internal readonly record struct PathEnd(PathPair Pair, byte RemoteId, ConnectionEventCode Code, string Detail)
{
    /// <summary>What the peer's RST said.</summary>
    public MpTcpRstOption? Reset { get; init; }

    /// <summary>When it had joined; null for one that had not.</summary>
    public Instant? JoinedAt { get; init; }
}

/// <summary>A path that had a subflow of ours, or was to have one.</summary>
internal readonly record struct LostPath(PathPair Pair, byte RemoteId, ConnectionEventCode Code, string Detail)
{
    /// <summary>Whether a subflow has ever joined there.</summary>
    public bool Proven { get; init; }

    /// <summary>How often in a row it failed.</summary>
    public int Failures { get; init; }

    /// <summary>When it is tried again.</summary>
    public Instant NextTry { get; init; } = Instant.Never;
}
