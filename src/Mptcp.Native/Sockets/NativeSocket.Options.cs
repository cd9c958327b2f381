using System.Runtime.InteropServices;
using System.Text;
using Mptcp.Stack;
using Mptcp.Tcp;
using static Mptcp.Native.Errno;
using static Mptcp.Native.Levels;
using static Mptcp.Native.ProtocolNames;
using static Mptcp.Native.SocketNames;

namespace Mptcp.Native;

/// <content>setsockopt and getsockopt: what each option takes, gives, and changes.</content>
internal sealed partial class NativeSocket
{
    private const int IntLength = sizeof(int);
    private const int LingerLength = 2 * sizeof(int);

    // TCP_MSS_DEFAULT, MAX_TCP_KEEPIDLE and so on, of Linux.
    private const int DefaultSegment = 536;
    private const int LeastSegment = 88;
    private const int LargestSegment = 32_767;
    private const int LongestKeepAlive = 32_767;
    private const int MostKeepAliveProbes = 127;
    private const int LeastBuffer = 2304;
    private const int LeastSendBuffer = 4608;
    private const int LargestFastOpen = 4096;
    private const int ControllerNameLength = 16;
    private SocketOptions _options;
    private Settings _settings = new();
    private bool _more;

    /// <summary>What a socket remembers beside what it tells its connection.</summary>
    private readonly record struct Settings()
    {
        public bool ReuseAddress { get; init; }

        public bool ReusePort { get; init; }

        public bool OnlyV6 { get; init; }

        /// <summary>SO_LINGER in seconds; -1 when it is off.</summary>
        public int Linger { get; init; } = -1;

        public int FastOpen { get; init; }

        public bool FastOpenConnect { get; init; }

        /// <summary>TCP_NOTSENT_LOWAT; 0: without limit.</summary>
        public int NotSentLowat { get; init; }

        public bool Inq { get; init; }

        public int Mark { get; init; }

        public int Priority { get; init; }

        public bool QuickAck { get; init; } = true;

        public int ReceiveBuffer { get; init; } = 131_072;

        public int SendBuffer { get; init; } = 16_384;

        public int TypeOfService { get; init; }
    }

    /// <summary>Whether it was made for Multipath TCP.</summary>
    public bool IsOfMultipath => _protocol == Families.IPPROTO_MPTCP;

    /// <summary>Whether reads are to say how much more there is.</summary>
    public bool Inq => _settings.Inq;

    public int SetOption(int level, int name, ReadOnlySpan<byte> value)
    {
        int failure = (level, name) switch
        {
            (SOL_SOCKET, SO_LINGER) => SetLinger(value),
            (SOL_TCP, TCP_CONGESTION) => SetCongestion(value),
            (SOL_IP, IP_TOS) => SetTypeOfService(value.Length >= IntLength ? ReadInt(value) : value.IsEmpty ? 0 : value[0]),
            (SOL_SOCKET or SOL_TCP or SOL_IPV6, _) when value.Length < IntLength => -EINVAL,
            (SOL_SOCKET, _) => SetOfSocket(name, ReadInt(value)),
            (SOL_TCP, _) => SetOfTcp(name, ReadInt(value)),
            (SOL_IPV6, _) when _domain == Families.AF_INET6 => SetOfV6(name, ReadInt(value)),
            _ => -ENOPROTOOPT,
        };
        if (failure == 0)
        {
            Follow();
        }

        return failure;
    }

