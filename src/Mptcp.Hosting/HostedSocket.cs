using System.Net.Sockets;
using Mptcp.Multipath;
using Mptcp.Stack;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Hosting;

/// <summary>
/// A socket of a stack that lives on a loop, as awaitable operations. Safe to use from any thread: one reader, one writer
/// and any number of other calls at a time.
/// </summary>
/// <remarks>
/// A connection that fails is an <see cref="IOException"/> with a <see cref="SocketException"/> inside; a cancelled read
/// or write has taken, or given, all that was said and nothing more when its task ends.
/// </remarks>
public sealed class HostedSocket
{
    // How long a released connection waits for the peer's end, as kernels have it for an orphan in FIN-WAIT-2.
    private const long OrphanLimit = 60 * Instant.Second;

    private readonly StackLoop _loop;
    private readonly StackSocket _socket;
    private bool _writesCompleted;
    private bool _released;

    private HostedSocket(StackLoop loop, StackSocket socket) => (_loop, _socket) = (loop, socket);

    /// <summary>Our address and port.</summary>
    public IpEndpoint Local => _socket.Local;

    /// <summary>The peer's address and port.</summary>
    public IpEndpoint Remote => _socket.Remote;

    /// <summary>The socket below, to be touched on the loop's thread only.</summary>
    public StackSocket Socket => _socket;

    /// <summary>
    /// Connects from a local address, and completes when the handshake is done. Cancellation forgets the attempt in the
    /// stack too.
    /// </summary>
    /// <exception cref="IOException">Refused, reset, not answered, or no port is free; the inner exception says which.</exception>
    public static Task<HostedSocket> ConnectAsync(
        StackLoop loop, LocalAddress local, IpEndpoint remote, CancellationToken cancellationToken = default) =>
        ConnectAsync(loop, local, remote, ReadOnlyMemory<byte>.Empty, fastOpen: false, cancellationToken);

