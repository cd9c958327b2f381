using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>
/// The pairs of addresses between which a subflow could be opened, each once: what was tried, and what comes next given
/// the endpoints, the peer's announced addresses and the subflows that are alive.
/// </summary>
internal sealed class JoinCandidates(LocalEndpoints endpoints, PeerAddresses announced, IpEndpoint local, IpEndpoint remote)
{
    private readonly HashSet<(IpAddress Local, IpEndpoint Remote)> _tried = [(local.Address, remote)];

    /// <summary>Whether the peer takes subflows at its first address.</summary>
    public bool CanUseInitialRemote { get; set; } = true;

    /// <summary>A pair is taken; false when it was tried before.</summary>
    public bool TryTake(IpAddress from, IpEndpoint to) => _tried.Add((from, to));

    /// <summary>A pair may be tried again.</summary>
    public void Forget((IpAddress Local, IpEndpoint Remote) pair) => _tried.Remove(pair);

    /// <summary>All pairs from an address of ours may be tried again.</summary>
    /// <param name="address">The address.</param>
    /// <param name="initialToo">Also the pair of the initial subflow.</param>
    public void ForgetFrom(IpAddress address, bool initialToo) =>
        _tried.RemoveWhere(pair => pair.Local == address && (initialToo || pair != (local.Address, remote)));

    /// <summary>All pairs to an address of the peer may be tried again.</summary>
    public void ForgetTo(IpEndpoint address) => _tried.RemoveWhere(pair => pair.Remote == address);

    /// <summary>All pairs may be tried again but those in <paramref name="refused"/>.</summary>
    public void ForgetAllBut(HashSet<(IpAddress Local, IpEndpoint Remote)> refused)
    {
        _tried.Clear();
        _tried.UnionWith(refused);
    }

    /// <summary>Without endpoints: from each further local address to the peer's first, then to announced ones.</summary>
    public bool TryNextByDefault(IReadOnlyList<Subflow> alive, out JoinRequest request)
    {
        request = default;
        int ofFamily = 0;
        for (int i = 0; i < endpoints.All.Count; i++)
        {
            LocalEndpoint from = endpoints.All[i];
            bool sameFamily = from.Address.IsV4 == remote.Address.IsV4;
            ofFamily += sameFamily ? 1 : 0;
            if (sameFamily && CanUseInitialRemote && CountFrom(alive, from.Address) == 0 && _tried.Add((from.Address, remote)))
            {
                request = new JoinRequest(from, remote, 0);
                return true;
            }
        }

        int accepted = Math.Min(announced.Count, endpoints.Limits.AcceptedAddresses);
        if (alive.Count >= Math.Max(ofFamily, 1 + accepted))
        {
            return false;
        }

        for (int i = 0; i < accepted; i++)
        {
            (byte id, IpEndpoint to) = announced[i];
            if (TryFrom(LeastUsed(alive, to, EndpointFlags.None), to, id, out request))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>From each endpoint for subflows: to the peer's first address, or to each that is known.</summary>
    public bool TryNextOfEndpoints(IReadOnlyList<Subflow> alive, out JoinRequest request)
    {
        request = default;
        for (int i = 0; i < endpoints.All.Count; i++)
        {
            LocalEndpoint from = endpoints.All[i];
            if (!from.Has(EndpointFlags.Subflow) || from.Port is not null)
            {
                continue;
            }

            if (CanUseInitialRemote && !IsJoined(alive, from.Address, remote.Address)
                && TryPair(from, remote, 0, out request))
            {
                return true;
            }

            for (int k = 0; from.Has(EndpointFlags.Fullmesh) && k < alive.Count; k++)
            {
                // What a subflow uses is known, however it came to be.
                bool denied = alive[k].Remote.Address == remote.Address && !CanUseInitialRemote;
                if (!denied && alive[k].IsUsable && !IsJoined(alive, from.Address, alive[k].Remote.Address)
                    && TryPair(from, alive[k].Remote, alive[k].RemoteId, out request))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>
    /// To each announced address: from every fullmesh endpoint; without one from the address that is used least. Where
    /// the peer takes no more at its first address, from the endpoints for subflows.
    /// </summary>
    public bool TryNextAnnounced(IReadOnlyList<Subflow> alive, out JoinRequest request)
    {
        request = default;
        int accepted = Math.Min(announced.Count, endpoints.Limits.AcceptedAddresses);
        for (int i = 0; i < accepted; i++)
        {
            (byte id, IpEndpoint to) = announced[i];
            EndpointFlags wanted = AnyHas(EndpointFlags.Fullmesh, to) ? EndpointFlags.Fullmesh
                : !CanUseInitialRemote && AnyHas(EndpointFlags.Subflow, to) ? EndpointFlags.Subflow
                : EndpointFlags.None;
            bool once = wanted == EndpointFlags.None && (IsInUse(alive, id, to) || WasTried(to));
            if (!once && TryFrom(LeastUsed(alive, to, wanted), to, id, out request))
            {
                return true;
            }
        }

        return false;
    }

    private bool TryFrom(int place, IpEndpoint to, byte id, out JoinRequest request)
    {
        request = default;
        return place >= 0 && TryPair(endpoints.All[place], to, id, out request);
    }

    private bool TryPair(in LocalEndpoint from, IpEndpoint to, byte id, out JoinRequest request)
    {
        request = new JoinRequest(from, to, id);
        return from.Address.IsV4 == to.Address.IsV4 && _tried.Add((from.Address, to));
    }

    private int LeastUsed(IReadOnlyList<Subflow> alive, IpEndpoint to, EndpointFlags wanted)
    {
        int best = -1;
        for (int i = 0; i < endpoints.All.Count; i++)
        {
            LocalEndpoint from = endpoints.All[i];
            bool possible = from.Address.IsV4 == to.Address.IsV4 && from.Port is null && from.Has(wanted)
                && !_tried.Contains((from.Address, to));
            if (possible && (best < 0 || CountFrom(alive, from.Address) < CountFrom(alive, endpoints.All[best].Address)))
            {
                best = i;
            }
        }

        return best;
    }

    private bool AnyHas(EndpointFlags flags, IpEndpoint to)
    {
        for (int i = 0; i < endpoints.All.Count; i++)
        {
            if (endpoints.All[i].Has(flags) && endpoints.All[i].Address.IsV4 == to.Address.IsV4)
            {
                return true;
            }
        }

        return false;
    }

    private bool WasTried(IpEndpoint to)
    {
        foreach ((IpAddress _, IpEndpoint tried) in _tried)
        {
            if (tried == to)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether a subflow goes there already, be it by the peer's own join with that identifier.</summary>
    public static bool IsInUse(IReadOnlyList<Subflow> alive, byte id, IpEndpoint to)
    {
        for (int i = 0; i < alive.Count; i++)
        {
            // One that closes may wait for its last acknowledgement from an address that was away meanwhile.
            if (alive[i] is { IsAlive: true, Closing: false }
                && (alive[i].Remote == to || (alive[i].OpenedByPeer && alive[i].RemoteId == id)))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsJoined(IReadOnlyList<Subflow> alive, IpAddress from, IpAddress to)
    {
        for (int i = 0; i < alive.Count; i++)
        {
            if (alive[i].IsAlive && alive[i].Local.Address == from && alive[i].Remote.Address == to)
            {
                return true;
            }
        }

        return false;
    }

    private static int CountFrom(IReadOnlyList<Subflow> alive, IpAddress address)
    {
        int count = 0;
        for (int i = 0; i < alive.Count; i++)
        {
            count += alive[i].Local.Address == address ? 1 : 0;
        }

        return count;
    }
}
