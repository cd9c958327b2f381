using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Mptcp.Hosting;
using Mptcp.Multipath;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp;

/// <summary>
/// A connection as a byte stream each way. One reader, one writer and any number of other calls at a time, from any thread.
/// </summary>
/// <remarks>
/// What the network or the peer does to the connection is an <see cref="IOException"/> with a
/// <see cref="SocketException"/> inside; so is, with <see cref="SocketError.OperationAborted"/>, the end of a read or a
/// write that waits while the stream is aborted or disposed. A cancelled read has lost no byte.
/// </remarks>
public sealed class MptcpStream : Stream
{
    private readonly MptcpEngine _engine;
    private readonly HostedSocket _socket;
    private IReadOnlyList<MptcpSubflow> _lastSubflows = [];
    private volatile bool _isMultipath;
    private int _disposed;

    internal MptcpStream(MptcpEngine engine, HostedSocket socket)
    {
        (_engine, _socket) = (engine, socket);
        LocalEndPoint = engine.Describe(socket.Local).EndPoint;
        RemoteEndPoint = EnginePaths.ToEndPoint(socket.Remote);
    }

    /// <summary>Our end of the first subflow, by its outside address.</summary>
    public IPEndPoint LocalEndPoint { get; }

    /// <summary>The peer's end of the first subflow.</summary>
    public IPEndPoint RemoteEndPoint { get; }

    /// <summary>
    /// Whether the connection is Multipath TCP now; false: the peer, or a path, made it plain TCP. It may turn false in
    /// the first round trips.
    /// </summary>
    public bool IsMultipath
    {
        get
        {
            Refresh();
            return _isMultipath;
        }
    }

    /// <summary>The subflows of this moment, those that have ended included; the last known ones after the engine's end.</summary>
    public IReadOnlyList<MptcpSubflow> Subflows
    {
        get
        {
            Refresh();
            return Volatile.Read(ref _lastSubflows);
        }
    }

    /// <summary>
    /// How each path stands, and why: of the subflows that live, then of those that were lost, then of our addresses without
    /// any. Empty after the engine's end.
    /// </summary>
    public IReadOnlyList<MptcpPathStatus> Paths
    {
        get
        {
            try
            {
                return [.. _socket.DescribePathsAsync().GetAwaiter().GetResult().Select(ToPublic)];
            }
            catch (Exception e) when (e is ObjectDisposedException or OperationCanceledException)
            {
                return [];
            }
        }
    }

    /// <summary>
    /// What happened how often, by code: also events that nobody read, and what was ignored without an event. Empty after
    /// the engine's end.
    /// </summary>
    public IReadOnlyDictionary<MptcpEventCode, int> EventCounts
    {
        get
        {
            try
            {
                return _socket.CountEventsAsync().GetAwaiter().GetResult()
                    .ToDictionary(counted => (MptcpEventCode)counted.Code, counted => counted.Count);
            }
            catch (Exception e) when (e is ObjectDisposedException or OperationCanceledException)
            {
                return new Dictionary<MptcpEventCode, int>();
            }
        }
    }

    /// <inheritdoc/>
    public override bool CanRead => Volatile.Read(ref _disposed) == 0;

    /// <inheritdoc/>
    public override bool CanWrite => Volatile.Read(ref _disposed) == 0;

    /// <summary>False: a connection has no places to go to.</summary>
    public override bool CanSeek => false;

    /// <summary>Not supported.</summary>
    public override long Length => throw new NotSupportedException();

