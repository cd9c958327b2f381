using Mptcp.Multipath;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Stack;

/// <summary>
/// A non-blocking byte stream over the stack: what it cannot do now it says by a count of 0. Not thread-safe; after any
/// call the owner drains <see cref="NetworkStack.TryTransmit"/>.
/// </summary>
public sealed class StackSocket
{
    private readonly ByteStreamUser _user;

    internal StackSocket(TcpConfiguration configuration, StackOptions options, StackListener? listener)
    {
        _user = new ByteStreamUser(options.SendBuffer, options.ReceiveBuffer);
        Connection = new TcpConnection(configuration, _user);
        Listener = listener;
    }

    /// <summary>Our address and port.</summary>
    public IpEndpoint Local => Connection.Configuration.Local;

    /// <summary>The peer's address and port.</summary>
    public IpEndpoint Remote => Connection.Configuration.Remote;

    /// <summary>The state of the connection.</summary>
    public TcpState State => Connection.State;

    /// <summary>Why it closed.</summary>
    public TcpCloseReason CloseReason => Connection.CloseReason;

    /// <summary>Bytes that wait to be read.</summary>
    public int Readable => _user.Readable;

    /// <summary>Whether all of the peer's stream was read and nothing more will come.</summary>
    public bool EndOfStream => _user.PeerFinished && _user.Readable == 0;

    /// <summary>Bytes written that the peer has not acknowledged.</summary>
    public long Unacknowledged => _user.Unacknowledged;

    /// <summary>Whether the peer speaks Multipath TCP and no path made it fall back.</summary>
    public bool IsMultipath => false;

    /// <summary>Whether no subflow has anything left to exchange: each is closed or in TIME-WAIT.</summary>
    public bool SubflowsFinished => State is TcpState.Closed or TcpState.TimeWait;

    internal TcpConnection Connection { get; }

    internal StackListener? Listener { get; set; }

    /// <summary>Copies what there is room for; returns how much, 0 to the length.</summary>
    public int TryWrite(ReadOnlySpan<byte> bytes) =>
        State is TcpState.SynSent or TcpState.SynReceived or TcpState.Established or TcpState.CloseWait && !WriteClosed
            ? _user.Write(bytes)
            : 0;

    /// <summary>Copies what has arrived in order; returns how much, 0 to the length.</summary>
    public int TryRead(Span<byte> destination)
    {
        int count = _user.Read(destination);
        if (count > 0 && _user.WindowUpdateDue)
        {
            Connection.RequestAck();
        }

        return count;
    }

    /// <summary>Ends our direction: what was written is still delivered, then a FIN.</summary>
    public void CompleteWrites()
    {
        WriteClosed = true;
        Connection.Close();
    }

    /// <summary>Replaces the list's content by the subflows, those that have ended included.</summary>
    public void CopySubflows(List<SubflowInfo> destination)
    {
        destination.Clear();
        destination.Add(new SubflowInfo
        {
            Number = 0,
            Local = Local,
            Remote = Remote,
            State = State,
            CloseReason = CloseReason,
            BytesSent = 0,
            BytesReceived = 0,
            SmoothedRtt = Connection.SmoothedRtt,
            CongestionWindow = Connection.CongestionWindow,
            Retransmissions = Connection.Retransmissions,
        });
    }

    /// <summary>The next event that was not taken yet.</summary>
    public bool TryTakeEvent(out ConnectionEvent taken)
    {
        taken = default;
        return false;
    }

    /// <summary>Ends both directions at once with a RST.</summary>
    public void Abort() => Connection.Abort();

    private bool WriteClosed { get; set; }
}
