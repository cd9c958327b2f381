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
    private readonly Dictionary<int, (IpAddress Address, int Mtu)> _links = [];
    private readonly byte[] _error = new byte[IcmpErrors.MaxLength];

    /// <summary>Packets that it could not pass on.</summary>
    public long Dropped { get; private set; }

    /// <summary>Whether it keeps its errors to itself, as a router behind a firewall does: a black hole for big packets.</summary>
    public bool Silent { get; set; }

    /// <summary>Sends what begins with <paramref name="prefix"/> out on <paramref name="link"/>.</summary>
    public void AddRoute(IpPrefix prefix, int link) => _routes.Add((prefix, link));

    /// <summary>Gives it an address, from which it speaks ICMP, and an MTU in bytes on a link.</summary>
    public void SetLink(int link, IpAddress address, int mtu = ushort.MaxValue) => _links[link] = (address, mtu);

    /// <inheritdoc/>
    public override void HandlePacket(Instant now, int link, ReadOnlySpan<byte> packet)
    {
        if (!IpPacket.TryParse(packet, out IpPacket ip, out _) || Find(ip.Destination) is var to && to < 0)
        {
            Refuse(link, packet, IcmpErrors.NoRoute, 0);
        }
        else if (_links.TryGetValue(to, out (IpAddress Address, int Mtu) exit) && packet.Length > exit.Mtu)
        {
            Refuse(link, packet, IcmpErrors.TooBig, exit.Mtu);
        }
        else if (ip.HopLimit <= 1)
        {
            Refuse(link, packet, IcmpErrors.NoHopLeft, 0);
        }
        else
        {
            PacketHeaders.TryHop(Forward(to, packet));
        }
    }

    private int Find(IpAddress destination)
    {
        (int link, int length) = (-1, -1);
        foreach ((IpPrefix prefix, int candidate) in _routes)
        {
            if (prefix.Length > length && prefix.Contains(destination))
            {
                (link, length) = (candidate, prefix.Length);
            }
        }

        return link;
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
