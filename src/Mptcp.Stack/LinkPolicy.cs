using Mptcp.Multipath;

namespace Mptcp.Stack;

/// <summary>What the owner of a host wants of one of its links. Immutable.</summary>
public sealed record LinkPolicy
{
    /// <summary>How far it may be used.</summary>
    public EndpointUse Use { get; init; }

    /// <summary>Its part of the data with schedulers that know weights, from 1; 0 says nothing.</summary>
    public int Weight { get; init; }

    /// <summary>What it costs, in any unit: links that cost more than the cheapest one that may be used are backups.</summary>
    public int Cost { get; init; }

    /// <summary>Whether its owner pays by the byte: it costs more than any that is not metered.</summary>
    public bool Metered { get; init; }

    /// <summary>The bytes of IP packets, both ways, after which it is avoided; null for no limit.</summary>
    public long? Cap { get; init; }
}

/// <summary>What follows from the policies of all links for each, and the bytes that each has carried.</summary>
internal sealed class LinkPolicies
{
    private const long MeteredCost = 1L << 32;
    private static readonly LinkPolicy _none = new();
    private readonly Dictionary<int, LinkPolicy> _policies = [];
    private readonly Dictionary<int, long> _carried = [];

    /// <summary>Whether there is any.</summary>
    public bool Any => _policies.Count > 0;

    public LinkPolicy this[int link]
    {
        get => _policies.GetValueOrDefault(link, _none);
        set => _policies[link] = value;
    }

    /// <summary>What a link has carried since the first policy was set, in bytes of IP packets.</summary>
    public long Carried(int link) => _carried.GetValueOrDefault(link);

    /// <summary>A packet came or left; true when that uses a cap up.</summary>
    public bool Count(int link, int length)
    {
        if (_policies.Count == 0)
        {
            return false;
        }

        long before = Carried(link);
        _carried[link] = before + length;
        return this[link].Cap is { } cap && before < cap && before + length >= cap;
    }

    /// <summary>How far a link may be used, given what the others of the host cost.</summary>
    public EndpointUse UseOf(int link, IReadOnlyList<LocalAddress> addresses)
    {
        if (Own(link) is not EndpointUse.Normal and EndpointUse own)
        {
            return own;
        }

        foreach (LocalAddress other in addresses)
        {
            if (Own(other.Link) == EndpointUse.Normal && CostOf(other.Link) < CostOf(link))
            {
                return EndpointUse.Backup;
            }
        }

        return EndpointUse.Normal;
    }

    private EndpointUse Own(int link) => this[link].Cap <= Carried(link) ? EndpointUse.Avoid : this[link].Use;

    private long CostOf(int link) => this[link].Cost + (this[link].Metered ? MeteredCost : 0);
}
