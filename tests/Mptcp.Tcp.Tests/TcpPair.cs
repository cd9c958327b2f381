using Mptcp.Wire;

namespace Mptcp.Tcp.Tests;

/// <summary>What the network between two connections does, in packets out of 1000, from a seed.</summary>
public sealed record Weather(int Loss = 0, int Duplicate = 0, int Reorder = 0, ulong Seed = 1)
{
    public long OneWayDelay { get; init; } = 10 * Instant.Millisecond;

    /// <summary>Packets that arrive damaged, in a burst of at most 15 bits: the checksums find each of those.</summary>
    public int Corrupt { get; init; }
}

/// <summary>Two connections and a clock that jumps to the next thing that happens.</summary>
public sealed class TcpPair
{
    private readonly PriorityQueue<(int To, byte[] Packet, bool Damaged), (long At, long Order)> _inFlight = new();
    private readonly byte[] _buffer = new byte[2048];
    private readonly Weather _weather;
    private ulong _random;
    private long _order;
    private bool _accepted;

    public TcpPair(
        Weather? weather = null, int buffers = 256 * 1024, Func<TcpConfiguration, TcpConfiguration>? change = null)
    {
        _weather = weather ?? new Weather();
        _random = _weather.Seed;
        var here = new IpEndpoint(IpAddress.Parse("10.0.0.1"), 40000);
        var there = new IpEndpoint(IpAddress.Parse("10.0.0.2"), 80);
        (ClientUser, ServerUser) = (new ByteStreamUser(buffers, buffers), new ByteStreamUser(buffers, buffers));

        // Initial sequence numbers close to the wrap: every run crosses it.
        change ??= configuration => configuration;
        Client = new TcpConnection(change(
            new TcpConfiguration { Local = here, Remote = there, InitialSequenceNumber = uint.MaxValue - 5000 }), ClientUser);
        Server = new TcpConnection(change(
            new TcpConfiguration { Local = there, Remote = here, InitialSequenceNumber = uint.MaxValue - 100 }), ServerUser);
    }

    public ByteStreamUser ClientUser { get; }

    public ByteStreamUser ServerUser { get; }

    public TcpConnection Client { get; }

    public TcpConnection Server { get; }

    public Instant Now { get; private set; } = new(Instant.Second);

    public List<string> Log { get; } = [];

    /// <summary>Drops a packet that a test names by its log line.</summary>
    public Func<string, bool> Drop { get; set; } = _ => false;

    /// <summary>Nanoseconds that a packet is late, by its log line.</summary>
    public Func<string, long> Late { get; set; } = _ => 0;

    /// <summary>Whether nothing gets through.</summary>
    public bool Cut { get; set; }

    /// <summary>The largest packet that gets through; a longer one is lost, and a router says so.</summary>
    public int PathMtu { get; set; } = 1500;

    /// <summary>Whether a host without the connection answers with a RST, as it should.</summary>
    public bool Resets { get; init; }

    /// <summary>Damaged packets that arrived and were refused.</summary>
    public int Refused { get; private set; }

    /// <summary>Runs until <paramref name="done"/>; false when nothing is left to happen or time is up.</summary>
    public bool RunUntil(Func<bool> done, long limit = 600 * Instant.Second)
    {
        Instant end = Now + limit;
        while (true)
        {
            Drain(Client, 1);
            Drain(Server, 0);
            if (done())
            {
                return true;
            }

            long next = Math.Min(Client.NextTimeout.Nanoseconds, Server.NextTimeout.Nanoseconds);
            if (_inFlight.TryPeek(out _, out var head))
            {
                next = Math.Min(next, head.At);
            }

            if (next > end.Nanoseconds)
            {
                Now = end;
                return false;
            }

            Now = new Instant(Math.Max(next, Now.Nanoseconds));
            Step();
        }
    }

