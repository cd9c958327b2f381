using System.Diagnostics.CodeAnalysis;
using Mptcp.Multipath;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Stack;

/// <summary>
/// One host, sans-IO: packets in, packets out, deadlines and sockets between. Not thread-safe: one owner calls it. After
/// any input, drain <see cref="TryTransmit"/>, then read <see cref="NextTimeout"/>.
/// </summary>
public sealed partial class NetworkStack
{
    private readonly record struct ConnectionKey(IpEndpoint Local, IpEndpoint Remote);

    private readonly StackOptions _options;
    private readonly SubflowConfigurations _configurations;
    private readonly TokenTable<MptcpConnection> _tokens;
    private readonly AddressTable _addresses = new();
    private readonly LocalEndpoints _endpoints;
    private readonly SocketTable _sockets = new();
    private readonly Dictionary<ConnectionKey, (StackSocket Socket, Subflow Subflow)> _byKey = [];
    private readonly Dictionary<MptcpConnection, StackSocket> _byConnection = [];
    private readonly ListenerTable _listeners = new();
    private readonly ReplyQueue _replies;
    private readonly SynCookies _cookies;
    private readonly FastOpen _fastOpen;
    private DropReason _refusal;

    /// <summary>Makes a host without addresses.</summary>
    public NetworkStack(StackOptions options, IEntropySource entropy)
    {
        _options = options;
        _configurations = new SubflowConfigurations(options.FirstEphemeralPort, entropy);
        _tokens = new TokenTable<MptcpConnection>(entropy, options.ChooseKey);
        _cookies = new SynCookies(entropy);
        _fastOpen = new FastOpen(entropy);
        _endpoints = new LocalEndpoints(options.Connection.Limits, options.EndpointsOnly);
        Memory = new MemoryBudget(options.Memory);
        _replies = new ReplyQueue(Memory);
    }

    /// <summary>The host's addresses, in the order in which they were added.</summary>
    public IReadOnlyList<LocalAddress> Addresses => _addresses.All;

    /// <summary>What was refused.</summary>
    public DropCounters Drops { get; } = new();

    /// <summary>What the buffers of the connections take.</summary>
    public MemoryBudget Memory { get; }

    /// <summary>The connections that are not over, those that nobody has accepted or everybody has left included.</summary>
    public IReadOnlyList<StackSocket> Sockets => _sockets.All;

    /// <summary>Connections that are not closed.</summary>
    public int Connections => _sockets.All.Count;

    /// <summary>When <see cref="HandleTimeout"/> wants to be called.</summary>
    public Instant NextTimeout => _sockets.NextTimeout;

    /// <summary>Takes connections on <paramref name="port"/>; null when another listener has it.</summary>
    /// <param name="port">The port, on every address.</param>
    /// <param name="backlog">How many connections may wait to be accepted.</param>
    /// <param name="fastOpen">As <see cref="ListenOptions.FastOpen"/>.</param>
    public StackListener? TryListen(ushort port, int backlog = 128, int fastOpen = 0) =>
        TryListen(new ListenOptions { Port = port, Backlog = backlog, FastOpen = fastOpen });

    /// <summary>Takes connections; null when another listener has the same port and address.</summary>
    /// <param name="options">Where, and how.</param>
    public StackListener? TryListen(in ListenOptions options)
    {
        var listener = new StackListener(options, options.Socket ?? _options);
        return _listeners.TryAdd(listener) ? listener : null;
    }

    /// <summary>Stops taking connections. Those that were accepted live on; those that nobody can accept now are reset.</summary>
    public void Unlisten(StackListener listener)
    {
        _listeners.Remove(listener);
        while (listener.TryAccept(out StackSocket waiting))
        {
            waiting.Abort();
        }

        foreach (StackSocket socket in _sockets.All)
        {
            if (socket.Listener == listener)
            {
                socket.Listener = null;
                socket.Abort();
            }
        }
    }

    /// <summary>
    /// Opens a connection whose initial subflow leaves from <paramref name="local"/>, one of <see cref="Addresses"/>;
    /// further subflows leave from the others. Null when its ports are all in use, or the memory is.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="local">Where it leaves from.</param>
    /// <param name="remote">The peer.</param>
    /// <param name="fastOpen">As <see cref="ConnectOptions.FastOpen"/>.</param>
    public StackSocket? TryConnect(Instant now, LocalAddress local, IpEndpoint remote, bool fastOpen = false) =>
        TryConnect(now, local, remote, new ConnectOptions { FastOpen = fastOpen });

