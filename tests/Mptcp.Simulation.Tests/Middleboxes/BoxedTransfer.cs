using Mptcp.Multipath;
using Mptcp.Stack;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation.Tests;

/// <summary>A client and a server over one or two paths with middleboxes, a stream each way, and how it ends.</summary>
internal sealed class BoxedTransfer
{
    private const ushort Port = 80;
    private const long Pause = 15 * Instant.Second;
    private const long Patience = 60 * Instant.Second;
    private readonly List<SubflowInfo> _subflows = [];
    private readonly NetworkStack _client;
    private readonly NetworkStack _server;
    private readonly StackListener _listener;
    private readonly Alarm _alarm = new();
    private readonly bool _v6;
    private Instant? _closedAt;
    private Instant? _resume;

    public BoxedTransfer(ulong seed, bool v6, bool checksum, params PathOptions[] paths)
    {
        _v6 = v6;
        Network = new SimulatedNetwork(seed);
        var options = new StackOptions { Connection = new MptcpSettings { ChecksumRequired = checksum } };
        _client = new NetworkStack(options, new SeededEntropy(seed));
        _server = new NetworkStack(options, new SeededEntropy(seed + 1));
        int clientHost = Network.AddHost(_client);
        int serverHost = Network.AddHost(_server);
        for (int p = 0; p < paths.Length; p++)
        {
            _client.AddAddress(new LocalAddress(p, Address(p, 1), 1500));
            _server.AddAddress(new LocalAddress(p, Address(p, 2), 1500));
            Network.Connect(clientHost, p, serverHost, p, paths[p], paths[p]);
        }

        Network.AddNode(_alarm);
        _listener = _server.TryListen(Port)!;
    }

    public SimulatedNetwork Network { get; }

    public BoxedStream? Up { get; private set; }

    public BoxedStream? Down { get; private set; }

    /// <summary>What both ends say, the client's events first.</summary>
    public List<string> Events { get; } = [];

    public bool FellBack { get; private set; }

    /// <summary>Whether a subflow ended otherwise than in order before the streams did, or one never came to be.</summary>
    public bool SubflowDropped { get; private set; }

    /// <summary>Why the connection failed, at either end.</summary>
    public TcpCloseReason Failure { get; private set; }

    /// <summary>Whether it came to an end in time.</summary>
    public bool Ended { get; private set; }

    /// <summary>What is left of connections, memory and timers at both ends once all is over.</summary>
    public string Left { get; private set; } = "";

    public void Run(byte[] up, byte[] down, int subflows, long limit = 3600 * Instant.Second)
    {
        StackSocket client = _client.TryConnect(Network.Now, _client.Addresses[0], new IpEndpoint(Address(0, 2), Port))!;
        StackSocket? server = null;
        Ended = Network.RunUntil(
            () =>
            {
                if (server is null && _listener.TryAccept(out server))
                {
                    Up = new BoxedStream(client, server, up);
                    Down = new BoxedStream(server, client, down);
                }

                Pump();
                TakeEvents("client", client);
                TakeEvents("server", server);
                return IsOver(client, server);
            },
            limit);
        Failure = client.CloseReason != TcpCloseReason.None ? client.CloseReason : server?.CloseReason ?? TcpCloseReason.None;
        client.CopySubflows(_subflows);
        SubflowDropped |= _subflows.Count(subflow => subflow.BytesSent + subflow.BytesReceived > 0) < subflows;
        CleanUp(client, server);
    }

    /// <summary>Half of each stream, a while of silence, and the rest: mappings of a NAT may go meanwhile.</summary>
    private void Pump()
    {
        bool whole = Network.Now >= _resume;
        Up?.Pump(whole);
        Down?.Pump(whole);
        if (_resume is null && Up is { HalfRead: true } && Down is { HalfRead: true })
        {
            _resume = _alarm.NextTimeout = Network.Now + Pause;
        }
    }

    private bool IsOver(StackSocket client, StackSocket? server)
    {
        bool clientClosed = client.State == TcpState.Closed;
        bool serverClosed = server?.State is null or TcpState.Closed;
        if (clientClosed != serverClosed && server is not null && _closedAt is null)
        {
            _closedAt = Network.Now;
            _alarm.NextTimeout = Network.Now + Patience;
        }

        // Who gives up tells nobody; the other end's user has a patience of its own.
        return (Up is { EndSeen: true } && Down is { EndSeen: true } && client.SubflowsFinished && server!.SubflowsFinished)
            || (clientClosed && serverClosed)
            || (_closedAt is { } at && Network.Now - at >= Patience);
    }

    private void TakeEvents(string who, StackSocket? socket)
    {
        while (socket is not null && socket.TryTakeEvent(out ConnectionEvent taken))
        {
            Events.Add($"{(Network.Now.Nanoseconds - Instant.Second) / Instant.Millisecond} ms {who} {taken.Kind} {taken.Subflow} {taken.Reason}");
            FellBack |= taken.Kind == ConnectionEventKind.Fallback;
            SubflowDropped |= taken.Kind == ConnectionEventKind.SubflowClosed && taken.Reason != "closed in order"
                && !(Up is { EndSeen: true } && Down is { EndSeen: true });
        }
    }

    private void CleanUp(StackSocket client, StackSocket? server)
    {
        client.Abort();
        server?.Abort();
        Network.Run(400 * Instant.Second);
        TakeEvents("client", client);
        TakeEvents("server", server);
        Left = _client is { Connections: 0, Memory.Used: 0 } && _server is { Connections: 0, Memory.Used: 0 }
            && _client.NextTimeout == Instant.Never && _server.NextTimeout == Instant.Never
            ? ""
            : $"client {_client.Connections} connections, {_client.Memory.Used} bytes, {_client.NextTimeout}; "
                + $"server {_server.Connections} connections, {_server.Memory.Used} bytes, {_server.NextTimeout}";
    }

    private IpAddress Address(int path, int end) => IpAddress.Parse(_v6 ? $"2001:db8:{path}::{end}" : $"10.1.{path}.{end}");

    /// <summary>Makes something happen at a time, so that the run looks up then.</summary>
    private sealed class Alarm : ISimulatedNode
    {
        public Instant NextTimeout { get; set; } = Instant.Never;

        public void HandlePacket(Instant now, int link, ReadOnlySpan<byte> packet)
        {
        }

        public void HandleTimeout(Instant now) => NextTimeout = Instant.Never;

        public bool TryTransmit(Instant now, Span<byte> buffer, out int link, out int length)
        {
            (link, length) = (0, 0);
            return false;
        }
    }
}
