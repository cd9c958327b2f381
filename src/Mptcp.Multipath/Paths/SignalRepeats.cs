using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// A signal on a pure ACK, which TCP does not repeat: it goes again after a retransmission timeout of the subflow that
/// took it, after twice that, and so on, a number of times.
/// </summary>
internal sealed class SignalRepeats(int transmissions)
{
    private int _sent;

    /// <summary>Whether it is to leave now.</summary>
    public bool Ready { get; private set; }

    /// <summary>When it goes again, or is given up.</summary>
    public Instant Deadline { get; private set; } = Instant.Never;

    /// <summary>Whether it will not leave any more.</summary>
    public bool Over => !Ready && Deadline == Instant.Never;

    /// <summary>Begins, or begins again.</summary>
    public void Start() => (_sent, Ready, Deadline) = (0, true, Instant.Never);

    /// <summary>Ends: it is confirmed, or not wanted any more.</summary>
    public void Stop() => (Ready, Deadline) = (false, Instant.Never);

    /// <summary>It left.</summary>
    /// <param name="now">The time.</param>
    /// <param name="timeout">The retransmission timeout of the subflow, in nanoseconds.</param>
    public void HandleSent(Instant now, long timeout)
    {
        Ready = false;
        Deadline = now + Math.Min(timeout << _sent, RttEstimator.MaximumRto);
        _sent++;
    }

    public void HandleTimeout(Instant now)
    {
        if (Deadline <= now)
        {
            Deadline = Instant.Never;
            Ready = _sent < transmissions;
        }
    }
}
