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
    private readonly MptcpConnection _connection;
    private readonly SocketTable _table;
    private SocketOptions _options;

    internal StackSocket(MptcpConnection connection, SocketOptions options, StackListener? listener, SocketTable table) =>
        (_connection, _options, Listener, _table) = (connection, options, listener, table);

    /// <summary>What the connection is told; <see cref="Follow"/> changes it.</summary>
    public SocketOptions Options => _options;

    /// <summary>Our address and port, of the initial subflow.</summary>
    public IpEndpoint Local => _connection.Local;

    /// <summary>The peer's address and port, of the initial subflow.</summary>
    public IpEndpoint Remote => _connection.Remote;

    /// <summary>Where the byte stream stands, in TCP's names.</summary>
    public TcpState State => _connection.State;

    /// <summary>Why it closed.</summary>
    public TcpCloseReason CloseReason => _connection.CloseReason;

    /// <summary>Whether its handshake was ever done.</summary>
    public bool WasEstablished => _connection.WasEstablished;

    /// <summary>Bytes that wait to be read.</summary>
    public int Readable => _connection.Readable;

    /// <summary>Whether all of the peer's stream was read and nothing more will come.</summary>
    public bool EndOfStream => _connection.EndOfStream;

    /// <summary>Bytes written that the peer has not acknowledged.</summary>
    public long Unacknowledged => _connection.Unacknowledged;

    /// <summary>Whether the peer speaks Multipath TCP and no path made it fall back.</summary>
    public bool IsMultipath => _connection.IsMultipath;

    /// <summary>
    /// Whether the first data rode on the SYN and was taken (RFC 7413). Such a socket is accepted in SYN-RECEIVED, where
    /// it reads and writes as ever; its handshake may still fail.
    /// </summary>
    public bool FastOpened => _connection.FastOpened;

    /// <summary>Whether no subflow has anything left to exchange: each is closed or in TIME-WAIT.</summary>
    public bool SubflowsFinished => _connection.SubflowsFinished;

    /// <summary>What can be said of the connection now.</summary>
    public ConnectionInfo Info => _connection.Info;

    /// <summary>The connection, for whoever does something to it: it will be asked what it wants now.</summary>
    internal MptcpConnection Connection
    {
        get
        {
            _table.Wake(this);
            _connection.HandleTime(_table.Now);
            return _connection;
        }
    }

    /// <summary>Its place among the sockets of the host; negative for nowhere.</summary>
    internal int Place { get; set; } = -1;

    /// <summary>Whether it is to be asked what it wants.</summary>
    internal bool IsAwake { get; set; }

    /// <summary>When it wakes by itself.</summary>
    internal Instant Deadline { get; set; }

    /// <summary>Where <see cref="DeadlineHeap"/> has it; negative for nowhere.</summary>
    internal int HeapPlace { get; set; } = -1;

    internal Instant NextTimeout => _connection.NextTimeout;

    internal bool IsOver => _connection.IsOver;

    internal FastOpenOutcome FastOpenOutcome => _connection.FastOpenOutcome;

    internal StackListener? Listener { get; set; }

    /// <summary>The listener's requests among which this one counts until its handshake is done.</summary>
    internal FastOpenRequests? Opening { get; set; }

    /// <summary>What an attempt to connect was told for Fast Open, until its outcome is known.</summary>
    internal TcpFastOpen? Told { get; set; }

    /// <summary>Copies what there is room for; returns how much, 0 to the length.</summary>
    public int TryWrite(ReadOnlySpan<byte> bytes)
    {
        int count = _connection.Write(bytes);
        if (count > 0)
        {
            _table.Wake(this);
        }

        return count;
    }

    /// <summary>Copies what has arrived in order; returns how much, 0 to the length.</summary>
    public int TryRead(Span<byte> destination)
    {
        _connection.HandleTime(_table.Now);
        int count = _connection.Read(destination, out bool announces);
        if (announces)
        {
            _table.Wake(this);
        }

        return count;
    }

    /// <summary>Copies what <see cref="TryRead"/> would give, which stays; returns how much, 0 to the length.</summary>
    public int TryPeek(Span<byte> destination) => _connection.Peek(destination);

    /// <summary>Ends our direction: what was written is still delivered, then the end of the stream.</summary>
    public void CompleteWrites() => Connection.CompleteWrites();

    /// <summary>
    /// Leaves the connection alone, as an application that goes away does: what was written is still delivered, then the end
    /// of the stream, and the peer learns by a RST (RFC 9293 §3.6.1), or MP_FASTCLOSE, when something of its own is lost:
    /// what waits to be read now, or comes later, as <see cref="MptcpConnection.StopReceiving"/> says.
    /// </summary>
    /// <param name="now">The time.</param>
    public void Close(Instant now)
    {
        if (Readable > 0)
        {
            Abort();
            return;
        }

        CompleteWrites();
        Connection.StopReceiving(now);
    }

    /// <summary>Tells the connection something else from now on, as far as that may change while it runs.</summary>
    /// <param name="now">The time.</param>
    /// <param name="options">All of the options.</param>
    public void Follow(Instant now, SocketOptions options)
    {
        bool other = _options.CongestionControl != options.CongestionControl;
        _options = options;
        Connection.Follow(now, configuration => SubflowConfigurations.Change(configuration, options));
        if (other)
        {
            Connection.SwitchCongestionControl(options.CongestionControl);
        }
    }

    /// <summary>
    /// Puts congestion control in place whose windows grow together, on each subflow and those to come;
    /// <see cref="Follow"/> with another one takes it away.
    /// </summary>
    /// <param name="make">Makes it for the group and a segment size in bytes, as in <see cref="MptcpSettings.Coupling"/>.</param>
    public void Couple(Func<CouplingGroup, int, ICoupledController> make) => Connection.Couple(make);

    /// <summary>Sends ACKs now that might otherwise wait.</summary>
    public void AcknowledgeNow() => Connection.RequestAck();

    /// <summary>Replaces the list's content by what TCP says of each subflow that lives.</summary>
    public void CopyTcpInfo(List<SubflowTcpInfo> destination) => _connection.CopyTcpInfo(destination);

    /// <summary>Replaces the list's content by how each path stands, and why; see <see cref="MptcpConnection.CopyPaths"/>.</summary>
    public void CopyPaths(Instant now, List<PathInfo> destination) => _connection.CopyPaths(now, destination);

    /// <summary>Replaces the list's content by the subflows, those that have ended included.</summary>
    public void CopySubflows(List<SubflowInfo> destination) => _connection.CopySubflows(destination);

    /// <summary>
    /// Asks the peer to use a subflow only when no other is left (MP_PRIO, RFC 8684 §3.3.8), or takes that back; our own
    /// data keeps to it as well. MP_PRIO goes three times, a retransmission timeout and twice that apart, because nobody
    /// acknowledges it.
    /// </summary>
    /// <param name="subflow">Its number, as in <see cref="SubflowInfo.Number"/>.</param>
    /// <param name="backup">Whether it is to be a backup.</param>
    /// <returns>False when there is no such subflow, or it is over, or the connection is plain TCP.</returns>
    public bool SetBackup(int subflow, bool backup) => Connection.SetBackup(subflow, backup);

    /// <summary>
    /// Opens a further subflow, whatever the path manager thinks, as soon as the limits let it; it is opened again when it is
    /// lost, if the path manager does so.
    /// </summary>
    /// <param name="from">An address of this host.</param>
    /// <param name="remote">The peer's first address and port, or one that it has announced.</param>
    /// <returns>False when the connection is plain or over, or the peer cannot be joined there from that address.</returns>
    public bool OpenSubflow(IpAddress from, IpEndpoint remote) => Connection.OpenSubflow(from, remote);

    /// <summary>Puts another path manager in place; the subflows that there are stay.</summary>
    public void SetPathManager(IPathManager manager) => Connection.SetPathManager(manager);

    /// <summary>Puts another scheduler in place, which decides from the next segment on; nothing is lost.</summary>
    public void SetScheduler(IScheduler scheduler) => Connection.SetScheduler(scheduler);

    /// <summary>Closes one subflow with a FIN, after what it has been given; it gets nothing more.</summary>
    /// <param name="subflow">Its number.</param>
    /// <returns>False when there is no such subflow, or it is the only one that works (RFC 8684 §3.3.3).</returns>
    public bool CloseSubflow(int subflow) => Connection.CloseSubflow(subflow);

    /// <summary>Resets one subflow at once with MP_TCPRST; what it has not delivered goes again on the others.</summary>
    /// <param name="subflow">Its number.</param>
    /// <param name="reason">What the peer is told (RFC 8684 §3.6).</param>
    /// <param name="transient">Flag T: the peer may try the path again.</param>
    /// <returns>False when there is no such subflow, or the connection is plain TCP.</returns>
    public bool ResetSubflow(int subflow, MpTcpRstReason reason, bool transient = false) =>
        Connection.ResetSubflow(subflow, reason, transient);

    /// <summary>How often something happened, by its code: also what was ignored, and events that nobody took.</summary>
    public int CountOf(ConnectionEventCode code) => _connection.CountOf(code);

    /// <summary>Replaces the list's content by what happened how often, by code.</summary>
    public void CopyCounts(List<(ConnectionEventCode Code, int Count)> destination) => _connection.CopyCounts(destination);

    /// <summary>The next event that was not taken yet.</summary>
    public bool TryTakeEvent(out ConnectionEvent taken) => _connection.TryTakeEvent(out taken);

    /// <summary>Ends both directions at once with a RST.</summary>
    public void Abort() => Connection.Abort();

    internal bool TryTransmit(Instant now, Span<byte> buffer, out int length, out Subflow? subflow) =>
        _connection.TryTransmit(now, buffer, out length, out subflow);

    internal bool TryTakeJoin(out JoinRequest request) => _connection.TryTakeJoin(out request);

    internal bool TryTakeEnded(out Subflow? ended) => _connection.TryTakeEnded(out ended);
}
