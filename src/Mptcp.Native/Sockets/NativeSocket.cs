using Mptcp.Multipath;
using Mptcp.Stack;
using Mptcp.Tcp;
using Mptcp.Wire;
using static Mptcp.Native.Errno;

namespace Mptcp.Native;

/// <summary>
/// One socket with the meaning that Linux gives it: a name for a listener or a byte stream of the stack, the options that
/// it will tell them, and the errno of each call in each state. Methods give what the C functions give.
/// </summary>
internal sealed partial class NativeSocket
{
    // net.core.somaxconn
    private const int MaxBacklog = 4096;
    private readonly NativeStack _host;
    private readonly int _domain;
    private readonly int _protocol;
    private IpEndpoint _bound;
    private bool _explicitAddress;
    private StackListener? _listener;
    private StackSocket? _stream;
    private IpEndpoint? _deferred;
    private bool _connecting;
    private bool _readShut;
    private bool _writeShut;
    private bool _errorTold;
    private int _error;

    public NativeSocket(NativeStack host, int domain, int protocol)
    {
        (_host, _domain, _protocol) = (host, domain, protocol);
        _bound = new IpEndpoint(AnyAddress, 0);
        _options = host.Options with
        {
            Connection = host.Options.Connection with { Multipath = protocol == Families.IPPROTO_MPTCP },
        };
    }

    /// <summary>A connection that was accepted: it has the options of its listener.</summary>
    private NativeSocket(NativeSocket listener, StackSocket stream)
        : this(listener._host, listener._domain, stream.Info.Token != 0 ? listener._protocol : Families.IPPROTO_TCP)
    {
        _settings = listener._settings;
        (_options, _stream, _bound, _explicitAddress) = (stream.Options, stream, stream.Local, true);
        _host.Sockets.Attach(stream, this);
    }

    /// <summary>Its number.</summary>
    public int Number { get; set; }

    public StackSocket? Stream => _stream;

    public bool IsListening => _listener is not null;

    public bool ReuseAddress => _settings.ReuseAddress;

    public bool ReusePort => _settings.ReusePort;

    public bool OnlyV6 => _domain == Families.AF_INET6 && _settings.OnlyV6;

    public IpAddress BoundAddress => _bound.Address;

    /// <summary>What poll said when it was asked last for an event.</summary>
    public int LastMask { get; set; }

    /// <summary>Whether the end of the connection was told as an event.</summary>
    public bool EndTold { get; set; }

    private IpAddress AnyAddress => _domain == Families.AF_INET ? IpAddress.AnyV4 : IpAddress.AnyV6;

    private TcpState State => _stream?.State ?? TcpState.Closed;

    private bool IsOpening => _stream is not null && State is TcpState.SynSent or TcpState.SynReceived && !_stream!.FastOpened;

    /// <summary>Whether it is bound to this port, by itself or by its connection.</summary>
    public bool IsBoundTo(ushort port) => _bound.Port == port;

    public int Bind(ReadOnlySpan<byte> address)
    {
        int least = _domain == Families.AF_INET ? SocketAddresses.V4Length : SocketAddresses.ShortV6Length;
        if (address.Length < least)
        {
            return -EINVAL;
        }

        int family = SocketAddresses.FamilyOf(address);
        if (family != _domain)
        {
            // Old programs leave the family of 0.0.0.0 out.
            bool any = family == Families.AF_UNSPEC && _domain == Families.AF_INET && !address.Slice(4, 4).ContainsAnyExcept((byte)0);
            if (!any)
            {
                return -EAFNOSUPPORT;
            }
        }

        var place = new IpEndpoint(ReadAddress(address), System.Buffers.Binary.BinaryPrimitives.ReadUInt16BigEndian(address[2..]));
        if (place.Address.IsV4 && _domain == Families.AF_INET6 && OnlyV6)
        {
            return -EINVAL;
        }

        if (!place.Address.IsUnspecified && !place.Address.IsMulticastOrBroadcast && !_host.IsLocal(place.Address))
        {
            return -EADDRNOTAVAIL;
        }

        return _bound.Port != 0 || _stream is not null || IsListening ? -EINVAL : Bind(place);
    }

