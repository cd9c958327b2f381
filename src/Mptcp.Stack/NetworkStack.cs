using System.Buffers.Binary;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Stack;

/// <summary>An address of this host on one of its links.</summary>
/// <param name="Link">The number of the link, from 0, as its owner counts them.</param>
/// <param name="Address">The address on that link.</param>
/// <param name="Mtu">The largest IP packet of the link in bytes, at least 576.</param>
/// <param name="Outside">
/// The address by which the peer knows this one, where NAT lies between; null: the same. ADD_ADDR and its HMAC use it.
/// </param>
public readonly record struct LocalAddress(int Link, IpAddress Address, int Mtu, IpAddress? Outside = null);

/// <summary>
/// One host, sans-IO: packets in, packets out, deadlines and sockets between. Not thread-safe: one owner calls it. After
/// any input, drain <see cref="TryTransmit"/>, then read <see cref="NextTimeout"/>.
/// </summary>
public sealed class NetworkStack
{
    private readonly record struct ConnectionKey(IpEndpoint Local, IpEndpoint Remote);

    private readonly StackOptions _options;
    private readonly InitialSequenceNumbers _sequenceNumbers;
    private readonly List<LocalAddress> _addresses = [];
    private readonly List<StackSocket> _sockets = [];
    private readonly Dictionary<ConnectionKey, StackSocket> _byKey = [];
    private readonly Dictionary<ushort, StackListener> _listeners = [];
    private readonly Queue<(int Link, TcpHeaderFields Reset)> _resets = new();
    private readonly IEntropySource _entropy;
    private int _turn;

    /// <summary>Makes a host without addresses.</summary>
    public NetworkStack(StackOptions options, IEntropySource entropy)
    {
        _options = options;
        _entropy = entropy;
        _sequenceNumbers = new InitialSequenceNumbers(entropy);
    }

    /// <summary>The host's addresses, in the order in which they were added.</summary>
    public IReadOnlyList<LocalAddress> Addresses => _addresses;

    /// <summary>What was refused.</summary>
    public DropCounters Drops { get; } = new();

    /// <summary>Connections that are not closed.</summary>
    public int Connections => _sockets.Count;

    /// <summary>When <see cref="HandleTimeout"/> wants to be called.</summary>
    public Instant NextTimeout
    {
        get
        {
            Instant next = Instant.Never;
            foreach (StackSocket socket in _sockets)
            {
                next = Instant.Min(next, socket.Connection.NextTimeout);
            }

            return next;
        }
    }

    /// <summary>Gives the host an address.</summary>
    public void AddAddress(LocalAddress address) => _addresses.Add(address);

    /// <summary>Takes connections on <paramref name="port"/>; null when another listener has it.</summary>
    public StackListener? TryListen(ushort port, int backlog = 128)
    {
        var listener = new StackListener(port, backlog);
        return _listeners.TryAdd(port, listener) ? listener : null;
    }

    /// <summary>Stops taking connections; those that were taken live on.</summary>
    public void Unlisten(StackListener listener) => _listeners.Remove(listener.Port);

    /// <summary>Opens a connection from <paramref name="local"/>; null when its ports are all in use.</summary>
    public StackSocket? TryConnect(Instant now, LocalAddress local, IpEndpoint remote)
    {
        int range = ushort.MaxValue + 1 - _options.FirstEphemeralPort;
        int start = (int)(Draw() % (uint)range);
        for (int i = 0; i < range; i++)
        {
            var port = (ushort)(_options.FirstEphemeralPort + (start + i) % range);
            var endpoint = new IpEndpoint(local.Address, port);
            if (!_byKey.ContainsKey(new ConnectionKey(endpoint, remote)))
            {
                StackSocket socket = Add(now, local, endpoint, remote, listener: null);
                socket.Connection.Connect();
                return socket;
            }
        }

        return null;
    }

    /// <summary>Takes one IP packet that arrived on <paramref name="link"/>.</summary>
    public void HandlePacket(Instant now, int link, ReadOnlySpan<byte> packet)
    {
        if (!IpPacket.TryParse(packet, out IpPacket ip, out DropReason reason)
            || !TcpSegment.TryParse(ip, out TcpSegment segment, out reason))
        {
            Drops.Count(reason);
            return;
        }

        var key = new ConnectionKey(segment.Destination, segment.Source);
        if (_byKey.TryGetValue(key, out StackSocket? socket))
        {
            socket.Connection.HandleSegment(now, segment);
            Update(socket);
        }
        else if (segment.Syn && !segment.Ack && !segment.Rst && TryFindAddress(link, segment.Destination.Address, out LocalAddress local)
            && _listeners.TryGetValue(segment.Destination.Port, out StackListener? listener))
        {
            HandleSyn(now, local, segment, listener);
        }
        else if (!segment.Rst)
        {
            QueueReset(link, segment);
        }
    }

