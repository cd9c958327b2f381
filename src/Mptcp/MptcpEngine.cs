using System.Net;
using System.Net.Sockets;
using Mptcp.Hosting;
using Mptcp.Multipath;
using Mptcp.Stack;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp;

/// <summary>
/// A Multipath TCP host in user space: its paths, its thread, its connections. Every member may be called from any thread.
/// </summary>
public sealed class MptcpEngine : IAsyncDisposable
{
    private const int LeastBuffer = 64 * 1024;

    private static readonly TimeSpan _leastTimeout = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan _mostTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _longestSpan = TimeSpan.FromDays(365);

    // Connections of a listener that were opened by a cookie alone and have not answered yet (RFC 7413 §5.1).
    private const int FastOpenLimit = 64;

    // An address is left for the next one after this long, with time for two repeated SYNs.
    private static readonly TimeSpan _attemptLimit = TimeSpan.FromSeconds(4);

    private readonly EnginePaths _paths;
    private readonly StackLoop _loop;
    private readonly MptcpEngineOptions _options;

    // Touched on the loop's thread only.
    private readonly List<HostedSocket> _connections = [];
    private int _disposed;

    private MptcpEngine(MptcpEngineOptions options, EnginePaths paths)
    {
        (_options, _paths) = (options, paths);
        var settings = new MptcpSettings
        {
            SendBuffer = options.SendBuffer,
            ReceiveBuffer = options.ReceiveBuffer,
            Scheduler = FindScheduler(options),
            PathManager = FindPathManager(options),
            Coupling = FindCoupling(options),
        };
        var stack = new NetworkStack(ToStackOptions(options) with { Connection = settings }, new SystemEntropy());
        foreach (LocalAddress address in paths.Addresses)
            stack.AddAddress(address);
        foreach ((string path, MptcpPathPolicy policy) in options.Policies)
            stack.SetPolicy(default, paths.LinkOf(path), ToLinkPolicy(policy));
        _loop = new StackLoop(stack, paths.Links, paths.Waiter);
        paths.Follow(_loop);
    }

    /// <summary>The addresses by which peers know this engine at the moment: a device may lose its own, or get another.</summary>
    public IReadOnlyList<IPAddress> Addresses => [.. _paths.Addresses.Select(EnginePaths.OutsideOf)];

    /// <summary>Why <see cref="MptcpEngineOptions.CaptureFile"/> is not whole, in one line; null while all is well.</summary>
    public string? CaptureFailure => _paths.CaptureFailure;

    /// <summary>Says what is wanted of a path; all connections follow at once.</summary>
    /// <param name="path">Its name, as in <see cref="MptcpSubflow.Path"/>.</param>
    /// <param name="policy">What is wanted.</param>
    /// <exception cref="ArgumentException">There is no such path, or the policy contradicts itself.</exception>
    public async Task SetPolicyAsync(string path, MptcpPathPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        int link = FindLink(path, _paths, nameof(path));
        ThrowIfWrong(path, policy, nameof(policy));
        await _loop.RunAsync((stack, now) =>
        {
            stack.SetPolicy(now, link, ToLinkPolicy(policy));
            return new Attempt<bool>(true, true);
        }).ConfigureAwait(false);
    }

    internal TimeSpan CloseTimeout => _options.CloseTimeout;

    /// <summary>
    /// Sets the paths up and starts the engine. On Linux it works in the network namespace of the calling thread.
    /// </summary>
    /// <exception cref="MptcpException">
    /// A right, a tool or a device is missing; nothing is left behind. The message says what to do.
    /// </exception>
    public static MptcpEngine Create(MptcpEngineOptions? options = null)
    {
        options ??= new MptcpEngineOptions();
        ThrowIfWrong(options);
        EnginePaths paths = EnginePaths.Open(options);
        try
        {
            foreach (string path in options.Policies.Keys)
                FindLink(path, paths, nameof(options));
            return new MptcpEngine(options, paths);
        }
        catch
        {
            paths.Dispose();
            throw;
        }
    }

    /// <summary>Connects to a host by name or by address. Its addresses are tried in turn, from each path in turn.</summary>
    /// <param name="host">A name for DNS, or an address.</param>
    /// <param name="port">1 to 65535.</param>
    /// <param name="cancellationToken">Ends the attempt, and forgets it in the engine too.</param>
    /// <exception cref="IOException">The name is unknown, or the peer is not there or refuses.</exception>
    public Task<MptcpStream> ConnectAsync(string host, int port, CancellationToken cancellationToken = default) =>
        ConnectAsync(host, port, ReadOnlyMemory<byte>.Empty, cancellationToken);