    public int Listen(int backlog)
    {
        // Linux takes the number as unsigned, and lets one more wait than it says.
        int wanted = 1 + (int)Math.Min((uint)backlog, MaxBacklog);
        if (_listener is not null)
        {
            _listener.Backlog = wanted;
            return 0;
        }

        if (_stream is not null || _deferred is not null)
        {
            return -EINVAL;
        }

        if (_bound.Port == 0 && Bind(_bound) is < 0 and int failure)
        {
            return failure;
        }

        _listener = _host.Stack.TryListen(new ListenOptions
        {
            Port = _bound.Port,
            Address = _bound.Address is { IsUnspecified: true, IsV6: true } && !OnlyV6 ? null : _bound.Address,
            Backlog = wanted,
            FastOpen = _settings.FastOpen,
            Socket = _options,
        });
        return _listener is null ? -EADDRINUSE : 0;
    }

    public int Accept(out IpEndpoint peer)
    {
        peer = default;
        if (_listener is null)
        {
            return -EINVAL;
        }

        if (!_listener.TryAccept(out StackSocket stream))
        {
            return -EAGAIN;
        }

        var accepted = new NativeSocket(this, stream);
        int number = _host.Sockets.Add(accepted);
        if (number < 0)
        {
            stream.Abort();
            _host.Sockets.Detach(stream);
            return number;
        }

        peer = accepted.Present(stream.Remote);
        return number;
    }

    /// <summary>Closes what was accepted a moment ago; returns <paramref name="failure"/>.</summary>
    public int CloseAccepted(int number, int failure)
    {
        _host.Sockets.Find(number)!.Close();
        return failure;
    }

    public int Connect(ReadOnlySpan<byte> address)
    {
        if (address.Length < SocketAddresses.FamilyLength)
        {
            return -EINVAL;
        }

        int family = SocketAddresses.FamilyOf(address);
        if (family == Families.AF_UNSPEC)
        {
            return Disconnect();
        }

        if (_deferred is not null)
        {
            return -EISCONN;
        }

        if (_stream is not null)
        {
            return ConnectAgain();
        }

        if (_listener is not null)
        {
            return -EISCONN;
        }

        int failure = ReadPeer(address, out IpEndpoint remote);
        return failure < 0 ? failure : Connect(remote);
    }

    public int Shutdown(int how)
    {
        if (how is < CallNames.SHUT_RD or > CallNames.SHUT_RDWR)
        {
            return -EINVAL;
        }

        bool reads = how != CallNames.SHUT_WR;
        if (_listener is not null)
        {
            return reads ? Unlisten() : 0;
        }

        if (_stream is null || _stream.State == TcpState.Closed)
        {
            return -ENOTCONN;
        }

        if (IsOpening)
        {
            Disconnect();
            return 0;
        }

        _readShut |= reads;
        if (how != CallNames.SHUT_RD && !_writeShut)
        {
            _writeShut = true;
            _stream.CompleteWrites();
        }

        return 0;
    }

    public int Close()
    {
        _host.Sockets.Remove(this);
        Unlisten();
        if (_stream is { } stream)
        {
            _host.Sockets.Detach(stream);
            if (_settings.Linger == 0)
            {
                stream.Abort();
            }
            else
            {
                stream.Close(_host.Now);
            }
        }

        return 0;
    }

    /// <summary>Our name, as this socket's family has it.</summary>
    public IpEndpoint Name => Present(_stream?.Local ?? _bound);

    /// <summary>The peer's name; false when there is none.</summary>
    public bool TryGetPeer(out IpEndpoint peer)
    {
        bool known = _stream is not null && State is not (TcpState.Closed or TcpState.SynSent);
        peer = known ? Present(_stream!.Remote) : default;
        return known;
    }

    private IpAddress ReadAddress(ReadOnlySpan<byte> address) => _domain == Families.AF_INET
        ? IpAddress.FromBytes(address.Slice(4, 4))
        : SocketAddresses.FromMapped(IpAddress.FromBytes(address.Slice(8, 16)));

