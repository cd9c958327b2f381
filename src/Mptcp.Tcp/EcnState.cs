using Mptcp.Wire;

namespace Mptcp.Tcp;

/// <summary>Explicit congestion notification (RFC 3168): who asked, what was agreed, what has to be echoed.</summary>
internal struct EcnState(EcnMode mode)
{
    /// <summary>ECT(0), in the low bits of the traffic class.</summary>
    public const byte Capable = 2;

    private const int CongestionExperienced = 3;

    // A SYN that gets no answer may have been dropped for its ECN bits: the third goes without (RFC 3168 §6.1.1.1).
    private const int SynsThatAsk = 2;

    private bool _asked;
    private bool _echo;

    /// <summary>Whether both ends speak it.</summary>
    public bool Agreed { get; private set; }

    /// <summary>What a SYN of ours says.</summary>
    public TcpFlags SynFlags(bool isAnswer, int transmission)
    {
        if (isAnswer)
        {
            return Agreed ? TcpFlags.Ece : TcpFlags.None;
        }

        _asked = mode == EcnMode.Ask && transmission <= SynsThatAsk;
        return _asked ? TcpFlags.Ece | TcpFlags.Cwr : TcpFlags.None;
    }

    public void HandlePeerSyn(TcpFlags flags)
    {
        TcpFlags said = flags & (TcpFlags.Ece | TcpFlags.Cwr);
        Agreed = (flags & TcpFlags.Ack) != 0
            ? _asked && said == TcpFlags.Ece
            : mode != EcnMode.Off && said == (TcpFlags.Ece | TcpFlags.Cwr);
    }

    /// <summary>A segment inside the window. True when its ACK reports congestion on our own way.</summary>
    public bool HandleSegment(in TcpSegment segment)
    {
        if (!Agreed || segment.Syn)
        {
            return false;
        }

        if ((segment.Flags & TcpFlags.Cwr) != 0)
        {
            _echo = false;
        }

        _echo |= segment.Ecn == CongestionExperienced;
        return (segment.Flags & TcpFlags.Ece) != 0;
    }

    /// <summary>What an ACK of ours says: the echo goes on until the peer has reduced its window.</summary>
    public readonly TcpFlags AckFlags => _echo ? TcpFlags.Ece : TcpFlags.None;
}