    /// <summary>Writes an option's value; returns its length, or an errno.</summary>
    public int GetOption(int level, int name, Span<byte> value)
    {
        if (level == SOL_TCP && name == TCP_CONGESTION)
        {
            Span<byte> text = stackalloc byte[ControllerNameLength];
            Encoding.ASCII.GetBytes(Congestions.NameOf(_options.CongestionControl), text);
            return Copy(text, value);
        }

        if (level == SOL_SOCKET && name == SO_LINGER)
        {
            ReadOnlySpan<int> linger = [_settings.Linger < 0 ? 0 : 1, Math.Max(_settings.Linger, 0)];
            return Copy(MemoryMarshal.AsBytes(linger), value);
        }

        if (SocketReports.TryWrite(this, _host, level, name, value, out int written))
        {
            return written;
        }

        int? number = level switch
        {
            SOL_SOCKET => GetOfSocket(name),
            SOL_TCP => GetOfTcp(name),
            SOL_IP when name == IP_TOS => _settings.TypeOfService,
            SOL_IPV6 when _domain == Families.AF_INET6 => GetOfV6(name),
            _ => null,
        };
        if (number is not { } found)
        {
            return -UnknownToGet(level);
        }

        // Options of IP that fit a byte are given as one to who has no room for more.
        bool asByte = level == SOL_IP && value.Length is > 0 and < IntLength;
        ReadOnlySpan<int> whole = [found];
        return Copy(MemoryMarshal.AsBytes(whole)[..(asByte ? 1 : IntLength)], value);
    }

    /// <summary>Whether an option is there to be read or, for options that cannot be, which errno says so.</summary>
    public int CheckGet(int level, int name)
    {
        bool known = level switch
        {
            SOL_TCP => !IsOfMultipath || name is TCP_INFO or TCP_CONGESTION || GetOfTcp(name) is not null,
            SOL_IP => name == IP_TOS || _protocol == Families.IPPROTO_TCP,
            SOL_MPTCP => IsOfMultipath && _stream is not { Info.Token: 0, WasEstablished: true } && name is >= MPTCP_INFO and <= MPTCP_FULL_INFO,
            SOL_SOCKET or SOL_IPV6 => true,
            _ => false,
        };
        return known ? 0 : -UnknownToGet(level);
    }

    private int UnknownToGet(int level) =>
        level == SOL_SOCKET || ((level is SOL_TCP or SOL_IP or SOL_IPV6) && !IsOfMultipath) ? ENOPROTOOPT : EOPNOTSUPP;

    /// <summary>Whether an option can be set at all: levels and names that are not known are refused unseen.</summary>
    public int CheckSet(int level, int name) => level switch
    {
        SOL_SOCKET when IsOfMultipath && !IsSettable(name) => -EOPNOTSUPP,
        SOL_TCP when IsOfMultipath && (name == TCP_IS_MPTCP || (GetOfTcp(name) is null && name != TCP_CONGESTION)) => -ENOPROTOOPT,
        SOL_IP when name != IP_TOS => -ENOPROTOOPT,
        SOL_SOCKET or SOL_TCP or SOL_IP => 0,
        SOL_IPV6 when _domain == Families.AF_INET6 => 0,
        _ => -ENOPROTOOPT,
    };

    private static int ReadInt(ReadOnlySpan<byte> value) => MemoryMarshal.Read<int>(value);

    private static int Copy(ReadOnlySpan<byte> from, Span<byte> to)
    {
        int length = Math.Min(from.Length, to.Length);
        from[..length].CopyTo(to);
        return length;
    }

    private static bool IsSettable(int name) => name is SO_REUSEADDR or SO_SNDBUF or SO_RCVBUF or SO_KEEPALIVE or SO_PRIORITY
        or SO_REUSEPORT or SO_MARK or SO_LINGER;

    private int SetOfSocket(int name, int value)
    {
        switch (name)
        {
            case SO_REUSEADDR:
                _settings = _settings with { ReuseAddress = value != 0 };
                return 0;
            case SO_REUSEPORT:
                _settings = _settings with { ReusePort = value != 0 };
                return 0;
            case SO_MARK:
                _settings = _settings with { Mark = value };
                return 0;
            case SO_PRIORITY:
                _settings = _settings with { Priority = value };
                return 0;
            case SO_KEEPALIVE:
                _options = _options with { KeepAlive = value != 0 };
                return 0;
            case SO_RCVBUF:
                SetReceiveBuffer(value);
                return 0;
            case SO_SNDBUF:
                SetSendBuffer(value);
                return 0;
            default:
                return -ENOPROTOOPT;
        }
    }