    /// <summary>Not supported.</summary>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Reads at least one byte; 0 at the end of the peer's stream.</summary>
    /// <exception cref="IOException">The connection failed before the end of the stream.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        await RunAsync(_socket.ReadAsync, buffer, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();
    }

    /// <summary>Completes when the whole buffer is in the send queue.</summary>
    /// <exception cref="IOException">The connection failed, or our direction has ended.</exception>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        await RunAsync(_socket.WriteAsync, buffer, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();
    }

    /// <summary>Does nothing: what is written leaves as soon as it may.</summary>
    public override void Flush()
    {
    }

    /// <summary>Does nothing: what is written leaves as soon as it may.</summary>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Ends our direction (half-close): the peer reads to the end of the stream, and can go on writing. Completes when the
    /// peer has acknowledged everything.
    /// </summary>
    /// <exception cref="IOException">The connection failed.</exception>
    public async Task CompleteWritesAsync(CancellationToken cancellationToken = default) =>
        await RunAsync((_, token) => _socket.CompleteWritesAsync(token), 0, cancellationToken).ConfigureAwait(false);

    /// <summary>
    /// Waits until no subflow has anything left to exchange with the peer, after both directions ended: worth a moment
    /// before the engine is disposed, or the peer's last segments find nobody.
    /// </summary>
    /// <returns>Whether that was so within the limit.</returns>
    public async Task<bool> WaitForSubflowsAsync(TimeSpan limit, CancellationToken cancellationToken = default)
    {
        using var source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        source.CancelAfter(limit);
        try
        {
            return await RunAsync((_, token) => _socket.WaitForSubflowsAsync(token), 0, source.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>What happens to the connection, as it happens, to its end. For one enumerator at a time.</summary>
    public async IAsyncEnumerable<MptcpEvent> ReadEventsAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (true)
        {
            ConnectionEvent? taken;
            try
            {
                taken = await _socket.ReadEventAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is ObjectDisposedException
                || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                // The engine ended.
                yield break;
            }

            if (taken is not { } happened)
                yield break;
            yield return ToPublic(happened);
        }
    }

    /// <summary>Ends both directions at once: the peer gets a reset. Reads and writes that wait fail.</summary>
    public void Abort() => _ = _socket.AbortAsync();

    /// <summary>
    /// Ends our direction if <see cref="CompleteWritesAsync"/> has not, waits until the peer has acknowledged everything,
    /// at most <see cref="MptcpEngineOptions.CloseTimeout"/>, and lets the connection go. What the peer still sends is
    /// answered with a reset. Call <see cref="Abort"/> before where the peer shall not take what it has for the whole.
    /// </summary>
    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _socket.CloseAsync((long)_engine.CloseTimeout.TotalNanoseconds).ConfigureAwait(false);
            await base.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>As <see cref="DisposeAsync"/>, and waits for it.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing && Volatile.Read(ref _disposed) == 0)
            DisposeAsync().AsTask().GetAwaiter().GetResult();
        base.Dispose(disposing);
    }

    private async Task<TResult> RunAsync<TArgument, TResult>(
        Func<TArgument, CancellationToken, Task<TResult>> operation, TArgument argument, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return await operation(argument, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when ((e is ObjectDisposedException { ObjectName: var name } && name == typeof(StackLoop).FullName)
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // The engine ended under us.
            var inner = new SocketException((int)SocketError.OperationAborted);
            throw new IOException(inner.Message, inner);
        }
    }

    private void Refresh()
    {
        try
        {
            (_isMultipath, List<SubflowInfo> subflows) = _socket.DescribeAsync().GetAwaiter().GetResult();
            Volatile.Write(ref _lastSubflows, [.. subflows.Select(ToPublic)]);
        }
        catch (Exception e) when (e is ObjectDisposedException or OperationCanceledException)
        {
            // The engine ended: what was known last stays.
        }
    }

    private MptcpSubflow ToPublic(SubflowInfo info)
    {
        (IPEndPoint local, string path) = _engine.Describe(info.Local);
        return new MptcpSubflow
        {
            Number = info.Number,
            Path = path,
            LocalEndPoint = local,
            RemoteEndPoint = EnginePaths.ToEndPoint(info.Remote),
            State = ToPublic(info.State, info.CloseReason),
            BytesSent = info.BytesSent,
            BytesReceived = info.BytesReceived,
            RoundTripTime = info.SmoothedRtt == 0 ? null : TimeSpan.FromTicks(info.SmoothedRtt / TimeSpan.NanosecondsPerTick),
            CongestionWindow = info.CongestionWindow,
            Retransmissions = info.Retransmissions,
            Timeouts = info.Timeouts,
            SoftErrors = info.SoftErrors,
        };
    }

    private MptcpPathStatus ToPublic(PathInfo info)
    {
        (IPEndPoint local, string path) = _engine.Describe(new IpEndpoint(info.Local, 0));
        IPEndPoint? remote = info.Remote is { } known ? EnginePaths.ToEndPoint(known) : null;
        return new MptcpPathStatus(path, local.Address, remote, (MptcpPathState)info.State, info.Subflow, info.Why);
    }

    private static MptcpSubflowState ToPublic(TcpState state, TcpCloseReason reason) => state switch
    {
        TcpState.SynSent or TcpState.SynReceived => MptcpSubflowState.Connecting,
        TcpState.Established => MptcpSubflowState.Established,
        TcpState.TimeWait => MptcpSubflowState.Closed,
        TcpState.Closed => reason == TcpCloseReason.None ? MptcpSubflowState.Closed : MptcpSubflowState.Failed,
        _ => MptcpSubflowState.Closing,
    };

    private MptcpEvent ToPublic(ConnectionEvent happened)
    {
        bool hasSubflow = happened.Subflow >= 0;
        return new MptcpEvent(
            (MptcpEventKind)happened.Kind,
            happened.Subflow,
            hasSubflow ? _engine.Describe(happened.Local).EndPoint : null,
            happened.Remote == default ? null : EnginePaths.ToEndPoint(happened.Remote),
            happened.Reason)
        { Code = (MptcpEventCode)happened.Code };
    }
}
