using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <content>How it ends, and why.</content>
public sealed partial class Subflow
{
    /// <summary>Says why it will end; what was said first stays.</summary>
    internal void Ends(ConnectionEventCode code, string detail = "")
    {
        if (_end == ConnectionEventCode.None)
        {
            (_end, EndDetail) = (code, detail);
        }
    }

    /// <summary>Why it ended, given what TCP says of it.</summary>
    internal ConnectionEventCode CodeOfEnd(TcpCloseReason reason) => _end != ConnectionEventCode.None ? _end : reason switch
    {
        TcpCloseReason.None => ConnectionEventCode.ClosedInOrder,
        TcpCloseReason.Refused => ConnectionEventCode.Refused,
        TcpCloseReason.TimedOut => ConnectionEventCode.NoAnswer,
        TcpCloseReason.Unreachable => ConnectionEventCode.Unreachable,
        TcpCloseReason.ResetByPeer => ConnectionEventCode.ResetByPeer,
        _ => ConnectionEventCode.Aborted,
    };

    /// <summary>Gives the reason that a RST will carry, and the verdict that sends it.</summary>
    internal SegmentVerdict Refuse(MpTcpRstReason reason, ConnectionEventCode code, string detail = "", bool transient = false)
    {
        ResetReason = new MpTcpRstOption(transient, reason);
        IsPathRefused |= !transient;
        Ends(code, detail);
        return SegmentVerdict.Reset;
    }

    /// <summary>A FIN follows what it has been given; it gets nothing more. One that never joined is reset.</summary>
    internal void Close()
    {
        Closing = true;
        Connection.Close();
        if (IsAlive && !HasJoined)
        {
            Abort(MpTcpRstReason.Unspecified, ConnectionEventCode.NotJoined);
        }
    }

    internal void Abort(MpTcpRstReason reason, ConnectionEventCode code, string detail = "", bool transient = false)
    {
        _ = Refuse(reason, code, detail, transient);
        Connection.Abort();
    }
}
