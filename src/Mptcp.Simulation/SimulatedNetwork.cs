using Mptcp.Stack;
using Mptcp.Tcp;

namespace Mptcp.Simulation;

/// <summary>
/// Hosts joined by paths, and a clock that jumps to the next thing that happens. Not thread-safe. The same hosts, paths,
/// seed and calls give the same packets at the same nanoseconds.
/// </summary>
public sealed class SimulatedNetwork
{
    private const int PacketRoom = 65_536;

    // More packets than this at one point in time is a host that never stops.
    private const int PacketsPerInstant = 1_000_000;

    private readonly List<NetworkStack> _hosts = [];
    private readonly List<SimulatedPath> _paths = [];
    private readonly Dictionary<SimulatedPath.PathEnd, (SimulatedPath Path, PathDirection Direction)> _ends = [];
    private readonly byte[] _buffer = new byte[PacketRoom];
    private readonly ulong _seed;
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

    /// <summary>Adds a host; returns its number, from 0.</summary>
    public int AddHost(NetworkStack host)
    {
        _hosts.Add(host);
        return _hosts.Count - 1;
    }

    /// <summary>Joins a link of one host with a link of another.</summary>
    /// <param name="firstHost">A host's number.</param>
    /// <param name="firstLink">The number of its link, as in <see cref="LocalAddress.Link"/>.</param>
    /// <param name="secondHost">The other host's number.</param>
    /// <param name="secondLink">The number of its link.</param>
    /// <param name="forward">From the first to the second.</param>
    /// <param name="back">From the second to the first; null for the same as <paramref name="forward"/>.</param>
    /// <exception cref="ArgumentException">A link is taken.</exception>
    public SimulatedPath Connect(
        int firstHost, int firstLink, int secondHost, int secondLink, PathOptions forward, PathOptions? back = null)
    {
        var first = new SimulatedPath.PathEnd(firstHost, firstLink);
        var second = new SimulatedPath.PathEnd(secondHost, secondLink);
        var index = (ulong)_paths.Count;
        var path = new SimulatedPath(
            first,
            second,
            new PathModel(forward, SplitMix64.At(_seed, 2 * index)),
            new PathModel(back ?? forward, SplitMix64.At(_seed, 2 * index + 1)));
        _ends.Add(first, (path, PathDirection.Forward));
        _ends.Add(second, (path, PathDirection.Back));
        _paths.Add(path);
        return path;
    }

    /// <summary>Lets time pass until <paramref name="done"/>, which is asked after every event.</summary>
    /// <param name="done">May use the hosts: what it makes them want to send is sent.</param>
    /// <param name="limitNanoseconds">How long at most, in virtual time.</param>
    /// <returns>False when the time is up, or nothing is left to happen.</returns>
    /// <exception cref="InvalidOperationException">A host sends without end at one point in time.</exception>
    public bool RunUntil(Func<bool> done, long limitNanoseconds)
    {
        ArgumentNullException.ThrowIfNull(done);
        Instant end = Now + limitNanoseconds;
        while (true)
        {
            DrainAll();
            if (done())
            {
                DrainAll();
                return true;
            }

            DrainAll();
            Instant next = NextEvent();
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
        }
    }

    /// <summary>Lets time pass, whatever happens.</summary>
    public void Run(long nanoseconds) => RunUntil(static () => false, nanoseconds);

    private Instant NextEvent()
    {
        Instant next = Instant.Never;
        foreach (NetworkStack host in _hosts)
        {
            next = Instant.Min(next, host.NextTimeout);
        }

        foreach (SimulatedPath path in _paths)
        {
            next = Instant.Min(next, Instant.Min(path.Forward.NextTimeout, path.Back.NextTimeout));
        }

        return next;
    }

    private void Deliver()
    {
        foreach (SimulatedPath path in _paths)
        {
            Deliver(path, PathDirection.Forward);
            Deliver(path, PathDirection.Back);
        }
    }

    private void Deliver(SimulatedPath path, PathDirection direction)
    {
        SimulatedPath.PathEnd target = path.Target(direction);
        while (path.Model(direction).TryReceive(Now, _buffer, out int length))
        {
            _hosts[target.Host].HandlePacket(Now, target.Link, _buffer.AsSpan(0, length));
            Drain(target.Host);
        }
    }

    private void HandleTimeouts()
    {
        for (int i = 0; i < _hosts.Count; i++)
        {
            if (_hosts[i].NextTimeout <= Now)
            {
                _hosts[i].HandleTimeout(Now);
                Drain(i);
            }
        }
    }

    private void DrainAll()
    {
        for (int i = 0; i < _hosts.Count; i++)
        {
            Drain(i);
        }
    }

    private void Drain(int host)
    {
        while (_hosts[host].TryTransmit(Now, _buffer, out int link, out int length))
        {
            if (++_packetsNow > PacketsPerInstant)
            {
                throw new InvalidOperationException($"Host {host} sends without end at {Now.Nanoseconds} ns.");
            }

            if (!_ends.TryGetValue(new SimulatedPath.PathEnd(host, link), out (SimulatedPath Path, PathDirection Direction) to))
            {
                PacketsWithoutPath++;
                continue;
            }

            Span<byte> packet = _buffer.AsSpan(0, length);
            if (to.Path.Filter is null || to.Path.Filter(to.Direction, packet))
            {
                to.Path.Model(to.Direction).Send(Now, packet);
            }
        }
    }
}
