using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>
/// Paths whose subflow the peer reset for a reason that it calls transient (RFC 8684 §3.6): each is tried again a few
/// times, after a while that depends on the reason.
/// </summary>
internal sealed class JoinRetries
{
    private const int Limit = 3;
    private const int PathLimit = 16;
    private readonly List<Retry> _retries = [];

    private record struct Retry((IpAddress Local, IpEndpoint Remote) Pair, int Count, Instant At);

    public Instant NextTimeout
    {
        get
        {
            Instant next = Instant.Never;
            for (int i = 0; i < _retries.Count; i++)
            {
                next = Instant.Min(next, _retries[i].At);
            }

            return next;
        }
    }

    public void Add(Instant now, (IpAddress Local, IpEndpoint Remote) pair, MpTcpRstReason reason)
    {
        int at = _retries.FindIndex(retry => retry.Pair == pair);
        int count = at < 0 ? 0 : _retries[at].Count;
        if (count == Limit || (at < 0 && _retries.Count == PathLimit))
        {
            return;
        }

        var retry = new Retry(pair, count + 1, now + (DelayOf(reason) << count));
        if (at < 0)
        {
            _retries.Add(retry);
        }
        else
        {
            _retries[at] = retry;
        }
    }

    /// <summary>A path whose time has come.</summary>
    public bool TryTake(Instant now, out (IpAddress Local, IpEndpoint Remote) pair)
    {
        pair = default;
        int at = _retries.FindIndex(retry => retry.At <= now);
        if (at < 0)
        {
            return false;
        }

        pair = _retries[at].Pair;
        _retries[at] = _retries[at] with { At = Instant.Never };
        return true;
    }

    private static long DelayOf(MpTcpRstReason reason) => reason switch
    {
        // It comes of a queue that the reset has emptied.
        MpTcpRstReason.TooMuchOutstandingData => Instant.Second,
        MpTcpRstReason.LackOfResources => 10 * Instant.Second,
        MpTcpRstReason.UnacceptablePerformance => 30 * Instant.Second,
        _ => 5 * Instant.Second,
    };
}
