using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Stack;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Fuzz;

/// <summary>A client and a server with two paths between, and the packets on their way, in the fuzzer's hands.</summary>
internal sealed class FuzzedHosts
{
    private const ushort Port = 80;
    private const int DrainBound = 2000;
    private const int QueueBound = 64;
    private const int BytesBound = 200_000;
    private readonly NetworkStack _client;
    private readonly NetworkStack _server;
    private readonly Queue<(int Link, byte[] Packet)> _toServer = new();
    private readonly Queue<(int Link, byte[] Packet)> _toClient = new();
    private readonly byte[] _buffer = new byte[2048];
    private readonly byte[] _bytes = new byte[3000];
    private readonly StackListener _listener;
    private readonly StackSocket _near;
    private StackSocket? _far;
    private Instant _now = new(Instant.Second);

    public FuzzedHosts()
    {
        var settings = new StackOptions { Connection = new MptcpSettings { ChecksumRequired = true } };
        _client = new NetworkStack(settings, new SeededEntropy(1));
        _server = new NetworkStack(settings, new SeededEntropy(2));
        for (int p = 0; p < 2; p++)
        {
            _client.AddAddress(new LocalAddress(p, IpAddress.Parse($"10.1.{p}.1"), 1500));
            _server.AddAddress(new LocalAddress(p, IpAddress.Parse($"10.1.{p}.2"), 1500));
        }

        _listener = _server.TryListen(Port)!;
        _near = _client.TryConnect(_now, _client.Addresses[0], new IpEndpoint(_server.Addresses[0].Address, Port))!;
        Drain();
    }

    /// <summary>Whether a host has a connection.</summary>
    public bool Live => _client.Connections + _server.Connections > 0;

    /// <summary>Nanoseconds to the next deadline of either host, at least one, at most an hour.</summary>
    public long UntilNext => Math.Clamp(
        Instant.Min(_client.NextTimeout, _server.NextTimeout).Nanoseconds - _now.Nanoseconds, 1, 3600 * Instant.Second);

    public bool Deliver(bool toServer)
    {
        if (!Queue(toServer).TryDequeue(out (int Link, byte[] Packet) next))
        {
            return false;
        }

        Hand(toServer, next.Link, next.Packet);
        return true;
    }

    public void Lose(bool toServer) => Queue(toServer).TryDequeue(out _);

    public void Repeat(bool toServer)
    {
        if (Queue(toServer).TryPeek(out (int Link, byte[] Packet) next))
        {
            Hand(toServer, next.Link, next.Packet);
        }
    }

    /// <summary>Changes one thing of the next segment and delivers it with right checksums.</summary>
    public void Change(bool toServer, byte what, byte where, byte value) => Rewrite(
        toServer,
        (ref TcpHeaderFields header, byte[] options, byte[] payload) =>
        {
            switch (what % 6)
            {
                case 0 when options.Length > 0:
                    options[where % options.Length] ^= value;
                    break;
                case 1 when payload.Length > 0:
                    payload[(where * 16) % payload.Length] ^= value;
                    break;
                case 2:
                    header = header with { SequenceNumber = unchecked(header.SequenceNumber + (uint)((sbyte)value << (where % 24))) };
                    break;
                case 3:
                    header = header with { AcknowledgmentNumber = unchecked(header.AcknowledgmentNumber + (uint)((sbyte)value << (where % 24))) };
                    break;
                case 4:
                    header = header with { Flags = header.Flags ^ (TcpFlags)value };
                    break;
                default:
                    header = header with { Window = (ushort)((where << 8) | value) };
                    break;
            }

            return options;
        });

    /// <summary>Delivers the next segment with other options.</summary>
    public void ReplaceOptions(bool toServer, ReadOnlySpan<byte> options)
    {
        byte[] padded = new byte[(options.Length + 3) & ~3];
        options.CopyTo(padded);
        Rewrite(toServer, (ref _, _, _) => padded);
    }

