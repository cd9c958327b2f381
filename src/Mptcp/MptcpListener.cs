using System.Net;
using Mptcp.Stack;

namespace Mptcp;

/// <summary>Takes connections on a port. Every member may be called from any thread.</summary>
public sealed class MptcpListener : IAsyncDisposable
{
    private readonly MptcpEngine _engine;
    private readonly StackListener _listener;
    private volatile bool _disposed;

    internal MptcpListener(MptcpEngine engine, StackListener listener, IReadOnlyList<IPEndPoint> localEndPoints) =>
        (_engine, _listener, LocalEndPoints) = (engine, listener, localEndPoints);

    /// <summary>Where peers can connect to: each outside address with the port.</summary>
    public IReadOnlyList<IPEndPoint> LocalEndPoints { get; }

    /// <summary>Completes with the next connection.</summary>
    /// <exception cref="ObjectDisposedException">The listener, or its engine, is disposed, also while this waits.</exception>
    public async Task<MptcpStream> AcceptAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        try
        {
            return await _engine.AcceptAsync(_listener, ThrowIfDisposed, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ObjectDisposedException(nameof(MptcpListener));
        }
    }

    /// <summary>Stops listening and resets the connections that nobody accepted; those that were accepted live on.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        await _engine.UnlistenAsync(_listener).ConfigureAwait(false);
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, this);
}
