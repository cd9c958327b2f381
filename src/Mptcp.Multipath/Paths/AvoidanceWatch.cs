using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>What is to be done to a subflow that policy avoids, and on which the peer goes on sending.</summary>
internal enum AvoidanceStep
{
    /// <summary>Nothing, or not yet.</summary>
    None,

    /// <summary>REMOVE_ADDR, and a FIN.</summary>
    TakeBack,

    /// <summary>A RST.</summary>
    Reset,
}

/// <summary>
/// Whether the peer keeps off a subflow that it was asked by MP_PRIO to spare. MP_PRIO is a wish (RFC 8684 §3.3.8): some
/// peers ignore it, so that it is followed by REMOVE_ADDR and a FIN, and these by a RST.
/// </summary>
internal sealed class AvoidanceWatch
{
    // MP_PRIO goes three times within a few timeouts; what is on its way arrives meanwhile.
    private const long Patience = 5 * Instant.Second;

    // Retransmissions and stragglers are no disobedience.
    private const long Tolerated = 64 * 1024;
    private AvoidanceStep _last;
    private long _received;

    public Instant Deadline { get; private set; } = Instant.Never;

    public void Begin(Instant now, long received) => (Deadline, _received, _last) = (now + Patience, received, AvoidanceStep.None);

    public void End() => Deadline = Instant.Never;

    /// <summary>What is to be done now, given what has arrived on it so far, in bytes.</summary>
    public AvoidanceStep HandleTimeout(Instant now, long received)
    {
        if (Deadline > now)
        {
            return AvoidanceStep.None;
        }

        bool obeyed = received - _received <= Tolerated;
        (Deadline, _received) = (now + Patience, received);
        if (obeyed)
        {
            return AvoidanceStep.None;
        }

        _last = _last == AvoidanceStep.None ? AvoidanceStep.TakeBack : AvoidanceStep.Reset;
        return _last;
    }
}
