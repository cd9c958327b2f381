namespace Mptcp.Tcp.Tests;

/// <summary>
/// Two plain TCP connections whose users do what comes to their minds while the network does its worst, all from one
/// seed: writes, reads now and then, half-closes, aborts, switches of every kind, cuts, a path that narrows.
/// </summary>
internal sealed class AdversaryRun
{
    private const int Buffers = 32 * 1024;
    private const long Patience = 4000 * Instant.Second;

    private readonly Random _dice;
    private readonly TcpPair _pair;
    private readonly Side _client;
    private readonly Side _server;
    private readonly byte[] _chunk = new byte[20_000];
    private int _operations;
    private Instant _next;
    private Instant _heal = Instant.Never;
    private bool _doomed;

    public AdversaryRun(int seed)
    {
        _dice = new Random(seed);
        bool calm = _dice.Next(4) == 0;
        var weather = new Weather(
            calm ? 0 : _dice.Next(301), calm ? 0 : _dice.Next(200), calm ? 0 : _dice.Next(300), (ulong)seed)
        {
            OneWayDelay = _dice.Next(1, 150) * Instant.Millisecond,
            Corrupt = calm ? 0 : _dice.Next(100),
        };
        _pair = new TcpPair(weather, Buffers, Configure) { Resets = true };
        (_client, _server) = (new Side(_pair.Client, _pair.ClientUser), new Side(_pair.Server, _pair.ServerUser));
        _operations = _dice.Next(1, 60);
        _next = _pair.Now;
    }

    /// <summary>Whether both streams arrived whole, and both ends closed in order.</summary>
    public bool IsWhole => _pair.Client.CloseReason == TcpCloseReason.None && _pair.Server.CloseReason == TcpCloseReason.None;

    /// <summary>Damaged packets that were found out.</summary>
    public int Refused => _pair.Refused;

    /// <summary>Runs to the end of both; null, or what is wrong.</summary>
    public string? Run()
    {
        _pair.Client.Connect();
        if (!RunUntil(() => IsOver(_pair.Client) && IsOver(_pair.Server), Patience))
        {
            // Who only listens to a peer that is gone cannot know: its user's patience ends it.
            if (!IsOver(_pair.Client) && !IsOver(_pair.Server))
            {
                return $"stuck: {this}";
            }

            _client.Abort();
            _server.Abort();
            RunUntil(() => IsOver(_pair.Client) && IsOver(_pair.Server), Instant.Second);
        }

        return Judge();
    }

    public override string ToString() =>
        $"client {_client} server {_server} packets {_pair.Log.Count} at {_pair.Now.Nanoseconds / Instant.Second} s";

    private static bool IsOver(TcpConnection connection) => connection.State == TcpState.Closed;

    private TcpConfiguration Configure(TcpConfiguration configuration) => configuration with
    {
        WindowScale = (byte)_dice.Next(8),
        Ecn = (EcnMode)_dice.Next(3),
        KeepAlive = _dice.Next(3) == 0,
        KeepAliveIdle = _dice.Next(1, 100) * Instant.Second,
        KeepAliveInterval = _dice.Next(1, 30) * Instant.Second,
        UserTimeout = _dice.Next(5) == 0 ? _dice.Next(5, 300) * Instant.Second : 0,
        NoDelay = _dice.Next(2) == 0,
        CongestionControl = Controller(),
    };

    private Func<int, ICongestionController> Controller() =>
        _dice.Next(2) == 0 ? CongestionControllers.Cubic : CongestionControllers.NewReno;

    private bool RunUntil(Func<bool> done, long limit)
    {
        Instant end = _pair.Now + limit;
        bool isDone = false;
        while (!isDone && _pair.Now < end)
        {
            // Operations come on their own clock, which is not the connections'.
            Instant until = Instant.Min(end, Instant.Min(_operations > 0 ? _next : Instant.Never, _heal));
            until = until <= _pair.Now ? _pair.Now + Instant.Millisecond : until;
            isDone = _pair.RunUntil(
                () =>
                {
                    Turn();
                    return done();
                },
                until - _pair.Now);
        }

        return isDone;
    }

    private void Turn()
    {
        if (_heal <= _pair.Now)
        {
            (_pair.Cut, _heal) = (_doomed, Instant.Never);
        }

        while (_operations > 0 && _next <= _pair.Now)
        {
            _operations--;
            _next += _dice.NextInt64(600) * Instant.Millisecond;
            Operate(_dice.Next(2) == 0 ? _client : _server);
            if (_operations == 0)
            {
                _client.Finish();
                _server.Finish();
                _pair.Cut = _doomed;
            }
        }

        _client.Turn(_server, _operations == 0, _chunk);
        _server.Turn(_client, _operations == 0, _chunk);
    }