    public void Pass(long nanoseconds)
    {
        _now += nanoseconds;
        _client.HandleTimeout(_now);
        _server.HandleTimeout(_now);
        Drain();
    }

    /// <summary>What an application does.</summary>
    public void Act(byte what)
    {
        StackSocket socket = (what & 16) != 0 && _far is { } far ? far : _near;
        switch (what & 15)
        {
            case < 6:
                socket.TryWrite(_bytes);
                break;
            case < 11:
                socket.TryRead(_bytes);
                break;
            case < 14:
                socket.CompleteWrites();
                break;
            default:
                socket.Abort();
                break;
        }

        Drain();
    }

    /// <summary>Both applications read what there is and have no more to say.</summary>
    public void End(bool abort)
    {
        foreach (StackSocket? socket in (StackSocket?[])[_near, _far])
        {
            for (int read = 0; read < BytesBound && socket?.TryRead(_bytes) > 0; read += _bytes.Length)
            {
            }

            socket?.CompleteWrites();
            if (abort)
            {
                socket?.Abort();
            }
        }

        // Who was never accepted, nobody else would end.
        _server.Unlisten(_listener);
        Drain();
    }

    public void AssertAtRest()
    {
        if (Live || _client.Memory.Used != 0 || _server.Memory.Used != 0)
        {
            throw new InvalidOperationException(
                $"not at rest: {_client.Connections} and {_server.Connections} connections, "
                + $"{_client.Memory.Used} and {_server.Memory.Used} bytes; {_near.State} and {_far?.State}");
        }
    }

    private delegate byte[] Rewriting(ref TcpHeaderFields header, byte[] options, byte[] payload);

    private Queue<(int Link, byte[] Packet)> Queue(bool toServer) => toServer ? _toServer : _toClient;

    private void Rewrite(bool toServer, Rewriting rewrite)
    {
        if (!Queue(toServer).TryDequeue(out (int Link, byte[] Packet) next)
            || !IpPacket.TryParse(next.Packet, out IpPacket ip, out _) || !TcpSegment.TryParse(ip, out TcpSegment segment, out _))
        {
            return;
        }

        var header = new TcpHeaderFields
        {
            Source = segment.Source,
            Destination = segment.Destination,
            SequenceNumber = segment.SequenceNumber,
            AcknowledgmentNumber = segment.AcknowledgmentNumber,
            Flags = segment.Flags,
            Window = segment.Window,
        };
        byte[] payload = segment.Payload.ToArray();
        byte[] options = rewrite(ref header, segment.Options.ToArray(), payload);
        payload.CopyTo(_buffer.AsSpan(TcpPacket.PayloadOffset(isV4: true, options.Length)));
        int length = TcpPacket.Write(_buffer, header, options, payload.Length);
        Hand(toServer, next.Link, _buffer.AsSpan(0, length).ToArray());
    }

    private void Hand(bool toServer, int link, byte[] packet)
    {
        (toServer ? _server : _client).HandlePacket(_now, link, packet);
        Drain();
    }

    private void Drain()
    {
        if (_far is null)
        {
            _listener.TryAccept(out _far);
        }

        Drain(_client, _toServer);
        Drain(_server, _toClient);
    }

    private void Drain(NetworkStack from, Queue<(int Link, byte[] Packet)> to)
    {
        for (int i = 0; from.TryTransmit(_now, _buffer, out int link, out int length); i++)
        {
            if (i > DrainBound)
            {
                throw new InvalidOperationException("a host that does not stop transmitting");
            }

            // A queue that overflows loses, as queues do.
            if (to.Count < QueueBound)
            {
                to.Enqueue((link, _buffer.AsSpan(0, length).ToArray()));
            }
        }

        if (from.NextTimeout < _now)
        {
            from.HandleTimeout(_now);
            if (from.NextTimeout < _now)
            {
                throw new InvalidOperationException("a deadline that stays in the past");
            }
        }
    }
}
