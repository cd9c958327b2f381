using Mptcp.Stack;
using Mptcp.Tcp;
using Mptcp.Wire;
using static Mptcp.Native.Errno;

namespace Mptcp.Native;

/// <summary>The sockets of a stack by their numbers, and the ports that they are bound to.</summary>
internal sealed class SocketTable(NativeStack host, IEntropySource entropy)
{
    // 0 to 2 mean something else to every reader of a trace.
    private const int FirstNumber = 3;
    private const int Limit = 65_536;

    // net.ipv4.ip_local_port_range
    private const int FirstEphemeral = 32_768;
    private const int LastEphemeral = 60_999;
    private readonly List<NativeSocket?> _sockets = [];
    private readonly Dictionary<StackSocket, NativeSocket> _byStream = [];
    private int _lowestFree;

    /// <summary>The places of the table; those without a socket are null.</summary>
    public IReadOnlyList<NativeSocket?> All => _sockets;

    public NativeSocket? Find(int number) =>
        number >= FirstNumber && number - FirstNumber < _sockets.Count ? _sockets[number - FirstNumber] : null;

    public NativeSocket? Find(StackSocket stream) => _byStream.GetValueOrDefault(stream);

    /// <summary>A new socket: its number, or an errno.</summary>
    public int Open(int domain, int type, int protocol)
    {
        if (domain is not (Families.AF_INET or Families.AF_INET6))
        {
            return -EAFNOSUPPORT;
        }

        const int Flags = Families.SOCK_NONBLOCK | Families.SOCK_CLOEXEC;
        int kind = type & ~Flags;
        if (kind is < 0 or >= Families.SOCK_MAX)
        {
            return -EINVAL;
        }

        if (kind != Families.SOCK_STREAM)
        {
            return -ESOCKTNOSUPPORT;
        }

        return protocol switch
        {
            Families.IPPROTO_IP or Families.IPPROTO_TCP => Add(new NativeSocket(host, domain, Families.IPPROTO_TCP)),
            Families.IPPROTO_MPTCP => Add(new NativeSocket(host, domain, Families.IPPROTO_MPTCP)),
            < 0 or > 262 => -EINVAL,
            _ => -EPROTONOSUPPORT,
        };
    }

    /// <summary>Gives a socket the lowest free number.</summary>
    public int Add(NativeSocket socket)
    {
        while (_lowestFree < _sockets.Count && _sockets[_lowestFree] is not null)
        {
            _lowestFree++;
        }

        if (_lowestFree == Limit)
        {
            return -EMFILE;
        }

        if (_lowestFree == _sockets.Count)
        {
            _sockets.Add(null);
        }

        _sockets[_lowestFree] = socket;
        socket.Number = _lowestFree + FirstNumber;
        return socket.Number;
    }

    public void Remove(NativeSocket socket)
    {
        _sockets[socket.Number - FirstNumber] = null;
        _lowestFree = Math.Min(_lowestFree, socket.Number - FirstNumber);
    }

    public void Attach(StackSocket stream, NativeSocket socket) => _byStream[stream] = socket;

    public void Detach(StackSocket stream) => _byStream.Remove(stream);

    /// <summary>A port that nothing uses, for a socket that wants any; 0 when there is none.</summary>
    public ushort DrawPort(NativeSocket socket, IpAddress? address)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ushort)];
        entropy.Fill(bytes);
        const int Range = LastEphemeral - FirstEphemeral + 1;
        int start = BitConverter.ToUInt16(bytes) % Range;
        for (int i = 0; i < Range; i++)
        {
            ushort port = (ushort)(FirstEphemeral + (start + i) % Range);
            if (!Conflicts(socket, address, port, anyReuse: false))
            {
                return port;
            }
        }

        return 0;
    }

    /// <summary>
    /// Whether a socket may not be bound to a place, as Linux has it: another one is, at an address that overlaps, and they
    /// did not both say SO_REUSEADDR with none of them listening, or both SO_REUSEPORT.
    /// </summary>
    public bool Conflicts(NativeSocket socket, IpAddress? address, ushort port, bool anyReuse = true)
    {
        bool taken = false;
        foreach (NativeSocket? other in _sockets)
        {
            if (other is null || other == socket || !other.IsBoundTo(port) || !Overlap(address, socket, other))
            {
                continue;
            }

            bool shared = anyReuse
                && ((socket.ReuseAddress && other.ReuseAddress && !other.IsListening) || (socket.ReusePort && other.ReusePort));
            if (!shared)
            {
                return true;
            }

            taken = true;
        }

        // Connections that no socket has any more keep their port as well.
        IpAddress? asked = address is { IsUnspecified: false } ? address : null;
        return !taken && !(anyReuse && (socket.ReuseAddress || socket.ReusePort)) && host.Stack.IsInUse(asked, port);
    }

    private static bool Overlap(IpAddress? address, NativeSocket socket, NativeSocket other)
    {
        IpAddress theirs = other.BoundAddress;
        IpAddress ours = address ?? theirs;
        return ours == theirs
            || (ours.IsUnspecified && (ours.IsV4 == theirs.IsV4 || (ours.IsV6 && !socket.OnlyV6)))
            || (theirs.IsUnspecified && (ours.IsV4 == theirs.IsV4 || (theirs.IsV6 && !other.OnlyV6)));
    }
}
