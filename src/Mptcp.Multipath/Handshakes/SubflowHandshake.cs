using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>What a subflow's options are until it is part of the connection: MP_CAPABLE or MP_JOIN, at either end.</summary>
internal abstract class SubflowHandshake
{
    /// <summary>Whether the peer has proved that it takes part; the subflow then carries data.</summary>
    public bool Complete { get; protected set; }

    /// <summary>Whether a pure ACK has to carry the handshake's options before it may carry others.</summary>
    public virtual bool OwesAck => false;

    /// <summary>Whether pure ACKs carry the keys on, although the peer has proved that it takes part.</summary>
    public virtual bool RepeatsKeys => false;

    /// <summary>Whether the peer began this subflow.</summary>
    public abstract bool IsResponder { get; }

    /// <summary>Writes the options that stand for the handshake; false when the segment is an ordinary one.</summary>
    public abstract bool TryWriteOptions(in SegmentDescription segment, ref TcpOptionWriter writer);

    /// <summary>Judges a segment that arrived before <see cref="Complete"/>.</summary>
    public abstract SegmentVerdict Examine(Subflow subflow, in TcpSegment segment, long offset, in SegmentOptions options);

    /// <summary>The options of a segment that arrived after <see cref="Complete"/>, or made it so.</summary>
    public virtual void Notice(Subflow subflow, in SegmentOptions options)
    {
    }

    /// <summary>The three-way handshake of TCP is done at this end.</summary>
    public virtual void HandleEstablished(Subflow subflow)
    {
    }
}
