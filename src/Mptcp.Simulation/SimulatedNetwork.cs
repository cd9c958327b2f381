using System.Globalization;
using Mptcp.Stack;
using Mptcp.Tcp;

namespace Mptcp.Simulation;

/// <summary>
/// Hosts, routers and NATs joined by paths, and a clock that jumps to the next thing that happens. Not thread-safe. The same hosts, paths,
/// seed and calls give the same packets at the same nanoseconds.
/// </summary>
public sealed class SimulatedNetwork
{
    private const int PacketRoom = 65_536;

    // More packets than this at one point in time is a host that never stops.
    private const int PacketsPerInstant = 1_000_000;

    private readonly List<ISimulatedNode> _nodes = [];
    private readonly List<SimulatedPath> _paths = [];

    // By node, then by link.
    private readonly List<List<(SimulatedPath? Path, PathDirection Direction)>> _links = [];
    private readonly byte[] _buffer = new byte[PacketRoom];
    private readonly ulong _seed;
    private readonly Agenda _nodeAgenda = new();
    private readonly Agenda _pathAgenda = new();
    private readonly List<int> _later = [];
    private int _packetsNow;

    /// <summary>Makes an empty network at second 1.</summary>
    /// <param name="seed">The paths draw their fates from it.</param>
    public SimulatedNetwork(ulong seed) => _seed = seed;

    /// <summary>The time.</summary>
    public Instant Now { get; private set; } = new(Instant.Second);

    /// <summary>Packets that a host sent on a link that is not connected.</summary>
    public long PacketsWithoutPath { get; private set; }

    /// <summary>The paths in the order of their making.</summary>
    public IReadOnlyList<SimulatedPath> Paths => _paths;

    /// <summary>Packets delivered and timeouts run so far.</summary>
    public long Events { get; private set; }

    /// <summary>Sees every packet; null for nobody.</summary>
    public INetworkObserver? Observer { get; set; }

    /// <summary>Adds a host; returns its number, from 0. Hosts and other nodes are counted together.</summary>
    public int AddHost(NetworkStack host) => AddNode(new HostNode(host));

    /// <summary>Adds a router, a NAT, or what a test makes; returns its number.</summary>
    public int AddNode(ISimulatedNode node)
    {
        _nodes.Add(node);
        _links.Add([]);
        _nodeAgenda.Add();
        return _nodes.Count - 1;
    }

    /// <summary>Joins a link of one node with a link of another. Recordings and cuts of the path begin now.</summary>
    /// <param name="firstHost">A node's number.</param>
    /// <param name="firstLink">The number of its link, not negative, as in <see cref="LocalAddress.Link"/>.</param>
    /// <param name="secondHost">The other node's number.</param>
    /// <param name="secondLink">The number of its link.</param>
    /// <param name="forward">From the first to the second.</param>
    /// <param name="back">From the second to the first; null for the same as <paramref name="forward"/>.</param>
    /// <param name="name">What traces call it; null for its number.</param>
    /// <exception cref="ArgumentException">A link is taken, or the options contradict themselves.</exception>
    public SimulatedPath Connect(
        int firstHost,
        int firstLink,
        int secondHost,
        int secondLink,
        PathOptions forward,
        PathOptions? back = null,
        string? name = null)
    {
        var first = new SimulatedPath.PathEnd(firstHost, firstLink);
        var second = new SimulatedPath.PathEnd(secondHost, secondLink);
        var index = (ulong)_paths.Count;
        var path = new SimulatedPath(
            _paths.Count,
            name ?? string.Create(CultureInfo.InvariantCulture, $"path{index}"),
            first,
            second,
            new PathModel(forward, SplitMix64.At(_seed, 2 * index), Now),
            new PathModel(back ?? forward, SplitMix64.At(_seed, 2 * index + 1), Now));
        Attach(first, path, PathDirection.Forward);
        Attach(second, path, PathDirection.Back);
        _paths.Add(path);
        _pathAgenda.Add();
        return path;
    }

