using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Stack.Tests;

/// <summary>One connection of <see cref="StressTests"/>: its hosts, its weather, its users, all from one seed.</summary>
internal sealed class StressRun
{
    private readonly Random _dice;
    private readonly TwoHosts _hosts;
    private readonly Escapes? _escapes;
    private readonly DamageCounter _damage;
    private readonly List<(Instant At, Action Do)> _plan = [];
    private readonly int _up;
    private readonly int _down;
    private readonly StackSocket _client;
    private StackSocket? _server;
    private Stream? _upward;
    private long _told;
    private Stream? _downward;

    /// <param name="seed">All of it.</param>
    /// <param name="escapes">Where it is given the damage is frequent and wide, and some of it may escape the checksums.</param>
    public StressRun(int seed, Escapes? escapes = null)
    {
        _dice = new Random(seed);
        (_escapes, _damage) = (escapes, new DamageCounter { Escapes = escapes });
        var paths = new PathOptions[_dice.Next(1, 4)];
        for (int i = 0; i < paths.Length; i++)
        {
            paths[i] = Weather();
        }

        _hosts = new TwoHosts(Options(), Options(), (ulong)seed, paths) { Describes = false };
        _hosts.Network.Observer = _damage;
        (_up, _down) = (Size(), Size());
        if (_dice.Next(6) == 0)
        {
            // A box that leaves only plain TCP, from the first segment on or from somewhere in the middle.
            int spared = _dice.Next(2) * _dice.Next(40);
            _hosts.Rewrite = (_, _, packet) => MptcpStripper.Strip(packet, _ => --spared < 0);
        }

        _client = _hosts.Connect();
        PlanCuts();
        PlanUsers();
    }

    /// <summary>Whether both streams arrived whole.</summary>
    public bool IsWhole => _upward is { Complete: true } && _downward is { Complete: true };

    /// <summary>Runs to the end of both; null, or what is wrong.</summary>
    public string? Run()
    {
        // Time must pass also where nothing happens: the script's own events are not the network's.
        bool empty = false;
        for (int step = 0; step < 500 && !empty; step++)
        {
            // Who only listens to a peer that is gone cannot know: its user's patience ends it.
            if (step >= 400 && (_hosts.Client.Connections == 0 || _hosts.Server.Connections == 0))
            {
                _client.Abort();
                _server?.Abort();
            }

            empty = _hosts.Network.RunUntil(Turn, step < 100 ? 50 * Instant.Millisecond : 5 * Instant.Second) || Turn();
        }

        // What has arrived stays readable after the end.
        SetReads(upward: true, true);
        SetReads(upward: false, true);
        _upward?.Pump();
        _downward?.Pump();
        return Judge(empty);
    }

    private bool Turn()
    {
        if (_server is null && _hosts.Listener.TryAccept(out _server))
        {
            (_upward, _downward) = (new Stream(_client, _server, _up), new Stream(_server, _client, _down));
        }

        for (int i = _plan.Count - 1; i >= 0; i--)
        {
            if (_plan[i].At <= _hosts.Network.Now)
            {
                _plan[i].Do();
                _plan.RemoveAt(i);
            }
        }

        _upward?.Pump();
        _downward?.Pump();
        return _hosts.Client.Connections == 0 && _hosts.Server.Connections == 0;
    }

    private string? Judge(bool empty)
    {
        string state = $"client {_client.State} {_client.CloseReason}, server {_server?.State} {_server?.CloseReason}; "
            + $"up {_upward}; down {_downward}";
        if (!empty)
        {
            return $"left: {_hosts.Client.Connections} and {_hosts.Server.Connections}; {state}";
        }

        bool mayBeWrong = _escapes is { Escaped: > 0 };
        if (!mayBeWrong && (_upward is { Intact: false } || _downward is { Intact: false }))
        {
            return $"damaged: {state}";
        }

        if (!mayBeWrong && !IsWhole && _client.CloseReason == TcpCloseReason.None)
        {
            return $"not whole, and no reason: {state}";
        }

        if (_hosts.Client.NextTimeout != Instant.Never || _hosts.Server.NextTimeout != Instant.Never)
        {
            return $"a timer is left: {state}";
        }

        if (_hosts.Client.Memory.Used != 0 || _hosts.Server.Memory.Used != 0)
        {
            return $"memory is left: {_hosts.Client.Memory.Used} and {_hosts.Server.Memory.Used}; {state}";
        }

        if (_hosts.Client.Drops.Arrived != _damage.DeliveredTo(PathDirection.Back) + _told)
        {
            return $"{_hosts.Client.Drops.Arrived} packets are accounted for of {_damage.DeliveredTo(PathDirection.Back)}: {state}";
        }

        long refused = DamageCounter.CountedBy(_hosts.Client) + DamageCounter.CountedBy(_hosts.Server);
        return refused == _damage.Delivered ? null : $"{_damage.Delivered} damaged packets, {refused} counted: {state}";
    }

