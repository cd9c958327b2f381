namespace Mptcp.Tcp;

/// <summary>
/// How many challenge ACKs may leave in a second (RFC 5961 §7). Each connection has its own: a budget that all of them
/// share tells an attacker of one what another does.
/// </summary>
internal struct ChallengeBudget(int perSecond)
{
    private Instant _began = new(-Instant.Second);
    private int _left;

    public bool TryTake(Instant now)
    {
        if (now - _began >= Instant.Second)
        {
            (_began, _left) = (now, perSecond);
        }

        bool taken = _left > 0;
        _left -= taken ? 1 : 0;
        return taken;
    }
}
