using System.Net.Sockets;
using Mptcp.Stack;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Hosting;

/// <summary>A socket of a stack that lives on a loop, as awaitable operations. Safe to use from any thread.</summary>
public sealed class HostedSocket
{
    private readonly StackLoop _loop;
    private readonly StackSocket _socket;

    private HostedSocket(StackLoop loop, StackSocket socket) => (_loop, _socket) = (loop, socket);

    /// <summary>Our address and port.</summary>
    public IpEndpoint Local => _socket.Local;

    /// <summary>The peer's address and port.</summary>
    public IpEndpoint Remote => _socket.Remote;

    /// <summary>Connects from a local address, and completes when the handshake is done.</summary>
    /// <exception cref="IOException">Refused, reset, not answered, or no port is free; the inner exception says which.</exception>
    public static async Task<HostedSocket> ConnectAsync(
        StackLoop loop, LocalAddress local, IpEndpoint remote, CancellationToken cancellationToken = default)
    {
        StackSocket? socket = null;
        return await loop.RunAsync(
            (stack, now) =>
            {
                socket ??= stack.TryConnect(now, local, remote) ?? throw Failure(SocketError.AddressAlreadyInUse);
                ThrowIfFailed(socket);
                return new Attempt<HostedSocket>(socket.State == TcpState.Established, new HostedSocket(loop, socket));
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Completes with the next connection of a listener.</summary>
    public static Task<HostedSocket> AcceptAsync(
        StackLoop loop, StackListener listener, CancellationToken cancellationToken = default) => loop.RunAsync(
            (_, _) => listener.TryAccept(out StackSocket socket)
                ? new Attempt<HostedSocket>(true, new HostedSocket(loop, socket))
                : default,
            cancellationToken);

    /// <summary>Reads at least one byte; 0 at the end of the peer's stream.</summary>
    /// <exception cref="IOException">The connection failed before the end of the stream.</exception>
    public Task<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _loop.RunAsync(
        (_, _) =>
        {
            int count = _socket.TryRead(buffer.Span);
            if (count == 0 && !_socket.EndOfStream)
            {
                ThrowIfFailed(_socket);
            }

            return new Attempt<int>(count > 0 || _socket.EndOfStream || buffer.IsEmpty, count);
        },
        cancellationToken);

    /// <summary>Completes when the whole buffer is in the send queue.</summary>
    /// <exception cref="IOException">The connection failed.</exception>
    public Task<bool> WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int written = 0;
        return _loop.RunAsync(
            (_, _) =>
            {
                ThrowIfFailed(_socket);
                written += _socket.TryWrite(buffer.Span[written..]);
                return new Attempt<bool>(written == buffer.Length, true);
            },
            cancellationToken);
    }

    /// <summary>Ends our direction, and completes when the peer has acknowledged all of it.</summary>
    /// <exception cref="IOException">The connection failed.</exception>
    public Task<bool> CompleteWritesAsync(CancellationToken cancellationToken = default)
    {
        bool closed = false;
        return _loop.RunAsync(
            (_, _) =>
            {
                if (!closed)
                {
                    _socket.CompleteWrites();
                    closed = true;
                }

                ThrowIfFailed(_socket);
                bool acknowledged = _socket.State is TcpState.FinWait2 or TcpState.TimeWait or TcpState.Closed;
                return new Attempt<bool>(acknowledged, true);
            },
            cancellationToken);
    }

    private static void ThrowIfFailed(StackSocket socket)
    {
        if (socket.State == TcpState.Closed && socket.CloseReason != TcpCloseReason.None)
        {
            throw Failure(socket.CloseReason switch
            {
                TcpCloseReason.Refused => SocketError.ConnectionRefused,
                TcpCloseReason.TimedOut => SocketError.TimedOut,
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