    /// <summary>The same with first data, which completes when all of that is in the send queue as well.</summary>
    /// <param name="loop">The loop of the stack.</param>
    /// <param name="local">Where it leaves from.</param>
    /// <param name="remote">The peer.</param>
    /// <param name="first">What is written before anything leaves.</param>
    /// <param name="fastOpen">Whether it may ride on the SYN, as <see cref="ConnectOptions.FastOpen"/> has it.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="IOException">Refused, reset, not answered, or no port is free; the inner exception says which.</exception>
    public static async Task<HostedSocket> ConnectAsync(
        StackLoop loop, LocalAddress local, IpEndpoint remote, ReadOnlyMemory<byte> first, bool fastOpen,
        CancellationToken cancellationToken)
    {
        StackSocket? socket = null;
        int written = 0;
        try
        {
            return await loop.RunAsync(
                (stack, now) =>
                {
                    socket ??= stack.TryConnect(now, local, remote, fastOpen) ?? throw Failure(SocketError.AddressAlreadyInUse);
                    written += socket.TryWrite(first.Span[written..]);

                    // A reset comes after the handshake (before it, it is a refusal), if in the same breath: the
                    // connection was there, and its first read says how it ended.
                    bool reset = socket.CloseReason == TcpCloseReason.ResetByPeer;
                    if (!reset)
                    {
                        ThrowIfFailed(socket);
                    }

                    bool connected = reset || socket.State is not (TcpState.Closed or TcpState.SynSent or TcpState.SynReceived);
                    bool done = connected && (written == first.Length || socket.State == TcpState.Closed);
                    return new Attempt<HostedSocket>(done, new HostedSocket(loop, socket));
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await AbortAsync(loop, () => socket).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Completes with the next connection of a listener.</summary>
    public static Task<HostedSocket> AcceptAsync(
        StackLoop loop, StackListener listener, CancellationToken cancellationToken = default) =>
        AcceptAsync(loop, listener, static () => { }, cancellationToken);

    /// <summary>Completes with the next connection of a listener that may be closed meanwhile.</summary>
    /// <param name="loop">The loop of the listener's stack.</param>
    /// <param name="listener">The listener.</param>
    /// <param name="verify">Called at each attempt on the loop's thread; throws when the listener was closed.</param>
    /// <param name="cancellationToken">Ends the wait; a connection that comes then stays with the listener.</param>
    public static Task<HostedSocket> AcceptAsync(
        StackLoop loop, StackListener listener, Action verify, CancellationToken cancellationToken = default) =>
        loop.RunAsync(
            (_, _) =>
            {
                verify();
                return listener.TryAccept(out StackSocket socket)
                    ? new Attempt<HostedSocket>(true, new HostedSocket(loop, socket))
                    : default;
            },
            cancellationToken);

    /// <summary>Reads at least one byte; 0 at the end of the peer's stream.</summary>
    /// <exception cref="IOException">The connection failed before the end of the stream.</exception>
    public Task<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => RunAsync(
        (socket, _) =>
        {
            ThrowIfReleased();
            int count = socket.TryRead(buffer.Span);
            if (count == 0 && !socket.EndOfStream && !buffer.IsEmpty)
            {
                ThrowIfClosed();
            }

            return new Attempt<int>(count > 0 || socket.EndOfStream || buffer.IsEmpty, count);
        },
        cancellationToken);

    /// <summary>Completes when the whole buffer is in the send queue.</summary>
    /// <exception cref="IOException">The connection failed, or our direction has ended.</exception>
    public Task<bool> WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int written = 0;
        return RunAsync(
            (socket, _) =>
            {
                ThrowIfReleased();
                if (_writesCompleted)
                {
                    throw Failure(SocketError.Shutdown);
                }

                ThrowIfClosed();
                written += socket.TryWrite(buffer.Span[written..]);
                return new Attempt<bool>(written == buffer.Length, true);
            },
            cancellationToken);
    }

    /// <summary>Ends our direction, and completes when the peer has acknowledged all of it.</summary>
    /// <exception cref="IOException">The connection failed.</exception>
    public Task<bool> CompleteWritesAsync(CancellationToken cancellationToken = default) => RunAsync(
        (socket, _) =>
        {
            ThrowIfReleased();
            return new Attempt<bool>(TryFinishWrites(socket), true);
        },
        cancellationToken);

    /// <summary>Completes when every subflow is closed or in TIME-WAIT.</summary>
    public Task<bool> WaitForSubflowsAsync(CancellationToken cancellationToken = default) =>
        RunAsync((socket, _) => new Attempt<bool>(socket.SubflowsFinished, true), cancellationToken);

    /// <summary>As <see cref="StackSocket.SetBackup"/>.</summary>
    public Task<bool> SetBackupAsync(int subflow, bool backup) =>
        RunAsync((socket, _) => new Attempt<bool>(true, socket.SetBackup(subflow, backup)));

    /// <summary>As <see cref="StackSocket.CloseSubflow"/>.</summary>
    public Task<bool> CloseSubflowAsync(int subflow) =>
        RunAsync((socket, _) => new Attempt<bool>(true, socket.CloseSubflow(subflow)));

    /// <summary>As <see cref="StackSocket.ResetSubflow"/>.</summary>
    public Task<bool> ResetSubflowAsync(int subflow, MpTcpRstReason reason, bool transient = false) =>
        RunAsync((socket, _) => new Attempt<bool>(true, socket.ResetSubflow(subflow, reason, transient)));

    /// <summary>Whether this is Multipath TCP now, and the subflows, those that have ended included.</summary>
    public Task<(bool IsMultipath, List<SubflowInfo> Subflows)> DescribeAsync() => RunAsync((socket, _) =>
    {
        var subflows = new List<SubflowInfo>();
        socket.CopySubflows(subflows);
        return new Attempt<(bool, List<SubflowInfo>)>(true, (socket.IsMultipath, subflows));
    });

    /// <summary>How each path stands, and why.</summary>
    public Task<List<PathInfo>> DescribePathsAsync() => RunAsync((socket, now) =>
    {
        var paths = new List<PathInfo>();
        socket.CopyPaths(now, paths);
        return new Attempt<List<PathInfo>>(true, paths);
    });

    /// <summary>What happened how often, by code.</summary>
    public Task<List<(ConnectionEventCode Code, int Count)>> CountEventsAsync() => RunAsync((socket, _) =>
    {
        var counts = new List<(ConnectionEventCode, int)>();
        socket.CopyCounts(counts);
        return new Attempt<List<(ConnectionEventCode, int)>>(true, counts);
    });

    /// <summary>Completes with the next event, or with null when the connection is over and has no more.</summary>
    public Task<ConnectionEvent?> ReadEventAsync(CancellationToken cancellationToken = default) => RunAsync(
        (socket, _) => socket.TryTakeEvent(out ConnectionEvent taken)
            ? new Attempt<ConnectionEvent?>(true, taken)
            : new Attempt<ConnectionEvent?>(socket.State == TcpState.Closed || socket.SubflowsFinished, null),
        cancellationToken);

    /// <summary>
    /// Ends both directions at once with a RST, which has left, if the link took it, when the loop sleeps again. Reads and
    /// writes fail.
    /// </summary>
    public Task AbortAsync() => AbortAsync(_loop, () => _socket);

    /// <summary>
    /// Ends our direction, waits until the peer has acknowledged all of it, and lets the connection go: what the peer
    /// still sends makes it a RST, and so does a peer that does not end its direction within 60 s. Reads and writes that
    /// wait fail. Does not throw; a connection that is not acknowledged within the limit is aborted.
    /// </summary>
    /// <param name="limit">How long to wait, in nanoseconds.</param>
    public async Task CloseAsync(long limit)
    {
        Instant deadline = Instant.Never;
        try
        {
            await RunAsync((socket, now) =>
            {
                _released = true;
                deadline = deadline == Instant.Never ? now + limit : deadline;
                bool acknowledged = socket.State == TcpState.Closed || TryFinishWrites(socket);
                if (!acknowledged && now >= deadline)
                {
                    socket.Abort();
                }

                return new Attempt<bool>(acknowledged || now >= deadline, true);
            }).ConfigureAwait(false);
            _ = RunAsync((socket, now) => WatchOrphan(socket, now, deadline + OrphanLimit));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The connection, or its loop, is over already.
        }
    }

    private static async Task AbortAsync(StackLoop loop, Func<StackSocket?> socket)
    {
        try
        {
            await loop.RunAsync((_, _) =>
            {
                if (socket() is { State: not TcpState.Closed } open)
                {
                    open.Abort();
                }

                return new Attempt<bool>(true, true);
            }).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ObjectDisposedException or OperationCanceledException)
        {
            // No loop, no connection.
        }
    }

    private static Attempt<bool> WatchOrphan(StackSocket socket, Instant now, Instant deadline)
    {
        bool over = socket.State is TcpState.Closed or TcpState.TimeWait || socket.EndOfStream;
        if (!over && (socket.Readable > 0 || now >= deadline))
        {
            socket.Abort();
            over = true;
        }

        return new Attempt<bool>(over, true);
    }

    private Task<T> RunAsync<T>(
        Func<StackSocket, Instant, Attempt<T>> attempt, CancellationToken cancellationToken = default) =>
        _loop.RunAsync((_, now) => attempt(_socket, now), cancellationToken);

    private bool TryFinishWrites(StackSocket socket)
    {
        if (!_writesCompleted)
        {
            ThrowIfClosed();
            socket.CompleteWrites();
            _writesCompleted = true;
        }

        ThrowIfFailed(socket);
        return socket.State is TcpState.FinWait2 or TcpState.TimeWait or TcpState.Closed;
    }

    private void ThrowIfReleased()
    {
        if (_released)
        {
            throw Failure(SocketError.OperationAborted);
        }
    }

    private void ThrowIfClosed()
    {
        ThrowIfFailed(_socket);
        if (_socket.State == TcpState.Closed)
        {
            throw Failure(SocketError.NotConnected);
        }
    }

    private static void ThrowIfFailed(StackSocket socket)
    {
        if (socket.State == TcpState.Closed && socket.CloseReason != TcpCloseReason.None)
        {
            throw Failure(socket.CloseReason switch
            {
                TcpCloseReason.Refused => SocketError.ConnectionRefused,
                TcpCloseReason.TimedOut => SocketError.TimedOut,
                TcpCloseReason.Unreachable => SocketError.HostUnreachable,
                TcpCloseReason.Aborted => SocketError.OperationAborted,
                _ => SocketError.ConnectionReset,
            });
        }
    }

    private static IOException Failure(SocketError error)
    {
        var inner = new SocketException((int)error);
        return new IOException(inner.Message, inner);
    }
}
