using Mptcp.Multipath;
using Mptcp.Tcp;

namespace Mptcp.Stack;

/// <content>What the owner of the host wants of its links.</content>
public sealed partial class NetworkStack
{
    private readonly LinkPolicies _policies = new();
    private readonly List<LocalEndpoint> _changed = [];

    /// <summary>What a link has carried since the first policy was set, in bytes of IP packets both ways.</summary>
    public long CarriedBy(int link) => _policies.Carried(link);

    /// <summary>
    /// Says what is wanted of a link. Connections follow at once: subflows become backups, or cease to be, by MP_PRIO (RFC
    /// 8684 §3.3.8); none is opened, and no data is sent, where <see cref="EndpointUse.Avoid"/> is wanted and another path
    /// works.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="link">The number of the link.</param>
    /// <param name="policy">What is wanted.</param>
    /// <exception cref="ArgumentOutOfRangeException">A weight, a cost or a cap is negative.</exception>
    public void SetPolicy(Instant now, int link, LinkPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentOutOfRangeException.ThrowIfNegative(policy.Weight, nameof(policy));
        ArgumentOutOfRangeException.ThrowIfNegative(policy.Cost, nameof(policy));
        ArgumentOutOfRangeException.ThrowIfNegative(policy.Cap ?? 0, nameof(policy));
        _policies[link] = policy;
        ApplyPolicies(now);
    }

    /// <summary>Addresses have changed, and with them perhaps what is the cheapest link; connections know the time themselves.</summary>
    private void FollowPolicies()
    {
        if (_policies.Any)
        {
            ApplyPolicies(default);
        }
    }

    private void ApplyPolicies(Instant now)
    {
        _changed.Clear();
        foreach (LocalAddress address in _addresses.All)
        {
            _endpoints.SetUse(address.Link, _policies.UseOf(address.Link, _addresses.All), _policies[address.Link].Weight, _changed);
        }

        foreach (StackSocket socket in _sockets.All)
        {
            socket.Connection.HandleTime(now);
        }

        foreach (LocalEndpoint endpoint in _changed)
        {
            Tell(EndpointChangeKind.FlagsChanged, endpoint);
        }
    }

    private void CountForPolicies(Instant now, int link, int length)
    {
        if (_policies.Count(link, length))
        {
            ApplyPolicies(now);
        }
    }
}
