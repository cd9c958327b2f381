using Mptcp.Tcp;

namespace Mptcp.Stack;

/// <summary>
/// PendingFastOpenRequests of a listener (RFC 7413 §4.2, §5.1): connections that were opened by a cookie alone. One that
/// ends before its handshake is done counts for a while longer, so that resets do not fuel a flood.
/// </summary>
internal sealed class FastOpenRequests(int limit)
{
    private const long Penalty = 60 * Instant.Second;
    private readonly Queue<Instant> _failed = new();

    /// <summary>How many there may be; 0 takes none.</summary>
    public int Limit { get; set; } = limit;

    /// <summary>Connections in SYN-RECEIVED.</summary>
    public int Pending { get; private set; }

    /// <summary>Whether the listener takes Fast Open at all.</summary>
    public bool Enabled => Limit > 0;

    /// <summary>Whether another request may be taken.</summary>
    public bool HasRoom(Instant now)
    {
        while (_failed.TryPeek(out Instant at) && now - at >= Penalty)
        {
            _failed.Dequeue();
        }

        return Pending + _failed.Count < Limit;
    }

    public void Begin() => Pending++;

    public void End(Instant now, bool failed)
    {
        Pending--;
        if (failed)
        {
            _failed.Enqueue(now);
        }
    }
}