    /// <summary>Runs what is due at <paramref name="now"/>.</summary>
    public void HandleTimeout(Instant now)
    {
        for (int i = _sockets.Count - 1; i >= 0; i--)
        {
            StackSocket socket = _sockets[i];
            if (socket.Connection.NextTimeout <= now)
            {
                socket.Connection.HandleTimeout(now);
                Update(socket);
            }
        }
    }

    /// <summary>
    /// Writes the next packet into <paramref name="buffer"/> (at least the largest MTU) and says its link. False when
    /// nothing may leave now.
    /// </summary>
    public bool TryTransmit(Instant now, Span<byte> buffer, out int link, out int length)
    {
        if (_resets.TryDequeue(out (int Link, TcpHeaderFields Reset) reset))
        {
            link = reset.Link;
            length = TcpPacket.Write(buffer, reset.Reset, [], 0);
            return true;
        }

        // Each connection in turn: one with much to send does not starve the others.
        for (int i = 0; i < _sockets.Count; i++)
        {
            StackSocket socket = _sockets[(_turn + i) % _sockets.Count];
            if (socket.Connection.TryTransmit(now, buffer, out length))
            {
                _turn = (_turn + i + 1) % _sockets.Count;
                link = LinkOf(socket.Local.Address);
                Update(socket);
                return true;
            }

            if (socket.State == TcpState.Closed)
            {
                Remove(socket);
                i--;
            }
        }

        (link, length) = (-1, 0);
        return false;
    }

    private void HandleSyn(Instant now, LocalAddress local, in TcpSegment segment, StackListener listener)
    {
        // A full backlog stays silent: the peer's SYN comes again (RFC 9293 leaves it open; so do all kernels).
        if (listener.HasRoom)
        {
            listener.HalfOpen++;
            StackSocket socket = Add(now, local, segment.Destination, segment.Source, listener);
            socket.Connection.Accept(now, segment);
        }
    }

    private StackSocket Add(
        Instant now, LocalAddress local, IpEndpoint localEndpoint, IpEndpoint remote, StackListener? listener)
    {
        var configuration = new TcpConfiguration
        {
            Local = localEndpoint,
            Remote = remote,
            InitialSequenceNumber = _sequenceNumbers.Next(now, localEndpoint, remote),
            MaximumSegmentSize = local.Mtu - TcpPacket.PayloadOffset(local.Address.IsV4, optionsLength: 0),
            WindowScale = _options.WindowScale,
            TimestampOffset = Draw(),
        };
        var socket = new StackSocket(configuration, _options, listener);
        _sockets.Add(socket);
        _byKey.Add(new ConnectionKey(localEndpoint, remote), socket);
        return socket;
    }

    private static void Update(StackSocket socket)
    {
        if (socket.Listener is { } listener && socket.State != TcpState.SynReceived)
        {
            listener.HalfOpen--;
            socket.Listener = null;
            if (socket.State != TcpState.Closed)
            {
                listener.Add(socket);
            }
        }
    }

    private void Remove(StackSocket socket)
    {
        _sockets.Remove(socket);
        _byKey.Remove(new ConnectionKey(socket.Local, socket.Remote));
    }

    private void QueueReset(int link, in TcpSegment segment)
    {
        // RFC 9293 §3.10.7.1: the reset takes its numbers from the segment that has no connection.
        const int Limit = 256;
        if (_resets.Count < Limit && TryFindAddress(link, segment.Destination.Address, out LocalAddress local))
        {
            _resets.Enqueue((local.Link, new TcpHeaderFields
            {
                Source = segment.Destination,
                Destination = segment.Source,
                SequenceNumber = segment.Ack ? segment.AcknowledgmentNumber : 0,
                AcknowledgmentNumber = segment.Ack ? 0 : unchecked(segment.SequenceNumber + (uint)segment.SequenceLength),
                Flags = segment.Ack ? TcpFlags.Rst : TcpFlags.Rst | TcpFlags.Ack,
            }));
        }
    }

    private bool TryFindAddress(int link, IpAddress address, out LocalAddress local)
    {
        foreach (LocalAddress candidate in _addresses)
        {
            if (candidate.Link == link && candidate.Address.Equals(address))
            {
                local = candidate;
                return true;
            }
        }

        local = default;
        return false;
    }

    private int LinkOf(IpAddress address)
    {
        foreach (LocalAddress local in _addresses)
        {
            if (local.Address.Equals(address))
            {
                return local.Link;
            }
        }

        return -1;
    }

    private uint Draw()
    {
        Span<byte> bytes = stackalloc byte[4];
        _entropy.Fill(bytes);
        return BinaryPrimitives.ReadUInt32BigEndian(bytes);
    }
}