    /// <summary>The peer that connect names.</summary>
    private int ReadPeer(ReadOnlySpan<byte> address, out IpEndpoint remote)
    {
        remote = default;
        int family = SocketAddresses.FamilyOf(address);
        int least = _domain == Families.AF_INET ? SocketAddresses.V4Length : SocketAddresses.ShortV6Length;
        if (address.Length < least)
        {
            return -EINVAL;
        }

        if (family != _domain)
        {
            return -EAFNOSUPPORT;
        }

        IpAddress peer = ReadAddress(address);
        remote = new IpEndpoint(peer, System.Buffers.Binary.BinaryPrimitives.ReadUInt16BigEndian(address[2..]));
        return peer.IsMulticastOrBroadcast || (peer.IsV4 && OnlyV6) ? -ENETUNREACH : 0;
    }

    private int Bind(IpEndpoint place)
    {
        ushort port = place.Port > 0 ? place.Port : _host.Sockets.DrawPort(this, place.Address);
        if (port == 0 || (place.Port > 0 && _host.Sockets.Conflicts(this, place.Address, port)))
        {
            return -EADDRINUSE;
        }

        (_bound, _explicitAddress) = (new IpEndpoint(place.Address, port), !place.Address.IsUnspecified);
        return 0;
    }

    private int Connect(IpEndpoint remote)
    {
        LocalAddress? local = _bound.Address.IsUnspecified ? _host.Route(remote.Address) : _host.Find(_bound.Address);
        if (local is null || local.Value.Address.IsV4 != remote.Address.IsV4 || !_host.Stack.IsUp(local.Value.Link))
        {
            return -ENETUNREACH;
        }

        if (_settings.FastOpenConnect && _host.Stack.HasFastOpenCookie(_host.Now, local.Value.Address, remote))
        {
            _deferred = remote;
            return 0;
        }

        int failure = Open(remote, local.Value, _settings.FastOpenConnect);
        return failure < 0 ? failure : -EINPROGRESS;
    }

    private int Open(IpEndpoint remote, LocalAddress local, bool fastOpen)
    {
        _stream = _host.Stack.TryConnect(
            _host.Now, local, remote, new ConnectOptions { Port = _bound.Port, FastOpen = fastOpen, Socket = _options });
        if (_stream is null)
        {
            return _host.Stack.Memory.Used + MptcpConnection.InitialMemory > _host.Stack.Memory.Limit ? -ENOBUFS : -EADDRNOTAVAIL;
        }

        (_bound, _connecting, _errorTold, _readShut, _writeShut, EndTold) = (_stream.Local, true, false, false, false, false);
        _host.Sockets.Attach(_stream, this);
        return 0;
    }

    /// <summary>A second connect tells the outcome of the first.</summary>
    private int ConnectAgain()
    {
        if (!_connecting)
        {
            return -EISCONN;
        }

        if (IsOpening)
        {
            return -EALREADY;
        }

        _connecting = false;
        if (State != TcpState.Closed)
        {
            return 0;
        }

        int error = TakeError();
        Disconnect();
        return error == 0 ? -ECONNABORTED : -error;
    }

    /// <summary>Forgets the connection; the socket is as after bind.</summary>
    private int Disconnect()
    {
        if (_listener is not null)
        {
            return Unlisten();
        }

        if (_stream is { } stream)
        {
            bool stood = State is not (TcpState.Closed or TcpState.SynSent);
            _host.Sockets.Detach(stream);
            stream.Abort();
            if (_protocol == Families.IPPROTO_TCP)
            {
                // The port stays, the address goes with the route that gave it; and the abort counts as an error.
                _bound = _explicitAddress ? _bound : new IpEndpoint(AnyAddress, _bound.Port);
                _error = stood ? ECONNRESET : _error;
            }
        }

        (_stream, _deferred, _connecting, _readShut, _writeShut) = (null, null, false, false, false);
        return 0;
    }

    private int Unlisten()
    {
        if (_listener is not null)
        {
            _host.Stack.Unlisten(_listener);
            _listener = null;
        }

        return 0;
    }

    /// <summary>An IPv6 socket calls IPv4 addresses by their mapped names.</summary>
    private IpEndpoint Present(IpEndpoint endpoint) => _domain == Families.AF_INET6 && endpoint.Address.IsV4
        ? new IpEndpoint(SocketAddresses.ToMapped(endpoint.Address), endpoint.Port)
        : endpoint;
}
