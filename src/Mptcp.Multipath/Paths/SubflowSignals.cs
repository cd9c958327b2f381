using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>
/// The signals of one subflow: MP_PRIO, which it repeats a few times because nobody acknowledges a pure ACK; the pace of
/// all signals that it carries; and the question whether the peer's end of it still answers, once the peer has removed
/// that address (RFC 8684 §3.3.8, §3.4).
/// </summary>
internal sealed class SubflowSignals(MptcpConnection connection, Subflow subflow)
{
    // RFC 8684 §3.4.1: not more than two duplicate ACKs in a row for signals.
    private const int InRow = 2;
    private const int Priorities = 3;
    private const int Probes = 2;
    private readonly SignalRepeats _priority = new(Priorities);
    private int _inRow;
    private Instant _resume;
    private int _probes;
    private Instant _probedAt;
    private Instant _probeDeadline = Instant.Never;

    /// <summary>Whether the peer has removed its address of this subflow, and the answer to our question is open.</summary>
    public bool InDoubt => _probeDeadline != Instant.Never;

    /// <summary>Whether MP_PRIO is to leave.</summary>
    public bool PriorityDue => _priority.Ready;

    /// <summary>When <see cref="HandleTimeout"/> wants to be called, or a signal that waits may leave.</summary>
    public Instant NextTimeout
    {
        get
        {
            bool waits = _inRow >= InRow && subflow.IsUsable && (PriorityDue || connection.HasSignals);
            return Instant.Min(Instant.Min(_priority.Deadline, _probeDeadline), waits ? _resume : Instant.Never);
        }
    }

    private long RoundTrip => subflow.Connection.SmoothedRtt > 0
        ? subflow.Connection.SmoothedRtt
        : subflow.Connection.RetransmissionTimeout;

    /// <summary>Whether one more signal may leave on this subflow: two have not just done so.</summary>
    public bool MaySend(Instant now) => _inRow < InRow || now >= _resume;

    /// <summary>Our wish for this subflow; the peer is told.</summary>
    public void SetBackup(bool backup)
    {
        if (subflow.AskedBackup != backup)
        {
            subflow.AskedBackup = backup;
            _priority.Start();
        }
    }

    /// <summary>Data leaves, or its arrival is acknowledged: the row of duplicate ACKs ends.</summary>
    public void HandleProgress() => _inRow = 0;

    /// <summary>Writes a signal on a pure ACK.</summary>
    public bool TryWrite(ref TcpOptionWriter writer)
    {
        Instant now = connection.Now;
        if (!subflow.IsUsable || !MaySend(now) || !(PriorityDue || connection.HasSignals))
        {
            return false;
        }

        _inRow = now >= _resume ? 0 : _inRow;
        long timeout = subflow.Connection.RetransmissionTimeout;
        bool written = TryWritePriority(now, timeout, ref writer) || connection.TryWriteSignal(timeout, ref writer);

        // What did not fit now may fit later; to try at once would be to try for ever.
        _inRow = written ? _inRow + 1 : InRow;
        _resume = now + (written ? RoundTrip : timeout);
        return written;
    }

    /// <summary>The peer has removed its address of this subflow: only if that is silent the subflow goes (§3.4.2).</summary>
    public void BeginDoubt(Instant now)
    {
        if (!InDoubt && subflow.HasJoined)
        {
            _probes = 0;
            Probe(now);
        }
        else if (!subflow.HasJoined)
        {
            subflow.Abort(MpTcpRstReason.Unspecified, ConnectionEventCode.AddressRemoved);
        }
    }

    /// <summary>A segment arrived. What was on its way before our question is no answer to it.</summary>
    public void HandleHeard(Instant now)
    {
        if (InDoubt && now - _probedAt > subflow.Connection.SmoothedRtt / 2)
        {
            _probeDeadline = Instant.Never;
            connection.Counters.Add(MptcpCounter.RemovalAnswered);
        }
    }

    public void HandleTimeout(Instant now)
    {
        _priority.HandleTimeout(now);
        if (_probeDeadline > now || !subflow.IsAlive)
        {
            return;
        }

        if (_probes < Probes)
        {
            Probe(now);
            return;
        }

        _probeDeadline = Instant.Never;
        connection.Counters.Add(MptcpCounter.RemovalReset);
        subflow.Abort(MpTcpRstReason.Unspecified, ConnectionEventCode.RemovedAndSilent);
    }

    private void Probe(Instant now)
    {
        (_probes, _probedAt) = (_probes + 1, now);
        _probeDeadline = now + subflow.Connection.RetransmissionTimeout;
        subflow.Connection.RequestProbe();
    }

    private bool TryWritePriority(Instant now, long timeout, ref TcpOptionWriter writer)
    {
        if (!PriorityDue || !new MpPrioOption(subflow.AskedBackup).TryWrite(ref writer))
        {
            return false;
        }

        _priority.HandleSent(now, timeout);
        connection.Counters.Add(MptcpCounter.PrioritySent);
        return true;
    }
}