    /// <summary>Lets time pass until <paramref name="done"/>, which is asked after every point in time.</summary>
    /// <param name="done">May use the hosts: what it makes them want to send is sent.</param>
    /// <param name="limitNanoseconds">How long at most, in virtual time.</param>
    /// <returns>False when the time is up, or nothing is left to happen.</returns>
    /// <exception cref="InvalidOperationException">A node sends without end at one point in time.</exception>
    public bool RunUntil(Func<bool> done, long limitNanoseconds)
    {
        ArgumentNullException.ThrowIfNull(done);
        Instant end = Now + limitNanoseconds;
        Refresh();
        while (true)
        {
            bool isDone = done();
            Refresh();
            if (isDone)
            {
                return true;
            }

            if (!Step(end))
            {
                return false;
            }
        }
    }

    /// <summary>Lets time pass, whatever happens.</summary>
    public void Run(long nanoseconds)
    {
        Instant end = Now + nanoseconds;
        Refresh();
        while (Step(end))
        {
        }
    }

    /// <summary>Goes to the next point in time at which something happens; false when there is none before the end.</summary>
    private bool Step(Instant end)
    {
        Instant next = Instant.Min(_nodeAgenda.Next, _pathAgenda.Next);
        if (next > end)
        {
            Now = end;
            return false;
        }

        if (next > Now)
        {
            (Now, _packetsNow) = (next, 0);
        }

        Deliver();
        HandleTimeouts();
        return true;
    }

    /// <summary>Somebody may have used the hosts, or changed the paths.</summary>
    private void Refresh()
    {
        for (int i = 0; i < _nodes.Count; i++)
        {
            Drain(i);
        }

        for (int i = 0; i < _paths.Count; i++)
        {
            Note(i);
        }
    }

    private void Note(int path)
    {
        SimulatedPath noted = _paths[path];
        Instant next = Instant.Min(noted.Forward.NextTimeout, noted.Back.NextTimeout);
        next = Instant.Min(next, noted.ForwardBoxes?.NextTimeout ?? Instant.Never);
        _pathAgenda.Set(path, Instant.Min(next, noted.BackBoxes?.NextTimeout ?? Instant.Never));
    }

    private void Attach(SimulatedPath.PathEnd end, SimulatedPath path, PathDirection direction)
    {
        List<(SimulatedPath? Path, PathDirection Direction)> links = _links[end.Node];
        while (links.Count <= end.Link)
        {
            links.Add((null, PathDirection.Forward));
        }

        if (links[end.Link].Path is not null)
        {
            throw new ArgumentException($"Link {end.Link} of node {end.Node} has a path.");
        }

        links[end.Link] = (path, direction);
    }

    /// <summary>All that arrives now, path after path; what that makes arrive now on an earlier path comes later.</summary>
    private void Deliver()
    {
        int last = -1;
        while (_pathAgenda.Next <= Now)
        {
            int i = _pathAgenda.First;
            if (i <= last)
            {
                _later.Add(i);
                _pathAgenda.Set(i, Instant.Never);
                continue;
            }

            last = i;
            Deliver(_paths[i], PathDirection.Forward);
            Deliver(_paths[i], PathDirection.Back);
            HandleBoxTimeouts(_paths[i], PathDirection.Forward);
            HandleBoxTimeouts(_paths[i], PathDirection.Back);
            Note(i);
        }

        foreach (int path in _later)
        {
            Note(path);
        }

        _later.Clear();
    }

    private void Deliver(SimulatedPath path, PathDirection direction)
    {
        PathModel model = path.Model(direction);
        SimulatedPath.PathEnd target = path.Target(direction);
        PathDirection opposite = SimulatedPath.Opposite(direction);
        while (model.TryTake(Now, out ReadOnlySpan<byte> packet))
        {
            Events++;
            if (path.Boxes(opposite) is { } boxes)
            {
                boxes.HandlePacket(Now, Heading.Inward, packet);
                DrainBoxes(path, opposite, boxes);
            }
            else if (_nodes[target.Node] is Router router && router.TryRoute(packet, out int link, out _, out _))
            {
                // Most packets of a network are a router's to pass on: without its queue.
                Observer?.HandleDelivered(Now, path, direction, packet);
                packet.CopyTo(_buffer);
                PacketHeaders.TryHop(_buffer.AsSpan(0, packet.Length));
                Send(target.Node, link, packet.Length);
                continue;
            }
            else
            {
                Hand(path, direction, packet);
            }

            Drain(target.Node);
        }
    }