    private void Operate(Side side)
    {
        switch (_dice.Next(30))
        {
            case < 10:
                side.Write(_chunk.AsSpan(0, _dice.Next(_chunk.Length)));
                break;
            case < 15:
                side.Read(side == _client ? _server : _client, _chunk.AsSpan(0, _dice.Next(_chunk.Length)));
                break;
            case 15:
                side.Finish();
                break;
            case 16 when _dice.Next(4) == 0:
                side.Abort();
                break;
            case 17 when _dice.Next(4) == 0:
                side.Connection.StopReceiving(_pair.Now);
                break;
            case 18:
                _doomed |= _dice.Next(10) == 0;
                (_pair.Cut, _heal) = (true, _pair.Now + _dice.NextInt64(1, 20_000) * Instant.Millisecond);
                break;
            case 19:
                _pair.PathMtu = _dice.Next(576, 1501);
                break;
            default:
                Switch(side.Connection);
                break;
        }
    }

    private void Switch(TcpConnection connection)
    {
        switch (_dice.Next(9))
        {
            case 0:
                connection.NoDelay = !connection.NoDelay;
                break;
            case 1:
                connection.Corked = !connection.Corked;
                break;
            case 2:
                connection.SetKeepAlive(_pair.Now, _dice.Next(2) == 0);
                break;
            case 3:
                connection.UserTimeout = _dice.Next(2) * _dice.Next(2, 200) * Instant.Second;
                break;
            case 4:
                connection.SwitchCongestionControl(Controller());
                break;
            case 5:
                connection.RequestAck();
                break;
            case 6:
                connection.RequestProbe();
                break;
            case 7:
                connection.HandlePathMtu(_pair.Now, _dice.Next(0, 1501));
                break;
            default:
                connection.HandleUnreachable(_dice.Next(2) == 0);
                break;
        }
    }

    private string? Judge()
    {
        if (!_client.Intact || !_server.Intact)
        {
            return $"damaged: {this}";
        }

        if (!_client.IsExplained(_server) || !_server.IsExplained(_client))
        {
            return $"not whole, and no reason: {this}";
        }

        return _pair.Client.NextTimeout == Instant.Never && _pair.Server.NextTimeout == Instant.Never
            ? null : $"a timer is left: {this}";
    }

    private sealed class Side(TcpConnection connection, ByteStreamUser user)
    {
        private int _written;
        private int _read;
        private bool _finished;
        private bool _established;

        public TcpConnection Connection => connection;

        public bool Intact { get; private set; } = true;

        public void Write(Span<byte> room)
        {
            if (_finished || connection.State == TcpState.Closed)
            {
                return;
            }

            for (int i = 0; i < room.Length; i++)
            {
                room[i] = At(_written + i);
            }

            _written += user.Write(room);
        }

        public void Read(Side from, Span<byte> room)
        {
            int count = user.Read(room);
            for (int i = 0; i < count; i++)
            {
                Intact &= room[i] == At(_read + i);
            }

            _read += count;
            Intact &= _read <= from._written;
            if (user.WindowUpdateDue)
            {
                connection.RequestAck();
            }
        }

        public void Finish()
        {
            _finished = true;
            connection.Corked = false;
            connection.Close();
        }

        public void Abort() => connection.Abort();

        /// <summary>At the end both read all there is.</summary>
        public void Turn(Side from, bool ending, Span<byte> room)
        {
            _established |= connection.State == TcpState.Established;
            while (ending && user.Readable > 0)
            {
                Read(from, room);
            }
        }

        /// <summary>Whether it says why it ended, or ended with everything delivered both ways.</summary>
        public bool IsExplained(Side peer) => connection.CloseReason != TcpCloseReason.None
            || !_established
            || (user.PeerFinished && user.Unacknowledged == 0 && peer.Received == _written && Received == peer._written);

        public override string ToString() =>
            $"{connection.State} {connection.CloseReason}, wrote {_written} ({user.Unacknowledged} out), "
            + $"read {_read} (+{user.Readable}), end {user.PeerFinished}, wakes {connection.NextTimeout.Nanoseconds};";

        private int Received => _read + user.Readable;

        private static byte At(int index) => (byte)((index * 31) ^ (index >> 8));
    }
}