    private int? GetOfSocket(int name) => name switch
    {
        SO_REUSEADDR => _settings.ReuseAddress ? 1 : 0,
        SO_REUSEPORT => _settings.ReusePort ? 1 : 0,
        SO_MARK => _settings.Mark,
        SO_PRIORITY => _settings.Priority,
        SO_KEEPALIVE => _options.KeepAlive ? 1 : 0,
        SO_RCVBUF => _settings.ReceiveBuffer,
        SO_SNDBUF => _settings.SendBuffer,
        SO_ERROR => TakeError(),
        SO_TYPE => Families.SOCK_STREAM,
        SO_DOMAIN => _domain,
        SO_PROTOCOL => _protocol,
        SO_ACCEPTCONN => IsListening ? 1 : 0,
        _ => null,
    };

    private int SetOfTcp(int name, int value)
    {
        switch (name)
        {
            case TCP_NODELAY:
                _options = _options with { NoDelay = value != 0 };
                return 0;
            case TCP_CORK:
                _options = _options with { Corked = value != 0 };
                return 0;
            case TCP_MAXSEG when value != 0 && value is < LeastSegment or > LargestSegment:
                return -EINVAL;
            case TCP_MAXSEG:
                _options = _options with { MaximumSegmentSize = value };
                return 0;
            case TCP_USER_TIMEOUT when value < 0:
                return -EINVAL;
            case TCP_USER_TIMEOUT:
                _options = _options with { UserTimeout = value * Instant.Millisecond };
                return 0;
            case TCP_NOTSENT_LOWAT:
                _settings = _settings with { NotSentLowat = value };
                return 0;
            case TCP_QUICKACK:
                return SetQuickAck(value);
            case TCP_INQ when value is < 0 or > 1:
                return -EINVAL;
            case TCP_INQ:
                _settings = _settings with { Inq = value != 0 };
                return 0;
            case TCP_KEEPIDLE or TCP_KEEPINTVL or TCP_KEEPCNT:
                return SetKeepAlive(name, value);
            case TCP_FASTOPEN or TCP_FASTOPEN_CONNECT:
                return SetFastOpen(name, value);
            default:
                return -ENOPROTOOPT;
        }
    }

    private int? GetOfTcp(int name) => name switch
    {
        TCP_NODELAY => _options.NoDelay ? 1 : 0,
        TCP_CORK => _options.Corked ? 1 : 0,
        TCP_MAXSEG => SegmentSize,
        TCP_USER_TIMEOUT => (int)(_options.UserTimeout / Instant.Millisecond),
        TCP_NOTSENT_LOWAT => _settings.NotSentLowat,
        TCP_QUICKACK => _settings.QuickAck ? 1 : 0,
        TCP_INQ => _settings.Inq ? 1 : 0,
        TCP_KEEPIDLE => (int)(_options.KeepAliveIdle / Instant.Second),
        TCP_KEEPINTVL => (int)(_options.KeepAliveInterval / Instant.Second),
        TCP_KEEPCNT => _options.KeepAliveProbes,
        TCP_FASTOPEN => _settings.FastOpen,
        TCP_FASTOPEN_CONNECT => _settings.FastOpenConnect ? 1 : 0,
        TCP_IS_MPTCP => IsMultipath ? 1 : 0,
        _ => null,
    };

    /// <summary>Whether it speaks Multipath TCP: a socket of that kind that has not fallen back.</summary>
    private bool IsMultipath => _protocol == Families.IPPROTO_MPTCP
        && (_stream is null || State == TcpState.SynSent || _stream.Info.Token != 0);

    private int SegmentSize
    {
        get
        {
            if (_stream is null)
            {
                return _options.MaximumSegmentSize > 0 ? _options.MaximumSegmentSize : DefaultSegment;
            }

            var subflows = new List<Multipath.SubflowTcpInfo>();
            _stream.CopyTcpInfo(subflows);
            return subflows.Count > 0 && State != TcpState.SynSent ? subflows[0].Tcp.SegmentSize : DefaultSegment;
        }
    }