    private PathOptions Weather()
    {
        PathOptions path = PathOptions.Of(_dice.Next(2, 60), _dice.Next(1, 80), _dice.Next(10_000, 200_000));
        path = path with
        {
            LossPerMillion = _dice.Next(3) == 0 ? _dice.Next(300_000) : 0,
            ReorderPerMillion = _dice.Next(3) == 0 ? _dice.Next(100_000) : 0,
            DuplicatePerMillion = _dice.Next(3) == 0 ? _dice.Next(100_000) : 0,
            CorruptPerMillion = _dice.Next(3) == 0 ? _dice.Next(100_000) : 0,
            CorruptBits = _dice.Next(1, 16),
        };
        return _escapes is null
            ? path
            : path with { CorruptPerMillion = _dice.Next(50_000, 200_000), CorruptBits = PathOptions.MaxCorruptBits };
    }

    private StackOptions Options() => new()
    {
        Connection = new MptcpSettings
        {
            SendBuffer = _dice.Next(2) == 0 ? _dice.Next(5_000, 40_000) : 1_000_000,
            ReceiveBuffer = _dice.Next(2) == 0 ? _dice.Next(5_000, 40_000) : 1_000_000,
            ChecksumRequired = _dice.Next(3) == 0,
        },
        CongestionControl = _dice.Next(2) == 0 ? CongestionControllers.Cubic : CongestionControllers.NewReno,
        KeepAlive = _dice.Next(4) == 0,
        UserTimeout = _dice.Next(5) == 0 ? _dice.Next(5, 200) * Instant.Second : 0,
        Memory = _dice.Next(4) == 0 ? MptcpConnection.InitialMemory + _dice.Next(30_000) : 1 << 30,
    };

    private int Size() => _dice.Next(4) == 0 ? 0 : _dice.Next(1, 150_000);

    private Instant Soon() => _hosts.Network.Now + _dice.NextInt64(2000) * Instant.Millisecond;

    private void PlanCuts()
    {
        for (int i = _dice.Next(4); i > 0; i--)
        {
            SimulatedPath path = _hosts.Network.Paths[_dice.Next(_hosts.Network.Paths.Count)];
            Instant at = Soon();
            _plan.Add((at, () => path.BlackHoled = true));
            if (_dice.Next(3) > 0)
            {
                _plan.Add((at + _dice.NextInt64(4000) * Instant.Millisecond, () => path.BlackHoled = false));
            }
        }

        if (_dice.Next(4) == 0)
        {
            int number = _dice.Next(_hosts.Network.Paths.Count);
            int mtu = _dice.Next(600, 1500);
            bool tells = _dice.Next(2) == 0;
            _plan.Add((Soon(), () => Narrow(number, mtu, tells)));
        }

        if (_dice.Next(6) == 0)
        {
            // Somebody says that the peer cannot be reached.
            _plan.Add((Soon(), () => _damage.AnswerNext = packet => Tell(packet, 0, code: (byte)_dice.Next(16), mtu: 0)));
        }
    }

    private void PlanUsers()
    {
        if (_dice.Next(6) == 0)
        {
            bool byClient = _dice.Next(2) == 0;
            _plan.Add((Soon(), () => (byClient ? _client : _server ?? _client).Abort()));
        }

        if (_dice.Next(3) == 0)
        {
            bool upward = _dice.Next(2) == 0;
            Instant from = Soon();
            _plan.Add((from, () => SetReads(upward, false)));
            _plan.Add((from + _dice.NextInt64(20_000) * Instant.Millisecond, () => SetReads(upward, true)));
        }
    }

    private void SetReads(bool upward, bool reads)
    {
        if ((upward ? _upward : _downward) is { } stream)
        {
            stream.Reads = reads;
        }
    }

    /// <summary>From now on a path takes packets up to <paramref name="mtu"/> only, and perhaps says so.</summary>
    private void Narrow(int number, int mtu, bool tells) => _hosts.Network.Paths[number].Rewriter =
        (PathDirection direction, Span<byte> buffer, ref int length) =>
        {
            if (length > mtu && tells)
            {
                Tell(buffer[..length], number, code: 4, (ushort)mtu);
            }

            return length <= mtu;
        };

    private void Tell(ReadOnlySpan<byte> packet, int link, byte code, ushort mtu)
    {
        NetworkStack sender = IpPacket.TryParse(packet, out IpPacket ip, out _) && ip.Source == TwoHosts.Address(link, 1)
            ? _hosts.Client : _hosts.Server;
        sender.HandlePacket(_hosts.Network.Now, link, IcmpTests.Icmp(packet, type: 3, code, mtu));
        _told += sender == _hosts.Client ? 1 : 0;
    }
}