    /// <summary>The same, with more to say.</summary>
    /// <param name="now">The time.</param>
    /// <param name="local">Where it leaves from.</param>
    /// <param name="remote">The peer.</param>
    /// <param name="options">How.</param>
    public StackSocket? TryConnect(Instant now, LocalAddress local, IpEndpoint remote, in ConnectOptions options)
    {
        SocketOptions told = options.Socket ?? _options;
        if (_addresses.Find(local.Address) < 0 || !HasMemory
            || !TryConfigure(now, told, (local.Address, options.Port), local.Link, remote, out TcpConfiguration? configuration))
        {
            return null;
        }

        StackSocket socket = Add(told, listener: null);
        if (options.FastOpen)
        {
            socket.Told = _fastOpen.Find(now, local.Address, remote);
            configuration = configuration with { FastOpen = socket.Told };
        }

        Index(socket, socket.Connection.Connect(now, configuration, local.Link));
        return socket;
    }

    /// <summary>Takes one IP packet that arrived on <paramref name="link"/>; <see cref="Drops"/> says what came of it.</summary>
    public void HandlePacket(Instant now, int link, ReadOnlySpan<byte> packet)
    {
        _refusal = DropReason.LinkDown;
        if (IsUp(link))
        {
            _refusal = DropReason.None;
            Dispatch(now, link, packet);
            CountForPolicies(now, link, packet.Length);
        }

        Drops.Count(_refusal);
    }

    private void Dispatch(Instant now, int link, ReadOnlySpan<byte> packet)
    {
        if (!IpPacket.TryParse(packet, out IpPacket ip, out DropReason reason))
        {
            _refusal = reason;
        }
        else if (ip.Protocol is IpProtocol.Icmp or IpProtocol.IcmpV6)
        {
            HandleIcmp(now, ip);
        }
        else if (TcpSegment.TryParse(ip, out TcpSegment segment, out reason))
        {
            HandleSegment(now, link, segment);
        }
        else
        {
            _refusal = reason;
        }
    }

    /// <summary>Runs what is due at <paramref name="now"/>.</summary>
    public void HandleTimeout(Instant now)
    {
        _sockets.HandleTime(now);
        for (int i = _sockets.Awake.Count - 1; i >= 0; i--)
        {
            StackSocket socket = _sockets.Awake[i];
            if (socket.NextTimeout <= now)
            {
                socket.Connection.HandleTimeout(now);
                Update(now, socket);
            }
        }
    }

    /// <summary>
    /// Writes the next packet into <paramref name="buffer"/> (at least the largest MTU) and says its link. False when
    /// nothing may leave now.
    /// </summary>
    public bool TryTransmit(Instant now, Span<byte> buffer, out int link, out int length)
    {
        if (_replies.TryTransmit(buffer, out link, out length))
        {
            return true;
        }

        FollowEndpoints(now);
        _sockets.HandleTime(now);
        for (StackSocket? socket = _sockets.First(); socket is not null; socket = _sockets.After(socket))
        {
            if (TryTransmitFrom(socket, now, buffer, out link, out length))
            {
                _sockets.HandleSent(socket);
                CountForPolicies(now, link, length);
                return true;
            }
        }

        ForgetEnded();
        (link, length) = (-1, 0);
        return false;
    }

    private bool TryTransmitFrom(StackSocket socket, Instant now, Span<byte> buffer, out int link, out int length)
    {
        while (socket.TryTransmit(now, buffer, out length, out Subflow? subflow))
        {
            Update(now, socket);
            link = subflow!.Path;
            if (IsUp(link))
            {
                return true;
            }
        }

        _sockets.Sleep(socket);
        Update(now, socket);
        link = -1;
        return false;
    }

    private void ForgetEnded()
    {
        while (_sockets.TryTakeOver(out StackSocket? over))
        {
            _byConnection.Remove(over!.Connection);
            over.Connection.ReleaseMemory();
        }
    }