    private void Hand(SimulatedPath path, PathDirection direction, ReadOnlySpan<byte> packet)
    {
        SimulatedPath.PathEnd target = path.Target(direction);
        Observer?.HandleDelivered(Now, path, direction, packet);
        _nodes[target.Node].HandlePacket(Now, target.Link, packet);
    }

    private void HandleBoxTimeouts(SimulatedPath path, PathDirection direction)
    {
        if (path.Boxes(direction) is { } boxes && boxes.NextTimeout <= Now)
        {
            Events++;
            boxes.HandleTimeout(Now);
            DrainBoxes(path, direction, boxes);
            Drain(path.Target(SimulatedPath.Opposite(direction)).Node);
        }
    }

    private void DrainBoxes(SimulatedPath path, PathDirection direction, MiddleboxChain boxes)
    {
        while (boxes.TryTake(_buffer, out Heading heading, out int length, out bool dropped))
        {
            if (heading == Heading.Outward)
            {
                Offer(path, direction, length, passes: !dropped);
            }
            else if (!dropped)
            {
                Hand(path, SimulatedPath.Opposite(direction), _buffer.AsSpan(0, length));
            }
        }
    }

    private void HandleTimeouts()
    {
        int last = -1;
        while (_nodeAgenda.Next <= Now)
        {
            int i = _nodeAgenda.First;
            if (i <= last)
            {
                // It wants to act once more in the same instant: after what it has just done has arrived.
                return;
            }

            last = i;
            Events++;
            _nodes[i].HandleTimeout(Now);
            Drain(i);
        }
    }

    private void Drain(int node)
    {
        while (_nodes[node].TryTransmit(Now, _buffer, out int link, out int length))
        {
            Send(node, link, length);
        }

        _nodeAgenda.Set(node, _nodes[node].NextTimeout);
    }

    /// <summary>What is in the buffer leaves a node on one of its links.</summary>
    private void Send(int node, int link, int length)
    {
        if (++_packetsNow > PacketsPerInstant)
        {
            throw new InvalidOperationException($"Node {node} sends without end at {Now.Nanoseconds} ns.");
        }

        List<(SimulatedPath? Path, PathDirection Direction)> links = _links[node];
        if ((uint)link >= (uint)links.Count || links[link].Path is not { } path)
        {
            PacketsWithoutPath++;
            return;
        }

        Send(path, links[link].Direction, length);
    }

    private void Send(SimulatedPath path, PathDirection direction, int length)
    {
        bool passes = (path.Rewriter is null || path.Rewriter(direction, _buffer, ref length))
            && (path.Filter is null || path.Filter(direction, _buffer.AsSpan(0, length)));
        if (passes && path.Boxes(direction) is { } boxes)
        {
            boxes.HandlePacket(Now, Heading.Outward, _buffer.AsSpan(0, length));
            DrainBoxes(path, direction, boxes);
            Note(path.Index);
        }
        else
        {
            Offer(path, direction, length, passes);
        }
    }

    private void Offer(SimulatedPath path, PathDirection direction, int length, bool passes)
    {
        ReadOnlySpan<byte> packet = _buffer.AsSpan(0, length);
        PathModel model = path.Model(direction);
        PacketFate fate = passes ? model.Send(Now, packet) : PacketFate.Filtered;
        Observer?.HandleSent(Now, path, direction, fate, packet);
        if (model.NextTimeout < _pathAgenda.TimeOf(path.Index))
        {
            _pathAgenda.Set(path.Index, model.NextTimeout);
        }
    }
}
