using Mptcp.Wire;

namespace Mptcp.Tcp.Tests;

/// <summary>What the network between two connections does, in packets out of 1000, from a seed.</summary>
public sealed record Weather(int Loss = 0, int Duplicate = 0, int Reorder = 0, ulong Seed = 1)
{
    public long OneWayDelay { get; init; } = 10 * Instant.Millisecond;
}

/// <summary>Two connections and a clock that jumps to the next thing that happens.</summary>
public sealed class TcpPair
{
    private readonly PriorityQueue<(int To, byte[] Packet), (long At, long Order)> _inFlight = new();
    private readonly byte[] _buffer = new byte[2048];
    private readonly Weather _weather;
    private readonly TcpConfiguration _serverConfiguration;
    private ulong _random;
    private long _order;

    public TcpPair(Weather? weather = null, int buffers = 256 * 1024)
    {
        _weather = weather ?? new Weather();
        _random = _weather.Seed;
        var here = new IpEndpoint(IpAddress.Parse("10.0.0.1"), 40000);
        var there = new IpEndpoint(IpAddress.Parse("10.0.0.2"), 80);
        (ClientUser, ServerUser) = (new ByteStreamUser(buffers, buffers), new ByteStreamUser(buffers, buffers));

        // Initial sequence numbers close to the wrap: every run crosses it.
        Client = new TcpConnection(
            new TcpConfiguration { Local = here, Remote = there, InitialSequenceNumber = uint.MaxValue - 5000 }, ClientUser);
        _serverConfiguration = new TcpConfiguration { Local = there, Remote = here, InitialSequenceNumber = uint.MaxValue - 100 };
        Server = new TcpConnection(_serverConfiguration, ServerUser);
    }

    public ByteStreamUser ClientUser { get; }

    public ByteStreamUser ServerUser { get; }

    public TcpConnection Client { get; }

    public TcpConnection Server { get; private set; }

    public Instant Now { get; private set; } = new(Instant.Second);

    public List<string> Log { get; } = [];

    /// <summary>Drops a packet that a test names by its log line.</summary>
    public Func<string, bool> Drop { get; set; } = _ => false;

    /// <summary>Nanoseconds that a packet is late, by its log line.</summary>
    public Func<string, long> Late { get; set; } = _ => 0;

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
            (int to, byte[] packet) = _inFlight.Dequeue();
            Assert.True(IpPacket.TryParse(packet, out IpPacket ip, out _));
            Assert.True(TcpSegment.TryParse(ip, out TcpSegment segment, out _));
            if (to == 1 && Server.State == TcpState.Closed && segment.Syn && Server.CloseReason == TcpCloseReason.None)
            {
                Server.Accept(Now, segment);
            }
            else
            {
                (to == 0 ? Client : Server).HandleSegment(Now, segment);
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

    private void Drain(TcpConnection from, int to)
    {
        for (int i = 0; from.TryTransmit(Now, _buffer, out int length); i++)
        {
            Assert.True(i < 10_000, "a connection that never stops transmitting");
            Send(to, _buffer.AsSpan(0, length).ToArray());
        }
    }

    private void Send(int to, byte[] packet)
    {
        Assert.True(IpPacket.TryParse(packet, out IpPacket ip, out _));
        Assert.True(TcpSegment.TryParse(ip, out TcpSegment s, out _));
        string line = $"{(to == 1 ? '>' : '<')} {s.Flags} len {s.Payload.Length}";
        Log.Add(line);
        if (Drop(line) || Chance(_weather.Loss))
        {
            return;
        }

        for (int copies = Chance(_weather.Duplicate) ? 2 : 1; copies > 0; copies--)
        {
            long extra = Chance(_weather.Reorder) ? (long)(Next() % (ulong)_weather.OneWayDelay) : 0;
            _inFlight.Enqueue((to, packet), ((Now + _weather.OneWayDelay + extra + Late(line)).Nanoseconds, _order++));
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