    private void HandleSegment(Instant now, int link, in TcpSegment segment)
    {
        var key = new ConnectionKey(segment.Destination, segment.Source);
        if (_byKey.TryGetValue(key, out (StackSocket Socket, Subflow Subflow) found))
        {
            if (!found.Subflow.TryReuse(segment))
            {
                _refusal = found.Socket.Connection.HandleSegment(now, found.Subflow, segment);
                Update(now, found.Socket);
                return;
            }

            _byKey.Remove(key);
        }

        if (_addresses.Find(segment.Destination.Address) < 0)
        {
            _refusal = DropReason.NotForUs;
        }
        else if (!TryOpen(now, link, segment))
        {
            _refusal = _refusal == DropReason.None ? DropReason.NoConnection : _refusal;
            _replies.AddReset(link, segment);
        }
    }

    private void HandleIcmp(Instant now, in IpPacket packet)
    {
        if (!IcmpMessage.TryParse(packet, out IcmpMessage message, out DropReason reason))
        {
            _refusal = reason;
        }
        else if (_byKey.TryGetValue(
            new ConnectionKey(message.Source, message.Destination), out (StackSocket Socket, Subflow Subflow) found))
        {
            _refusal = found.Socket.Connection.HandleIcmp(now, found.Subflow, message);
            Update(now, found.Socket);
        }
        else
        {
            _refusal = DropReason.NoConnection;
        }
    }

    /// <summary>A segment without a connection: a join, a new connection, or false for one that deserves a RST.</summary>
    private bool TryOpen(Instant now, int link, in TcpSegment segment)
    {
        if (!segment.Syn || segment.Ack || segment.Rst)
        {
            return segment is { Ack: true, Syn: false, Rst: false } && TryOpenByCookie(now, link, segment);
        }

        if (MptcpConnection.TryGetToken(segment, out uint token))
        {
            HandleJoin(now, link, token, segment);
            return true;
        }

        if (!_listeners.TryFind(segment.Destination, out StackListener? listener))
        {
            return false;
        }

        if (listener.HasRoom && HasMemory)
        {
            TcpConfiguration configuration = Configure(now, listener.Options, link, segment.Destination, segment.Source) with
            {
                FastOpen = _fastOpen.Answer(now, listener, segment),
            };
            Accept(now, listener, link, segment, configuration, key: null);
        }
        else if (listener.Ready < listener.Backlog && HasMemory)
        {
            AnswerWithCookie(now, listener, link, segment);
        }
        else
        {
            _refusal = HasMemory ? DropReason.BacklogFull : DropReason.NoMemory;
        }

        // A listener that nobody accepts from, and a host without memory, stay silent: the peer's SYN comes again.
        return true;
    }

    private StackSocket Accept(
        Instant now, StackListener listener, int link, in TcpSegment syn, TcpConfiguration configuration, ulong? key)
    {
        listener.HalfOpen++;
        StackSocket socket = Add(listener.Options, listener);
        Index(socket, socket.Connection.Accept(now, syn, configuration, link, key));
        if (socket.FastOpened)
        {
            socket.Opening = listener.FastOpen;
            listener.FastOpen.Begin();
        }

        return socket;
    }

    /// <summary>Answers a SYN without keeping anything of it (RFC 4987 §3.6).</summary>
    private void AnswerWithCookie(Instant now, StackListener listener, int link, in TcpSegment syn)
    {
        _ = TcpOptions.TryParse(syn.Options, out TcpOptions options);
        SynCookie cookie = _cookies.Make(now, syn, options);
        MptcpSettings settings = listener.Options.Connection;
        TcpConfiguration configuration =
            Configure(now, listener.Options, link, syn.Destination, syn.Source) with { TimestampOffset = OffsetOf(cookie) };
        byte[] answer = SynCookieSegment.AnswerOptions(
            now, syn, options, cookie, configuration, settings, _tokens.IsFree(cookie.Key));
        _replies.Add(link, answer, SynCookieSegment.AnswerHeader(syn, cookie, settings.ReceiveBuffer));
    }

