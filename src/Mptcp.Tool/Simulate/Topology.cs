using Mptcp.Simulation;
using Mptcp.Wire;

namespace Mptcp.Tool.Simulate;

/// <summary>
/// Addresses and routes of a scenario. Path number p is the prefix 10.p.0/24, its first end .1, its second .2. A node's
/// links are its paths in the order of the file; a NAT's outside comes first.
/// </summary>
internal sealed class Topology
{
    private const int PrefixLength = 24;

    private readonly Scenario _scenario;
    private readonly List<int>[] _links;

    // By node and path: the link towards the path, or -1.
    private readonly int[,] _next;
    private readonly int[,] _distance;

    public Topology(Scenario scenario)
    {
        _scenario = scenario;
        _links = [.. scenario.Nodes.Select((_, node) => LinksOf(node))];
        _next = new int[scenario.Nodes.Count, scenario.Paths.Count];
        _distance = new int[scenario.Nodes.Count, scenario.Paths.Count];
        for (int path = 0; path < scenario.Paths.Count; path++)
            Spread(path);
    }

    /// <summary>The paths of a node, by link.</summary>
    public IReadOnlyList<int> Links(int node) => _links[node];

    /// <summary>The link of a node that a path is on.</summary>
    public int LinkOf(int node, int path) => _links[node].IndexOf(path);

    /// <summary>The address of a node on a path of its own.</summary>
    public IpAddress Address(int node, int path) => At(path, (byte)(_scenario.Paths[path].First == node ? 1 : 2));

    /// <summary>The prefixes that a router reaches, and by which link.</summary>
    public IEnumerable<(IpPrefix Prefix, int Link)> Routes(int node)
    {
        for (int path = 0; path < _scenario.Paths.Count; path++)
        {
            if (_next[node, path] < 0)
                continue;
            foreach (int link in _scenario.Nodes[node] is RouterSpec { Ecmp: true } ? EqualLinks(node, path) : [_next[node, path]])
                yield return (new IpPrefix(At(path, 0), PrefixLength), link);
        }
    }

    /// <summary>
    /// The way between two hosts: the first link of the sender that leads there, and the receiver's path that is nearest.
    /// </summary>
    public bool TryFindRoute(int from, int to, out int link, out int path)
    {
        path = -1;
        for (link = 0; link < _links[from].Count && path < 0; link++)
        {
            int first = _links[from][link];
            int neighbour = Other(first, from);
            foreach (int candidate in _links[to])
            {
                if (Leads(from, first, to, candidate) && (path < 0 || _distance[neighbour, candidate] < _distance[neighbour, path]))
                    path = candidate;
            }
        }

        link--;
        return path >= 0;
    }

    /// <summary>Whether what leaves a sender by one of its paths arrives at the receiver's address on another.</summary>
    public bool Leads(int from, int path, int to, int target)
    {
        int neighbour = Other(path, from);
        return neighbour == to ? target == path : _next[neighbour, target] >= 0 && Forwards(neighbour, LinkOf(neighbour, path), target);
    }

    /// <summary>The links of a node by which a path is as near as by the first one that was found.</summary>
    private IEnumerable<int> EqualLinks(int node, int target) => Enumerable.Range(0, _links[node].Count).Where(link =>
    {
        int path = _links[node][link];
        int neighbour = Other(path, node);
        return path == target
            || (_distance[node, target] > 0 && _next[neighbour, target] >= 0 && _distance[neighbour, target] == _distance[node, target] - 1
                && Forwards(neighbour, LinkOf(neighbour, path), target));
    });

    private List<int> LinksOf(int node)
    {
        List<int> links = [.. Enumerable.Range(0, _scenario.Paths.Count)
            .Where(path => _scenario.Paths[path].First == node || _scenario.Paths[path].Second == node)];
        if (_scenario.Nodes[node] is NatSpec nat)
        {
            int outside = links.Find(path => _scenario.Paths[path].Name == nat.Outside);
            links.Remove(outside);
            links.Insert(Nat.OutsideLink, outside);
        }

        return links;
    }

    /// <summary>From a path outwards: who is next to a node that knows the way and passes packets on, knows it, too.</summary>
    private void Spread(int target)
    {
        for (int node = 0; node < _scenario.Nodes.Count; node++)
            _next[node, target] = -1;
        var reached = new Queue<int>();
        foreach (int end in (int[])[_scenario.Paths[target].First, _scenario.Paths[target].Second])
        {
            _next[end, target] = LinkOf(end, target);
            reached.Enqueue(end);
        }

        while (reached.TryDequeue(out int node))
        {
            for (int link = 0; link < _links[node].Count; link++)
            {
                int path = _links[node][link];
                int neighbour = Other(path, node);
                if (_next[neighbour, target] < 0 && Forwards(node, link, target))
                {
                    _next[neighbour, target] = LinkOf(neighbour, path);
                    _distance[neighbour, target] = _distance[node, target] + 1;
                    reached.Enqueue(neighbour);
                }
            }
        }
    }

    private int Other(int path, int node) =>
        _scenario.Paths[path].First == node ? _scenario.Paths[path].Second : _scenario.Paths[path].First;

    private bool Forwards(int node, int arrivalLink, int target) => _scenario.Nodes[node] switch
    {
        RouterSpec => true,
        NatSpec => arrivalLink != Nat.OutsideLink && _next[node, target] == Nat.OutsideLink,
        _ => false,
    };

    private static IpAddress At(int path, byte end) => IpAddress.FromBytes([10, (byte)(path >> 8), (byte)path, end]);
}
