using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Connections of one path each that share a link, each with a congestion controller of its own.</summary>
internal sealed class Bottleneck
{
    private const ushort Port = 80;
    private readonly NetworkStack _client;
    private readonly StackListener _listener;
    private readonly List<BulkFlow> _flows = [];
    private Func<int, ICongestionController> _next = CongestionControllers.Cubic;
    private ICongestionController? _made;

    /// <param name="there">The way of the data.</param>
    /// <param name="seed">Where chance begins.</param>
    public Bottleneck(PathOptions there, ulong seed = 1)
    {
        var settings = new MptcpSettings { SendBuffer = 64 << 20, ReceiveBuffer = 64 << 20 };
        Network = new SimulatedNetwork(seed);
        _client = new NetworkStack(new StackOptions { Connection = settings, CongestionControl = Make }, new SeededEntropy(seed));
        var server = new NetworkStack(new StackOptions { Connection = settings }, new SeededEntropy(seed + 1));
        int clientHost = Network.AddHost(_client);
        int serverHost = Network.AddHost(server);
        _client.AddAddress(new LocalAddress(0, TwoHosts.Address(0, 1), 1500));
        server.AddAddress(new LocalAddress(0, TwoHosts.Address(0, 2), 1500));
        PathOptions back = there with { LossPerMillion = 0, QueueBytes = 10_000_000 };
        Path = Network.Connect(clientHost, 0, serverHost, 0, there, back);
        _listener = server.TryListen(Port)!;
    }

    public SimulatedNetwork Network { get; }

    public SimulatedPath Path { get; }

    public PathCounters Counters => Path.Forward.Counters;

    /// <summary>A link of <paramref name="rate"/> Mbit/s with a queue of one round trip, at least of 15 kB.</summary>
    public static PathOptions Link(int rate, int roundTrip, int lossPerMillion) =>
        PathOptions.Of(rate, 0, Math.Max(15_000, rate * roundTrip * 125L)) with
        {
            DelayNanoseconds = roundTrip * Instant.Millisecond / 2,
            LossPerMillion = lossPerMillion,
        };

    /// <summary>A connection is there, and sends as soon as time passes; until <paramref name="goOn"/> says no.</summary>
    public BulkFlow Start(Func<int, ICongestionController> controller, Func<BulkFlow, bool>? goOn = null)
    {
        _next = controller;
        var remote = new IpEndpoint(TwoHosts.Address(0, 2), Port);
        StackSocket socket = _client.TryConnect(Network.Now, _client.Addresses[0], remote)!;
        StackSocket? accepted = null;
        Assert.True(Network.RunUntil(
            () =>
            {
                Pump();
                return _listener.TryAccept(out accepted);
            },
            60 * Instant.Second));
        var flow = new BulkFlow(Network, socket, accepted!, _made!, goOn ?? (_ => true));
        _flows.Add(flow);
        return flow;
    }

    /// <summary>Lets time pass.</summary>
    public void Run(long milliseconds) => Network.RunUntil(
        () =>
        {
            Pump();
            return false;
        },
        milliseconds * Instant.Millisecond);

    private void Pump()
    {
        foreach (BulkFlow flow in _flows)
        {
            flow.Pump();
        }
    }

    private ICongestionController Make(int segmentSize) => _made = _next(segmentSize);
}

/// <summary>A flow of bytes that nobody looks at, and what was measured of it.</summary>
internal sealed class BulkFlow(
    SimulatedNetwork network, StackSocket from, StackSocket to, ICongestionController controller, Func<BulkFlow, bool> goOn)
{
    private static readonly byte[] _zeros = new byte[16_384];
    private readonly byte[] _sink = new byte[65_536];
    private readonly List<SubflowInfo> _subflows = [];
    private Int128 _roundTrips;
    private long _samples;
    private Instant _nextSample;
    private Instant _began;
    private long _receivedBefore;

    public ICongestionController Controller => controller;

    public long Written { get; private set; }

    public long Received { get; private set; }

    /// <summary>Bytes per second that arrived since <see cref="Measure"/>.</summary>
    public long Goodput => (long)((Int128)(Received - _receivedBefore) * Instant.Second / Math.Max(1, network.Now - _began));

    /// <summary>The mean smoothed round trip since <see cref="Measure"/>, in nanoseconds.</summary>
    public long MeanRoundTrip => _samples == 0 ? 0 : (long)(_roundTrips / _samples);

    public long Retransmissions
    {
        get
        {
            from.CopySubflows(_subflows);
            return _subflows[0].Retransmissions;
        }
    }

    /// <summary>Figures count from now.</summary>
    public void Measure() => (_roundTrips, _samples, _began, _receivedBefore) = (0, 0, network.Now, Received);

    public void Pump()
    {
        for (int taken = 1; taken > 0 && goOn(this); Written += taken)
        {
            taken = from.TryWrite(_zeros);
        }

        for (int count = to.TryRead(_sink); count > 0; count = to.TryRead(_sink))
        {
            Received += count;
        }

        if (network.Now >= _nextSample)
        {
            _nextSample = network.Now + Instant.Millisecond;
            from.CopySubflows(_subflows);
            _roundTrips += _subflows[0].SmoothedRtt;
            _samples++;
        }
    }
}
