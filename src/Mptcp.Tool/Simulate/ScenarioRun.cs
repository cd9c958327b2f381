using Mptcp.Simulation;
using Mptcp.Stack;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Tool.Simulate;

/// <summary>A scenario made into a network, and its run.</summary>
internal sealed class ScenarioRun
{
    // Below the ports that NATs and senders draw from.
    private const ushort FirstPort = 1;
    private const int PollsBetweenLooks = 1024;

    // Where only the rates count: what buffers hold for longer than that.
    private const long PumpInterval = 5 * Instant.Millisecond;
    private const long MessagePumpInterval = Instant.Millisecond / 2;

    private readonly Scenario _scenario;
    private readonly Topology _topology;
    private readonly List<Flow> _flows = [];
    private readonly Dictionary<int, NetworkStack> _hosts = [];
    private int _polls;

    /// <summary>Builds it.</summary>
    /// <exception cref="ScenarioException">A flow has no route.</exception>
    public ScenarioRun(Scenario scenario)
    {
        _scenario = scenario;
        _topology = new Topology(scenario);
        Network = new SimulatedNetwork(scenario.Seed);
        for (int node = 0; node < scenario.Nodes.Count; node++)
            AddNode(node);
        foreach (PathSpec path in scenario.Paths)
            Connect(path);
        foreach (FlowSpec flow in scenario.Flows)
            Add(flow);
    }

    public SimulatedNetwork Network { get; }

    public IReadOnlyList<Flow> Flows => _flows;

    public FlowDrops Drops { get; } = new();

    /// <summary>How long it has run, in nanoseconds of virtual time.</summary>
    public long Elapsed => Network.Now - Origin;

    public Instant Origin { get; } = new(Instant.Second);

    public long LimitNanoseconds => _scenario.LimitNanoseconds;

    /// <summary>The share of the bytes, or of the time, that is done, 0 to 1.</summary>
    public double Progress => _flows.Average(flow => flow.IsOver ? 1
        : flow.Spec is { Bytes: { } bytes, IntervalNanoseconds: null } ? (double)flow.Received / bytes
        : Math.Clamp((double)(Network.Now - flow.Start) / flow.Spec.DurationNanoseconds!.Value, 0, 1));

    /// <summary>Which path leaves a sender from an address.</summary>
    public string PathOf(Flow flow, IpAddress address) => _scenario.Paths[
        _topology.Links(flow.Spec.From).First(path => _topology.Address(flow.Spec.From, path) == address)].Name;