    private void Step()
    {
        while (_inFlight.TryPeek(out _, out var head) && head.At <= Now.Nanoseconds)
        {
            (int to, byte[] packet, bool damaged) = _inFlight.Dequeue();
            if (IpPacket.TryParse(packet, out IpPacket ip, out _) && TcpSegment.TryParse(ip, out TcpSegment segment, out _))
            {
                Assert.False(damaged);
                Deliver(to, segment);
            }
            else
            {
                Assert.True(damaged);
                Refused++;
            }
        }

        if (Client.NextTimeout <= Now)
        {
            Client.HandleTimeout(Now);
        }

        if (Server.NextTimeout <= Now)
        {
            Server.HandleTimeout(Now);
        }
    }

    private void Deliver(int to, in TcpSegment segment)
    {
        TcpConnection target = to == 0 ? Client : Server;
        if (to == 1 && !_accepted && segment is { Syn: true, Ack: false, Rst: false } && target.State == TcpState.Closed)
        {
            _accepted = true;
            target.Accept(Now, segment);
        }
        else if (target.State != TcpState.Closed)
        {
            target.HandleSegment(Now, segment);
        }
        else if (Resets && !segment.Rst)
        {
            Reset(1 - to, segment);
        }
    }

    /// <summary>The answer of a host that has no such connection (RFC 9293 §3.10.7.1).</summary>
    private void Reset(int to, in TcpSegment segment)
    {
        int length = TcpPacket.Write(
            _buffer,
            new TcpHeaderFields
            {
                Source = segment.Destination,
                Destination = segment.Source,
                SequenceNumber = segment.Ack ? segment.AcknowledgmentNumber : 0,
                AcknowledgmentNumber = segment.Ack ? 0 : unchecked(segment.SequenceNumber + (uint)segment.SequenceLength),
                Flags = segment.Ack ? TcpFlags.Rst : TcpFlags.Rst | TcpFlags.Ack,
            },
            [],
            payloadLength: 0);
        Send(to, _buffer.AsSpan(0, length).ToArray());
    }

    private void Drain(TcpConnection from, int to)
    {
        for (int i = 0; from.TryTransmit(Now, _buffer, out int length); i++)
        {
            Assert.True(i < 10_000, "a connection that never stops transmitting");
            if (length <= PathMtu)
            {
                Send(to, _buffer.AsSpan(0, length).ToArray());
            }
            else
            {
                from.HandlePathMtu(Now, PathMtu);
            }
        }
    }

    private void Send(int to, byte[] packet)
    {
        Assert.True(IpPacket.TryParse(packet, out IpPacket ip, out _));
        Assert.True(TcpSegment.TryParse(ip, out TcpSegment s, out _));
        string line = $"{(to == 1 ? '>' : '<')} {s.Flags} len {s.Payload.Length}";
        Log.Add(line);
        if (Cut || Drop(line) || Chance(_weather.Loss))
        {
            return;
        }

        bool damaged = Chance(_weather.Corrupt);
        if (damaged)
        {
            Damage(packet);
        }

        for (int copies = Chance(_weather.Duplicate) ? 2 : 1; copies > 0; copies--)
        {
            long extra = Chance(_weather.Reorder) ? (long)(Next() % (ulong)_weather.OneWayDelay) : 0;
            _inFlight.Enqueue((to, packet, damaged), ((Now + _weather.OneWayDelay + extra + Late(line)).Nanoseconds, _order++));
        }
    }

    /// <summary>A burst of 1 to 15 bits, whose ends are wrong and the rest by chance.</summary>
    private void Damage(byte[] packet)
    {
        int width = 1 + (int)(Next() % 15);
        int first = (int)(Next() % (ulong)(packet.Length * 8 - width + 1));
        ulong pattern = Next() | 1 | (1ul << (width - 1));
        for (int i = 0; i < width; i++)
        {
            packet[(first + i) >> 3] ^= (byte)((pattern >> i & 1) << (7 - ((first + i) & 7)));
        }
    }

    private bool Chance(int perMille) => perMille > 0 && (int)(Next() % 1000) < perMille;

    // SplitMix64: the run is the same on every machine.
    private ulong Next()
    {
        ulong z = _random += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
