using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// The sender of MP_FASTCLOSE (RFC 8684 §3.5): either it goes with the RST of each subflow, or on ACKs of one, which go
/// again until the peer answers with a RST (FASTCLOSE_WAIT).
/// </summary>
internal sealed class FastClose
{
    // As recommended there.
    private const int Repeats = 3;
    private int _sent;

    /// <summary>Whether RSTs carry the option.</summary>
    public bool OnResets { get; private set; }

    /// <summary>The subflow whose ACKs carry it; null when none does.</summary>
    public Subflow? Carrier { get; private set; }

    public Instant NextTimeout { get; private set; } = Instant.Never;

    /// <summary>Whether the connection is being ended this way.</summary>
    public bool Begun => OnResets || Carrier is not null;

    public void BeginByReset() => OnResets = true;

    public void BeginByAck(Instant now, Subflow carrier)
    {
        Carrier = carrier;
        Send(now);
    }

    /// <summary>Runs what is due; true when the peer never answered, and a RST with the option has to do.</summary>
    public bool HandleTimeout(Instant now)
    {
        if (NextTimeout > now || Carrier is null)
        {
            return false;
        }

        if (_sent > Repeats)
        {
            (OnResets, Carrier, NextTimeout) = (true, null, Instant.Never);
            return true;
        }

        Send(now);
        return false;
    }

    /// <summary>The carrier is gone.</summary>
    public void End() => NextTimeout = Instant.Never;

    private void Send(Instant now)
    {
        _sent++;
        NextTimeout = now + Carrier!.Connection.RetransmissionTimeout;
        Carrier.Connection.RequestAck();
    }
}
