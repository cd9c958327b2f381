using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>
/// A router: the longest prefix of a destination says the link. It takes one from the hop limit, and it tells the sender
/// by ICMP of a packet that is too big for its link, that has no hop left, or that has no route.
/// </summary>
public sealed class Router : ForwardingNode
{
    private readonly List<(IpPrefix Prefix, int Link)> _routes = [];

    // What was found, by destination: a network has few of them and many packets.
    private readonly Dictionary<IpAddress, int[]> _found = [];
    private readonly Dictionary<int, (IpAddress Address, int Mtu)> _links = [];
    private const int MostFound = 4096;
    private readonly byte[] _error = new byte[IcmpErrors.MaxLength];

    /// <summary>Packets that it could not pass on.</summary>
    public long Dropped { get; private set; }

    /// <summary>Whether it keeps its errors to itself, as a router behind a firewall does: a black hole for big packets.</summary>
    public bool Silent { get; set; }

    /// <summary>Where routes are equal the connection decides (ECMP, RFC 2992), by a hash that begins with this.</summary>
    public ulong Seed { get; set; }

    /// <summary>
    /// Sends what begins with <paramref name="prefix"/> out on <paramref name="link"/>; several routes for a prefix share the
    /// connections.
    /// </summary>
    public void AddRoute(IpPrefix prefix, int link)
    {
        _routes.Add((prefix, link));
        _found.Clear();
    }

    /// <summary>Gives it an address, from which it speaks ICMP, and an MTU in bytes on a link.</summary>
    public void SetLink(int link, IpAddress address, int mtu = ushort.MaxValue) => _links[link] = (address, mtu);

    /// <inheritdoc/>
    public override void HandlePacket(Instant now, int link, ReadOnlySpan<byte> packet)
    {
        if (TryRoute(packet, out int to, out IcmpErrors.Kind refusal, out int mtu))
        {
            PacketHeaders.TryHop(Forward(to, packet));
        }
        else
        {
            Refuse(link, packet, refusal, mtu);
        }
    }

    /// <summary>Whether a packet goes on, by which link; why not, and the MTU that it is too big for.</summary>
    internal bool TryRoute(ReadOnlySpan<byte> packet, out int link, out IcmpErrors.Kind refusal, out int mtu)
    {
        (link, refusal, mtu) = (-1, IcmpErrors.NoRoute, 0);
        if (!IpPacket.TryParse(packet, out IpPacket ip, out _) || (link = Find(ip, packet)) < 0)
        {
            return false;
        }

        if (_links.TryGetValue(link, out (IpAddress Address, int Mtu) exit) && packet.Length > exit.Mtu)
        {
            (refusal, mtu) = (IcmpErrors.TooBig, exit.Mtu);
            return false;
        }

        refusal = IcmpErrors.NoHopLeft;
        return ip.HopLimit > 1;
    }

    private int Find(in IpPacket ip, ReadOnlySpan<byte> packet)
    {
        if (!_found.TryGetValue(ip.Destination, out int[]? links))
        {
            links = FindAll(ip.Destination);
            if (_found.Count == MostFound)
            {
                _found.Clear();
            }

            _found.Add(ip.Destination, links);
        }

        return links.Length switch
        {
            0 => -1,
            1 => links[0],
            _ => links[SplitMix64.At(Seed, PacketHeaders.FlowOf(packet)) % (ulong)links.Length],
        };
    }

    private int[] FindAll(IpAddress destination)
    {
        int longest = -1;
        foreach ((IpPrefix prefix, int _) in _routes)
        {
            longest = prefix.Length > longest && prefix.Contains(destination) ? prefix.Length : longest;
        }

        var links = new List<int>();
        foreach ((IpPrefix prefix, int link) in _routes)
        {
            if (prefix.Length == longest && prefix.Contains(destination))
            {
                links.Add(link);
            }
        }

        return [.. links];
    }

    private void Refuse(int link, ReadOnlySpan<byte> packet, IcmpErrors.Kind kind, int mtu)
    {
        Dropped++;
        if (!Silent
            && _links.TryGetValue(link, out (IpAddress Address, int Mtu) arrival)
            && IcmpErrors.TryWrite(_error, kind, arrival.Address, mtu, packet, out int length))
        {
            Forward(link, _error.AsSpan(0, length));
        }
    }
}