    private int SetOfV6(int name, int value)
    {
        switch (name)
        {
            case IPV6_V6ONLY when _bound.Port != 0 || _stream is not null:
                return -EINVAL;
            case IPV6_V6ONLY:
                _settings = _settings with { OnlyV6 = value != 0 };
                return 0;
            case IPV6_TCLASS when value is < -1 or > 255:
                return -EINVAL;
            case IPV6_TCLASS:
                return SetTypeOfService(Math.Max(value, 0));
            default:
                return -ENOPROTOOPT;
        }
    }

    private int? GetOfV6(int name) => name switch
    {
        IPV6_V6ONLY => _settings.OnlyV6 ? 1 : 0,
        IPV6_TCLASS => _settings.TypeOfService,
        _ => null,
    };

    private int SetLinger(ReadOnlySpan<byte> value)
    {
        if (value.Length < LingerLength)
        {
            return -EINVAL;
        }

        _settings = _settings with { Linger = ReadInt(value) != 0 ? ReadInt(value[IntLength..]) : -1 };
        return 0;
    }

    private int SetCongestion(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty)
        {
            return -EINVAL;
        }

        ReadOnlySpan<byte> name = value[..Math.Min(value.Length, ControllerNameLength - 1)];
        int end = name.IndexOf((byte)0);
        if (!Congestions.TryFind(Encoding.ASCII.GetString(end < 0 ? name : name[..end]), out Func<int, ICongestionController>? make))
        {
            return -ENOENT;
        }

        _options = _options with { CongestionControl = make };
        return 0;
    }

    private int SetTypeOfService(int value)
    {
        // The two bits of ECN are the engine's.
        _settings = _settings with { TypeOfService = value & 0xfc };
        _options = _options with { TrafficClass = (byte)(value & 0xfc) };
        return 0;
    }

    private int SetQuickAck(int value)
    {
        _settings = _settings with { QuickAck = value != 0 };
        if (value != 0)
        {
            _stream?.AcknowledgeNow();
        }

        return 0;
    }

    private int SetKeepAlive(int name, int value)
    {
        if (value < 1 || value > (name == TCP_KEEPCNT ? MostKeepAliveProbes : LongestKeepAlive))
        {
            return -EINVAL;
        }

        _options = name switch
        {
            TCP_KEEPIDLE => _options with { KeepAliveIdle = value * Instant.Second },
            TCP_KEEPINTVL => _options with { KeepAliveInterval = value * Instant.Second },
            _ => _options with { KeepAliveProbes = value },
        };
        return 0;
    }

    private int SetFastOpen(int name, int value)
    {
        if (value < 0 || _stream is not null || _deferred is not null || (name == TCP_FASTOPEN_CONNECT && (value > 1 || IsListening)))
        {
            return -EINVAL;
        }

        _settings = name == TCP_FASTOPEN
            ? _settings with { FastOpen = Math.Min(value, LargestFastOpen) }
            : _settings with { FastOpenConnect = value != 0 };
        if (_listener is not null)
        {
            _listener.FastOpenLimit = _settings.FastOpen;
        }

        return 0;
    }

    // Linux doubles what is asked for, for what the buffer itself takes; the half is the window.
    private void SetReceiveBuffer(int value)
    {
        int wanted = Math.Clamp(value, 0, _host.Options.Connection.ReceiveBuffer);
        _settings = _settings with { ReceiveBuffer = Math.Max(2 * wanted, LeastBuffer) };
        _options = _options with
        {
            Connection = _options.Connection with { ReceiveBuffer = Math.Max(wanted, LeastBuffer / 2) },
        };
    }

    private void SetSendBuffer(int value)
    {
        int wanted = Math.Clamp(value, 0, _host.Options.Connection.SendBuffer);
        _settings = _settings with { SendBuffer = Math.Max(2 * wanted, LeastSendBuffer) };
        _options = _options with
        {
            Connection = _options.Connection with { SendBuffer = Math.Max(wanted, LeastSendBuffer / 2) },
        };
    }

    /// <summary>The listener and the connection take over what may change while they run.</summary>
    private void Follow()
    {
        SocketOptions told = _more ? _options with { Corked = true } : _options;
        _stream?.Follow(_host.Now, told);
        if (_listener is not null)
        {
            _listener.Options = _options;
        }
    }
}
