using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>
/// MP_FAIL on ACKs of the only subflow (RFC 8684 §3.7): sent again until the peer falls back, and in answer to the peer's.
/// </summary>
internal sealed class FailSignal
{
    private const int Transmissions = 6;
    private const int Answers = 8;
    private const long LeastInterval = 200 * Instant.Millisecond;
    private long _interval;
    private int _sent;
    private int _answers;

    /// <summary>Whether this host found a wrong checksum and waits for the peer to fall back.</summary>
    public bool Waiting { get; private set; }

    /// <summary>Whether an ACK should carry the option.</summary>
    public bool Due { get; private set; }

    /// <summary>Where the peer's data stops to be trusted, as a data offset.</summary>
    public long DataOffset { get; private set; }

    /// <summary>By how much the data was ahead of the subflow there.</summary>
    public long Shift { get; private set; }

    public Instant NextTimeout { get; private set; } = Instant.Never;

    public bool Exhausted => _sent >= Transmissions;

    /// <summary>A mapping at this place failed.</summary>
    public void Begin(Instant now, long dataOffset, long shift, long roundTrip)
    {
        (Waiting, Due, DataOffset, Shift, _sent) = (true, true, dataOffset, shift, 0);
        _interval = Math.Max(LeastInterval, 2 * roundTrip);
        NextTimeout = now + _interval;
    }

    /// <summary>Answers the peer's; a peer that never stops is left without an answer.</summary>
    public void Answer(long dataOffset)
    {
        if (_answers < Answers)
        {
            (_answers, Due, DataOffset) = (_answers + 1, true, dataOffset);
        }
    }

    /// <summary>The peer has fallen back.</summary>
    public void Settle() => (Waiting, Due, NextTimeout) = (false, false, Instant.Never);

    /// <summary>Writes it if it is due; while the peer is waited for every ACK carries it, as any may be lost.</summary>
    public bool TryWrite(DataSequenceSpace space, ref TcpOptionWriter writer)
    {
        if (!(Due || Waiting) || !new MpFailOption(space.ToWire64(DataOffset)).TryWrite(ref writer))
        {
            return false;
        }

        Due = false;
        return true;
    }

    /// <summary>Whether the option is to be sent again, or given up when <see cref="Exhausted"/>.</summary>
    public bool HandleTimeout(Instant now)
    {
        if (NextTimeout > now)
        {
            return false;
        }

        _sent++;
        Due = true;
        NextTimeout = Exhausted ? Instant.Never : now + (_interval << _sent);
        return true;
    }
}
