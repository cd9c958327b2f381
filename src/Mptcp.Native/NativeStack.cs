using Mptcp.Multipath;
using Mptcp.Stack;
using Mptcp.Tcp;
using Mptcp.Wire;
using static Mptcp.Native.Errno;

namespace Mptcp.Native;

/// <summary>
/// One stack behind the C interface: its clock, its interfaces, what has left it, and its sockets. Packets leave at once,
/// in the call that makes them possible, as they do from a kernel. Methods give what the C functions give.
/// </summary>
internal sealed class NativeStack
{
    // Longer than any clock runs, and far from the end of 64 bits in nanoseconds.
    private const long LastMicrosecond = 4_000_000_000_000_000;
    private const int LeastMtuV4 = 576;
    private const int LeastMtuV6 = 1280;
    private const int LongestPacket = ushort.MaxValue;

    // A deadline that stays in the past would be a fault of the engine, and must not hang the caller.
    private const int StuckLimit = 100_000;

    // More than any window holds; a stack that goes on beyond it would hang its caller.
    private const int PacketLimit = 1_000_000;
    private readonly byte[] _buffer = new byte[LongestPacket + 1];
    private readonly PacketQueue _left = new();
    private readonly Dictionary<int, Interface> _interfaces = [];

    private sealed record Interface(int Mtu)
    {
        public List<(IpAddress Address, int Prefix)> Addresses { get; } = [];
    }

    public NativeStack(StackOptions options, IEntropySource entropy, Instant now)
    {
        (Options, Now) = (options, now);
        Stack = new NetworkStack(options, entropy) { Limits = new PathLimits(2, 0) };
        Sockets = new SocketTable(this, entropy);
        Events = new EventQueue(this);
    }

    public NetworkStack Stack { get; }

    public StackOptions Options { get; }

    public SocketTable Sockets { get; }

    public EventQueue Events { get; }

    public Instant Now { get; private set; }

    /// <summary>Whether a fault of its own was found: nothing is called any more.</summary>
    public bool Broken { get; set; }

    /// <summary>When <see cref="Advance"/> should be called, in microseconds.</summary>
    public long NextTimer
    {
        get
        {
            Instant next = Stack.NextTimeout;
            return next == Instant.Never ? long.MaxValue : Math.Max(ToMicroseconds(next), ToMicroseconds(Now));
        }
    }

    public static long ToMicroseconds(Instant at) => (at.Nanoseconds + 999) / 1000;

    public static Instant FromMicroseconds(long microseconds) => new(Math.Clamp(microseconds, 0, LastMicrosecond) * 1000);

    public int AddInterface(int ifindex, IpAddress address, int prefix, int mtu)
    {
        int least = address.IsV4 ? LeastMtuV4 : LeastMtuV6;
        if (ifindex < 1 || prefix < 0 || prefix > 8 * address.ByteCount || mtu < least || mtu > LongestPacket
            || address.IsUnspecified || address.IsMulticastOrBroadcast)
        {
            return -EINVAL;
        }

        if (IsLocal(address))
        {
            return -EEXIST;
        }

        if (!_interfaces.TryGetValue(ifindex, out Interface? at))
        {
            _interfaces[ifindex] = at = new Interface(mtu);
        }

        at.Addresses.Add((address, prefix));
        Stack.AddAddress(new LocalAddress(ifindex, address, at.Mtu));
        return 0;
    }

    public int RemoveInterface(int ifindex, IpAddress? address)
    {
        if (!_interfaces.TryGetValue(ifindex, out Interface? at))
        {
            return -ENODEV;
        }

        if (at.Addresses.RemoveAll(known => address is null || known.Address == address) is var count && count == 0 && address is not null)
        {
            return -EADDRNOTAVAIL;
        }

        foreach (LocalAddress known in (LocalAddress[])[.. Stack.Addresses])
        {
            if (known.Link == ifindex && (address is null || known.Address == address))
            {
                Stack.RemoveAddress(known.Address);
            }
        }

        if (address is null)
        {
            // What is still to be said of its end goes nowhere.
            _interfaces.Remove(ifindex);
        }

        return 0;
    }

