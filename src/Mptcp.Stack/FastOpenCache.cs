using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Stack;

/// <summary>
/// What a client remembers of its peers for Fast Open (RFC 7413 §4.1.3): the last cookie and MSS of each pair of
/// addresses, and the peers' ports where it failed, which are left alone for a minute and twice as long each further time.
/// </summary>
internal sealed class FastOpenCache
{
    private const int Limit = 1024;
    private const long FirstPause = 60 * Instant.Second;
    private const int Doublings = 10;
    private readonly Dictionary<(IpAddress Local, IpAddress Remote), Known> _known = [];
    private readonly Dictionary<(IpAddress Local, IpEndpoint Remote), Pause> _pauses = [];

    private readonly record struct Known(FastOpenCookie Cookie, int SegmentSize, Instant At);

    private readonly record struct Pause(int Failures, Instant Until);

    /// <summary>What a new connection is told; null where Fast Open has failed lately.</summary>
    public TcpFastOpen? Find(Instant now, IpAddress local, IpEndpoint remote)
    {
        if (_pauses.TryGetValue((local, remote), out Pause pause) && now < pause.Until)
        {
            return null;
        }

        return _known.TryGetValue((local, remote.Address), out Known known)
            ? new TcpFastOpen { Cookie = known.Cookie, PeerSegmentSize = known.SegmentSize }
            : new TcpFastOpen { Cookie = default(FastOpenCookie) };
    }

    /// <summary>The attempt of a connection that was told <paramref name="told"/> is over.</summary>
    /// <param name="now">The time.</param>
    /// <param name="local">Our address.</param>
    /// <param name="remote">The peer.</param>
    /// <param name="told">What it was told.</param>
    /// <param name="outcome">What it learnt.</param>
    /// <param name="reason">Why it closed; <see cref="TcpCloseReason.None"/> when it is established.</param>
    public void Learn(
        Instant now, IpAddress local, IpEndpoint remote, TcpFastOpen told, in FastOpenOutcome outcome, TcpCloseReason reason)
    {
        FastOpenCookie sent = told.Cookie.GetValueOrDefault();
        if (!sent.IsEmpty && outcome.DataSent == 0)
        {
            // The cookie was not used.
            return;
        }

        if (outcome.Cookie is { } cookie)
        {
            Remember((local, remote.Address), new Known(cookie, outcome.PeerSegmentSize, now));
            _pauses.Remove((local, remote));
        }
        else if (outcome.DataTaken > 0)
        {
            Remember((local, remote.Address), new Known(sent, outcome.PeerSegmentSize, now));
            _pauses.Remove((local, remote));
        }
        else if (outcome.Repeated || reason is TcpCloseReason.TimedOut or TcpCloseReason.Unreachable)
        {
            // Perhaps a box on the path drops SYNs with data or with the option (RFC 7413 §4.1.3.1).
            Leave(now, local, remote);
        }
        else if (outcome.DataSent > 0 && reason == TcpCloseReason.None)
        {
            _known.Remove((local, remote.Address));
            Leave(now, local, remote);
        }
    }

    private void Leave(Instant now, IpAddress local, IpEndpoint remote)
    {
        int failures = _pauses.TryGetValue((local, remote), out Pause pause) ? pause.Failures : 0;
        if (_pauses.Count >= Limit && failures == 0)
        {
            RemoveOldest(_pauses, entry => entry.Until);
        }

        Instant until = now + (FirstPause << Math.Min(failures, Doublings));
        _pauses[(local, remote)] = new Pause(failures + 1, until);
    }

    private void Remember((IpAddress Local, IpAddress Remote) pair, in Known known)
    {
        if (_known.Count >= Limit && !_known.ContainsKey(pair))
        {
            RemoveOldest(_known, entry => entry.At);
        }

        _known[pair] = known;
    }

    private static void RemoveOldest<TKey, TValue>(Dictionary<TKey, TValue> entries, Func<TValue, Instant> at)
        where TKey : notnull
    {
        TKey? oldest = default;
        Instant earliest = Instant.Never;
        foreach ((TKey key, TValue value) in entries)
        {
            if (at(value) < earliest)
            {
                (oldest, earliest) = (key, at(value));
            }
        }

        if (earliest < Instant.Never)
        {
            entries.Remove(oldest!);
        }
    }
}