    /// <summary>
    /// Connects as the other overload does, with the first data to send: with <see cref="MptcpEngineOptions.FastOpen"/> it
    /// rides on the SYN where the peer gave a cookie before; else it follows the handshake.
    /// </summary>
    /// <param name="host">A name for DNS, or an address.</param>
    /// <param name="port">1 to 65535.</param>
    /// <param name="firstData">What is sent first; not to be changed before the task ends.</param>
    /// <param name="cancellationToken">Ends the attempt, and forgets it in the engine too.</param>
    /// <exception cref="IOException">The name is unknown, or the peer is not there or refuses.</exception>
    public async Task<MptcpStream> ConnectAsync(
        string host, int port, ReadOnlyMemory<byte> firstData, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(host);
        ThrowIfNoPort(port);
        if (IpAddress.TryParse(host, out IpAddress literal))
            return await ConnectAsync([literal.ToIPAddress()], host, port, firstData, cancellationToken).ConfigureAwait(false);
        IPAddress[] addresses;
        try
        {
            addresses = await Dns.GetHostAddressesAsync(host, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            // A name that DNS does not even take (too long, an empty label) is as unknown as any other.
            SocketError error = (e as SocketException)?.SocketErrorCode ?? SocketError.HostNotFound;
            throw Failure(
                error == SocketError.TryAgain ? $"host '{host}' is not known: no name server answers" : $"host '{host}' is not known",
                error);
        }

        return await ConnectAsync(addresses, host, port, firstData, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Connects to an address, from each path in turn.</summary>
    /// <exception cref="IOException">The peer is not there or refuses.</exception>
    public Task<MptcpStream> ConnectAsync(IPEndPoint remote, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(remote);
        ThrowIfNoPort(remote.Port);
        return ConnectAsync(
            [remote.Address], remote.Address.ToString(), remote.Port, ReadOnlyMemory<byte>.Empty, cancellationToken);
    }

    /// <summary>Takes connections on a port, on every address of the engine.</summary>
    /// <param name="port">1 to 65535.</param>
    /// <param name="backlog">How many connections may wait to be accepted.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="MptcpException">The port is in use.</exception>
    public async Task<MptcpListener> ListenAsync(
        int port, int backlog = 128, CancellationToken cancellationToken = default)
    {
        ThrowIfNoPort(port);
        ArgumentOutOfRangeException.ThrowIfLessThan(backlog, 1);
        ThrowIfDisposed();
        StackListener listener = await _loop.RunAsync(
            (stack, _) => new Attempt<StackListener?>(
                true,
                stack.TryListen((ushort)port, backlog, _options.FastOpen ? FastOpenLimit : 0)),
            cancellationToken).ConfigureAwait(false)
            ?? throw new MptcpException($"TCP port {port} has a listener in this engine already: choose another.");
        try
        {
            await Task.Run(() => _paths.Forward((ushort)port), cancellationToken).ConfigureAwait(false);
            return new MptcpListener(this, listener, [.. Addresses.Select(address => new IPEndPoint(address, port))]);
        }
        catch
        {
            await UnlistenAsync(listener).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Resets the connections that are open, stops the engine and undoes what it changed in the system. Dispose streams
    /// before, where their peers shall get all that was written.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        try
        {
            await _loop.RunAsync((_, _) =>
            {
                foreach (HostedSocket connection in _connections.Where(IsOpen))
                    connection.Socket.Abort();
                return new Attempt<bool>(true, true);
            }).ConfigureAwait(false);
        }
        finally
        {
            await Task.Run(() =>
            {
                _paths.Unfollow();
                _loop.Dispose();
                _paths.Dispose();
            }).ConfigureAwait(false);
        }
    }

    internal (IPEndPoint EndPoint, string Path) Describe(IpEndpoint local) => _paths.Describe(local);

    internal async Task<MptcpStream> AcceptAsync(
        StackListener listener, Action verify, CancellationToken cancellationToken) => await AdoptAsync(
            await HostedSocket.AcceptAsync(_loop, listener, verify, cancellationToken).ConfigureAwait(false))
            .ConfigureAwait(false);

    internal async Task UnlistenAsync(StackListener listener)
    {
        try
        {
            await _loop.RunAsync((stack, _) =>
            {
                stack.Unlisten(listener);
                while (listener.TryAccept(out StackSocket socket))
                    socket.Abort();
                return new Attempt<bool>(true, true);
            }).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ObjectDisposedException or OperationCanceledException)
        {
            // The engine ended first, and its listeners with it.
        }
    }

    private static StackOptions ToStackOptions(MptcpEngineOptions options) => new()
    {
        KeepAlive = options.KeepAlive,
        KeepAliveIdle = ToNanoseconds(options.KeepAliveIdle),
        KeepAliveInterval = ToNanoseconds(options.KeepAliveInterval),
        KeepAliveProbes = options.KeepAliveProbes,
        UserTimeout = ToNanoseconds(options.UserTimeout),
        MinimumRto = ToNanoseconds(options.MinimumRetransmissionTimeout),
        CongestionControl = options.CongestionControl switch
        {
            MptcpCongestionControl.NewReno => CongestionControllers.NewReno,
            MptcpCongestionControl.Bbr => CongestionControllers.Bbr,
            _ => CongestionControllers.Cubic,
        },
    };

    private static long ToNanoseconds(TimeSpan span) => span.Ticks * TimeSpan.NanosecondsPerTick;

    private static void ThrowIfWrong(MptcpEngineOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.SendBuffer, LeastBuffer, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.ReceiveBuffer, LeastBuffer, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.KeepAliveIdle, TimeSpan.Zero, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.KeepAliveInterval, TimeSpan.Zero, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.KeepAliveProbes, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.UserTimeout, TimeSpan.Zero, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MinimumRetransmissionTimeout, _leastTimeout, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MinimumRetransmissionTimeout, _mostTimeout, nameof(options));
        foreach (TimeSpan span in new[] { options.KeepAliveIdle, options.KeepAliveInterval, options.UserTimeout })
            ArgumentOutOfRangeException.ThrowIfGreaterThan(span, _longestSpan, nameof(options));
        foreach ((string path, MptcpPathPolicy policy) in options.Policies)
            ThrowIfWrong(path, policy, nameof(options));
        if (!Enum.IsDefined(options.CongestionControl))
            throw new ArgumentOutOfRangeException(nameof(options), options.CongestionControl, "No such congestion control.");
    }

    private static int FindLink(string path, EnginePaths paths, string parameter) => paths.LinkOf(path) is >= 0 and int link ? link
        : throw new ArgumentException($"There is no path '{path}': the paths are {string.Join(", ", paths.Names)}.", parameter);

    private static void ThrowIfWrong(string path, MptcpPathPolicy policy, string parameter)
    {
        string? wrong = !Enum.IsDefined(policy.Use) ? "has no such use"
            : policy.Weight < 0 ? "has a negative weight"
            : policy.Cost < 0 ? "has a negative cost"
            : policy.Cap <= 0 ? "has a cap of nothing: to use it not at all, let it be avoided"
            : policy is { Use: MptcpPathUse.Avoid, Weight: > 0 } ? "is to be avoided, and has a weight"
            : policy is { Use: MptcpPathUse.Avoid, Cap: not null } ? "is to be avoided, and has a cap"
            : null;
        if (wrong is not null)
            throw new ArgumentException($"Path '{path}' {wrong}.", parameter);
    }

    private static LinkPolicy ToLinkPolicy(MptcpPathPolicy policy) => new()
    {
        Use = (EndpointUse)policy.Use,
        Weight = policy.Weight,
        Cost = policy.Cost,
        Metered = policy.Metered,
        Cap = policy.Cap,
    };

    private static Func<IScheduler> FindScheduler(MptcpEngineOptions options) =>
        SchedulerCatalog.TryFind(options.Scheduler, out Func<IScheduler>? make) ? make
            : throw new ArgumentException($"'{options.Scheduler}' is no scheduler: give {SchedulerCatalog.Expected}.", nameof(options));

    private static Func<CouplingGroup, int, ICoupledController>? FindCoupling(MptcpEngineOptions options) =>
        options.CongestionControl switch
        {
            MptcpCongestionControl.Lia => CoupledControllers.Lia,
            MptcpCongestionControl.Olia => CoupledControllers.Olia,
            MptcpCongestionControl.Balia => CoupledControllers.Balia,
            MptcpCongestionControl.WVegas => CoupledControllers.WVegas,
            _ => null,
        };

    private static IPathManager FindPathManager(MptcpEngineOptions options) =>
        PathManagerCatalog.TryFind(options.PathManager, out IPathManager? manager) ? manager
            : throw new ArgumentException($"'{options.PathManager}' is no path manager: give {PathManagerCatalog.Expected}.", nameof(options));

    private static void ThrowIfNoPort(int port)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(port, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, IPEndPoint.MaxPort);
    }

    private static IOException Failure(string message, SocketError error) => new(message, new SocketException((int)error));

    private static bool IsOpen(HostedSocket connection) =>
        connection.Socket.State is not (Tcp.TcpState.Closed or Tcp.TcpState.TimeWait);

    private async Task<MptcpStream> ConnectAsync(
        IReadOnlyList<IPAddress> addresses, string host, int port, ReadOnlyMemory<byte> firstData,
        CancellationToken cancellationToken)
    {
        ThrowIfDisposed();
        List<(LocalAddress Local, IpEndpoint Remote)> attempts = [];
        SocketError last = SocketError.HostNotFound;
        foreach (IPAddress address in addresses)
        {
            var remote = new IpEndpoint(IpAddress.From(address), (ushort)port);
            if (_paths.WhyUnreachable(address) is { } reason)
                last = reason;
            else
                attempts.AddRange(_paths.Addresses.Where(a => a.Address.IsV4 == remote.Address.IsV4).Select(a => (a, remote)));
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_options.ConnectTimeout);
        IpEndpoint? refusedBy = null;
        foreach ((LocalAddress local, IpEndpoint remote) in attempts)
        {
            // A refusal is the peer's own word: asking again from another path is of no use.
            if (refusedBy == remote || limit.IsCancellationRequested)
                continue;
            bool isLast = remote == attempts[^1].Remote && local == attempts[^1].Local;
            (HostedSocket? socket, last) = await TryConnectAsync(local, remote, firstData, isLast, limit.Token)
                .ConfigureAwait(false);
            if (socket is not null)
                return await AdoptAsync(socket).ConfigureAwait(false);
            refusedBy = last == SocketError.ConnectionRefused ? remote : null;
            cancellationToken.ThrowIfCancellationRequested();
        }

        throw Failure(Explain(last, host, port), last);
    }

    private async Task<(HostedSocket? Socket, SocketError Error)> TryConnectAsync(
        LocalAddress local, IpEndpoint remote, ReadOnlyMemory<byte> firstData, bool isLast,
        CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (!isLast)
            limit.CancelAfter(_attemptLimit);
        try
        {
            HostedSocket socket = await HostedSocket.ConnectAsync(
                _loop, local, remote, firstData, _options.FastOpen, limit.Token).ConfigureAwait(false);
            return (socket, default);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            return (null, SocketError.TimedOut);
        }
        catch (OperationCanceledException)
        {
            throw new ObjectDisposedException(nameof(MptcpEngine));
        }
        catch (IOException e) when (e.InnerException is SocketException inner)
        {
            return (null, inner.SocketErrorCode);
        }
    }

    // A name is followed by its port as in a URL; so is an address, the longer form in brackets.
    private static string Explain(SocketError error, string host, int port)
    {
        string peer = host.Contains(':', StringComparison.Ordinal) ? $"[{host}]:{port}" : $"{host}:{port}";
        return error switch
        {
            SocketError.ConnectionRefused => $"{peer} refused the connection",
            SocketError.TimedOut => $"{peer} did not answer",
            SocketError.HostUnreachable => $"{peer} cannot be reached by any path",
            SocketError.AddressFamilyNotSupported => $"{peer} cannot be reached: no path has an address of its family",
            SocketError.HostNotFound => $"host '{host}' has no address",
            SocketError.AddressAlreadyInUse => $"no local port is free for {peer}",
            _ => $"{peer}: {new SocketException((int)error).Message}",
        };
    }

    private async Task<MptcpStream> AdoptAsync(HostedSocket socket)
    {
        await _loop.RunAsync((_, _) =>
        {
            _connections.RemoveAll(connection => !IsOpen(connection));
            _connections.Add(socket);
            return new Attempt<bool>(true, true);
        }).ConfigureAwait(false);
        return new MptcpStream(this, socket);
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
}