    public int SetInterface(int ifindex, bool up)
    {
        if (!_interfaces.ContainsKey(ifindex))
        {
            return -ENODEV;
        }

        Stack.SetLink(Now, ifindex, up);
        return 0;
    }

    public bool IsLocal(IpAddress address) => Find(address) is not null;

    public LocalAddress? Find(IpAddress address)
    {
        foreach (LocalAddress local in Stack.Addresses)
        {
            if (local.Address == address)
            {
                return local;
            }
        }

        return null;
    }

    /// <summary>
    /// The address from which a peer is reached: on an interface that is up, that of the longest prefix which has the peer
    /// too, else the first; null when there is none.
    /// </summary>
    public LocalAddress? Route(IpAddress to)
    {
        LocalAddress? best = null;
        int longest = -1;
        foreach (LocalAddress local in Stack.Addresses)
        {
            if (local.Address.IsV4 != to.IsV4 || !Stack.IsUp(local.Link))
            {
                continue;
            }

            int prefix = PrefixOf(local);
            int matched = HasPrefix(local.Address, to, prefix) ? prefix : -1;
            if (best is null || matched > longest)
            {
                (best, longest) = (local, matched);
            }
        }

        return best;
    }

    public int Input(int ifindex, ReadOnlySpan<byte> packet)
    {
        if (!_interfaces.ContainsKey(ifindex))
        {
            return -ENODEV;
        }

        if (packet.Length > LongestPacket)
        {
            return -EMSGSIZE;
        }

        Stack.HandlePacket(Now, ifindex, packet);
        return 0;
    }

    public nint Output(Span<byte> destination, out int ifindex, out long leftAt)
    {
        (ifindex, leftAt) = (0, 0);
        if (!_left.TryPeek(out PacketQueue.Packet packet))
        {
            return 0;
        }

        if (packet.Length > destination.Length)
        {
            return -EMSGSIZE;
        }

        packet.Buffer.AsSpan(0, packet.Length).CopyTo(destination);
        (ifindex, leftAt) = (packet.Link, ToMicroseconds(packet.LeftAt));
        _left.Remove();
        return packet.Length;
    }

    /// <summary>Time passes: each timer on the way runs at its own time.</summary>
    public void Advance(long microseconds)
    {
        Instant until = FromMicroseconds(microseconds);
        for (int stuck = 0; Stack.NextTimeout <= until && until >= Now; stuck++)
        {
            stuck = Stack.NextTimeout > Now ? 0 : stuck;
            Now = Stack.NextTimeout > Now ? Stack.NextTimeout : Now;
            Stack.HandleTimeout(Now);
            Drain();
            if (stuck > StuckLimit)
            {
                throw new InvalidOperationException("A deadline stays in the past.");
            }
        }

        Now = until > Now ? until : Now;
    }

    /// <summary>Everything that may leave now leaves.</summary>
    public void Drain()
    {
        for (int count = 0; Stack.TryTransmit(Now, _buffer, out int link, out int length); count++)
        {
            if (count > PacketLimit)
            {
                throw new InvalidOperationException("Packets leave without end.");
            }

            if (_interfaces.ContainsKey(link))
            {
                _left.Add(_buffer.AsSpan(0, length), link, Now);
            }
        }
    }

    private int PrefixOf(LocalAddress local)
    {
        foreach ((IpAddress address, int prefix) in _interfaces[local.Link].Addresses)
        {
            if (address == local.Address)
            {
                return prefix;
            }
        }

        return 0;
    }

    private static bool HasPrefix(IpAddress one, IpAddress other, int bits)
    {
        Span<byte> left = stackalloc byte[16];
        Span<byte> right = stackalloc byte[16];
        one.CopyTo(left);
        other.CopyTo(right);
        int whole = bits / 8;
        int rest = bits % 8;
        return left[..whole].SequenceEqual(right[..whole]) && (rest == 0 || (left[whole] ^ right[whole]) >> (8 - rest) == 0);
    }
}