    /// <summary>Runs it to its end.</summary>
    /// <param name="observers">See every packet.</param>
    /// <param name="look">Called now and then.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public void Run(IReadOnlyList<INetworkObserver> observers, Action look, CancellationToken cancellationToken)
    {
        Network.Observer = observers.Count == 0 ? Drops : new ObserverList([Drops, .. observers]);
        Network.RunUntil(
            () =>
            {
                if (++_polls % PollsBetweenLooks == 0)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    look();
                }

                return Pump();
            },
            _scenario.LimitNanoseconds);
    }

    /// <summary>Lets time pass, whether or not all is done.</summary>
    /// <param name="nanoseconds">How much.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public void RunFor(long nanoseconds, CancellationToken cancellationToken)
    {
        long interval = _flows.Exists(flow => flow.Spec.IntervalNanoseconds is not null) ? MessagePumpInterval : PumpInterval;
        for (long left = nanoseconds; left > 0; left -= interval)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Pump();
            Network.Run(Math.Min(left, interval));
        }
    }

    private bool Pump()
    {
        bool over = true;
        foreach (Flow flow in _flows)
        {
            flow.Pump(Network.Now);
            over &= flow.IsOver;
        }

        return over;
    }

    private void AddNode(int node)
    {
        switch (_scenario.Nodes[node])
        {
            case NatSpec nat:
                IpAddress outside = _topology.Address(node, _topology.Links(node)[Nat.OutsideLink]);
                Network.AddNode(new Nat(nat.Options, outside, SeedOf(node)));
                break;
            case RouterSpec router:
                Network.AddNode(NewRouter(node, router));
                break;
            case HostSpec host:
                Network.AddHost(_hosts[node] = NewHost(node, host));
                break;
        }
    }

    private NetworkStack NewHost(int node, HostSpec spec)
    {
        var stack = new NetworkStack(spec.Options, new SeededEntropy(SeedOf(node)));
        for (int link = 0; link < _topology.Links(node).Count; link++)
        {
            int path = _topology.Links(node)[link];
            stack.AddAddress(new LocalAddress(link, _topology.Address(node, path), _scenario.Paths[path].Mtu));
        }

        return stack;
    }

    private Router NewRouter(int node, RouterSpec spec)
    {
        var router = new Router { Silent = spec.Silent, Seed = SeedOf(node) };
        for (int link = 0; link < _topology.Links(node).Count; link++)
        {
            int path = _topology.Links(node)[link];
            router.SetLink(link, _topology.Address(node, path), _scenario.Paths[path].Mtu);
        }

        foreach ((IpPrefix prefix, int link) in _topology.Routes(node))
            router.AddRoute(prefix, link);
        return router;
    }

    private void Connect(PathSpec path)
    {
        int index = Network.Paths.Count;
        SimulatedPath made = Network.Connect(
            path.First,
            _topology.LinkOf(path.First, index),
            path.Second,
            _topology.LinkOf(path.Second, index),
            path.Forward,
            path.Back,
            path.Name);
        made.Filter = path.StripsMptcp ? OptionStripper.RemoveMptcp : null;
        made.SetBoxes(PathDirection.Forward, MakeBoxes(path.ForwardBoxes, 2 * index));
        made.SetBoxes(PathDirection.Back, MakeBoxes(path.BackBoxes, 2 * index + 1));
    }

    private List<Middlebox> MakeBoxes(IReadOnlyList<string> names, int direction)
    {
        var boxes = new List<Middlebox>();
        foreach (string name in names)
        {
            ulong seed = unchecked(_scenario.Seed * 1_000_033 + (ulong)(direction * 100 + boxes.Count));
            if (MiddleboxCatalog.TryMake(name, seed, out Middlebox? box, out _))
                boxes.Add(box);
        }

        return boxes;
    }

    private void Add(FlowSpec spec)
    {
        (int link, int path) = FindWay(spec);
        var port = (ushort)(FirstPort + _flows.Count);
        NetworkStack sender = _hosts[spec.From];
        StackListener listener = _hosts[spec.To].TryListen(port)!;
        var flow = new Flow(
            spec,
            Origin,
            sender,
            sender.Addresses[link],
            new IpEndpoint(_topology.Address(spec.To, path), port),
            listener)
        {
            Further = [.. spec.Subflows.Skip(1).Select(pair =>
                (_topology.Address(spec.From, pair.From), new IpEndpoint(_topology.Address(spec.To, pair.To), port)))],
        };
        Network.AddNode(flow);
        _flows.Add(flow);
    }

    /// <summary>The link by which the first subflow leaves, and the path at whose end it arrives.</summary>
    private (int Link, int Path) FindWay(FlowSpec spec)
    {
        bool found = _topology.TryFindRoute(spec.From, spec.To, out int link, out int path);
        if (spec.Subflows.Count > 0)
        {
            (link, path) = (_topology.LinkOf(spec.From, spec.Subflows[0].From), spec.Subflows[0].To);
            found = spec.Subflows.All(pair => _topology.Leads(spec.From, pair.From, spec.To, pair.To));
        }

        return found ? (link, path) : throw new ScenarioException(
            spec.Line,
            $"flow '{spec.Name}' has no route from '{_scenario.Nodes[spec.From].Name}' to '{_scenario.Nodes[spec.To].Name}'",
            "paths that lead there");
    }

    private ulong SeedOf(int node) => unchecked(_scenario.Seed * 1_000_003 + (ulong)node);
}