    /// <summary>Opens the connection of a SYN that was answered with a cookie, by the ACK that brings the cookie back.</summary>
    private bool TryOpenByCookie(Instant now, int link, in TcpSegment ack)
    {
        _ = TcpOptions.TryParse(ack.Options, out TcpOptions options);
        if (!_listeners.TryFind(ack.Destination, out StackListener? listener) || !_cookies.InUse(now))
        {
            return false;
        }

        if (!_cookies.TryOpen(now, ack, options, out SynCookie cookie))
        {
            // Data may have overtaken the segment that brings the cookie; a RST would be the end of its connection.
            _refusal = DropReason.BadCookie;
            return !ack.Payload.IsEmpty;
        }

        if (listener.Ready >= listener.Backlog || !HasMemory)
        {
            // The ACK or the data comes again.
            _refusal = HasMemory ? DropReason.BacklogFull : DropReason.NoMemory;
            return true;
        }

        TcpConfiguration configuration = Configure(now, listener.Options, link, ack.Destination, ack.Source) with
        {
            InitialSequenceNumber = cookie.Sequence,
            TimestampOffset = OffsetOf(cookie),
        };

        // What the SYN and its answer would have left behind is made by having both again, the answer for nobody.
        Span<byte> room = stackalloc byte[SynCookieSegment.Room];
        int length = SynCookieSegment.Restore(room, ack, options, cookie);
        if (!IpPacket.TryParse(room[..length], out IpPacket packet, out _) || !TcpSegment.TryParse(packet, out TcpSegment syn, out _))
        {
            throw new InvalidOperationException("A segment of our own making is not one.");
        }

        StackSocket socket = Accept(now, listener, link, syn, configuration, cookie.Key);
        Span<byte> unsent = stackalloc byte[SynCookieSegment.Room];
        Instant then = now + -SynCookieSegment.RoundTrip(now, options, configuration);
        socket.Connection.TryTransmit(then, unsent, out _, out Subflow? subflow);
        socket.Connection.HandleSegment(now, subflow!, ack);
        Update(now, socket);
        return true;
    }

    private static uint OffsetOf(in SynCookie cookie) => (uint)(cookie.Key >> 32);

    private StackSocket Add(SocketOptions options, StackListener? listener)
    {
        var connection = new MptcpConnection(options.Connection, _tokens, _endpoints, Memory);
        var socket = new StackSocket(connection, options, listener, _sockets);
        _sockets.Add(socket);
        _byConnection.Add(connection, socket);
        return socket;
    }

    private bool HasMemory => Memory.Used + MptcpConnection.InitialMemory <= Memory.Limit;

    private void Index(StackSocket socket, Subflow subflow) =>
        _byKey.Add(new ConnectionKey(subflow.Local, subflow.Remote), (socket, subflow));

    /// <summary>Does what a connection asks for: subflows to open, those that are over to forget, itself to be accepted.</summary>
    private void Update(Instant now, StackSocket socket)
    {
        while (socket.TryTakeJoin(out JoinRequest request))
        {
            if (TryConfigure(
                now, socket.Options, (request.From.Address, 0), request.From.Link, request.Remote, out TcpConfiguration? configuration))
            {
                Index(socket, socket.Connection.Join(now, request, configuration, request.From.Link));
            }
        }

        while (socket.TryTakeEnded(out Subflow? ended))
        {
            // Its addresses and ports may have a new owner already (RFC 6191).
            var key = new ConnectionKey(ended!.Local, ended.Remote);
            if (_byKey.TryGetValue(key, out (StackSocket Socket, Subflow Subflow) owner) && owner.Subflow == ended)
            {
                _byKey.Remove(key);
            }
        }

        _fastOpen.Settle(now, socket);
        if (socket.Listener is { } listener && (socket.FastOpened || socket.State != TcpState.SynReceived))
        {
            listener.HalfOpen--;
            socket.Listener = null;
            if (socket.State != TcpState.Closed)
            {
                listener.Add(socket);
            }
        }
    }

    private bool TryConfigure(
        Instant now, SocketOptions options, (IpAddress Address, ushort Port) local, int link, IpEndpoint remote,
        [NotNullWhen(true)] out TcpConfiguration? configuration)
    {
        configuration = null;
        foreach (ushort port in local.Port > 0 ? [local.Port] : _configurations.EphemeralPorts())
        {
            var endpoint = new IpEndpoint(local.Address, port);
            if (!_byKey.ContainsKey(new ConnectionKey(endpoint, remote)))
            {
                configuration = Configure(now, options, link, endpoint, remote);
                return true;
            }
        }

        return false;
    }

    private TcpConfiguration Configure(Instant now, SocketOptions options, int link, IpEndpoint local, IpEndpoint remote) =>
        _configurations.Make(now, options, _addresses.MtuOf(link), local, remote);
}
