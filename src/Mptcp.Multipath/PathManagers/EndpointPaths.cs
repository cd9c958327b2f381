using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>
/// The default. As long as nobody has configured endpoints, the initiator opens one subflow from each further local address
/// to the peer's first address, and one to each announced address as long as the peer has more addresses than there are
/// subflows; the responder announces its further addresses. With endpoints their flags decide, at both ends, as with
/// <c>ip mptcp endpoint</c>. Stateless.
/// </summary>
public sealed class EndpointPaths : IPathManager
{
    /// <inheritdoc/>
    public bool Recreates => true;

    /// <inheritdoc/>
    public bool Announces(PathView view, in LocalEndpoint endpoint) => view.Configured
        ? endpoint.Has(EndpointFlags.Signal)
        : view is { IsInitiator: false, AnnouncesByItself: true };

    /// <inheritdoc/>
    public bool TryNext(PathView view, out JoinRequest request)
    {
        request = default;
        return view.Configured
            ? TryNextOfEndpoints(view, out request) || TryNextAnnounced(view, out request)
            : view.IsInitiator && TryNextByDefault(view, out request);
    }

    /// <summary>Without endpoints: from each further local address to the peer's first, then to announced ones.</summary>
    private static bool TryNextByDefault(PathView view, out JoinRequest request)
    {
        request = default;
        int ofFamily = 0;
        for (int i = 0; i < view.Endpoints.Count; i++)
        {
            LocalEndpoint from = view.Endpoints[i];
            bool sameFamily = from.Address.IsV4 == view.InitialRemote.Address.IsV4;
            ofFamily += sameFamily ? 1 : 0;
            if (sameFamily && view.CanUseInitialRemote && view.CountFrom(from.Address) == 0
                && view.TryTake(from, view.InitialRemote, 0, out request))
            {
                return true;
            }
        }

        if (view.Count >= Math.Max(ofFamily, 1 + view.AnnouncedCount))
        {
            return false;
        }

        for (int i = 0; i < view.AnnouncedCount; i++)
        {
            (byte id, IpEndpoint to) = view.Announced(i);
            if (TryFrom(view, LeastUsed(view, to, EndpointFlags.None), to, id, out request))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>From each endpoint for subflows: to the peer's first address, or to each that is known.</summary>
    private static bool TryNextOfEndpoints(PathView view, out JoinRequest request)
    {
        request = default;
        for (int i = 0; i < view.Endpoints.Count; i++)
        {
            LocalEndpoint from = view.Endpoints[i];
            if (!from.Has(EndpointFlags.Subflow) || from.Port is not null)
            {
                continue;
            }

            if (view.CanUseInitialRemote && !view.IsJoined(from.Address, view.InitialRemote.Address)
                && view.TryTake(from, view.InitialRemote, 0, out request))
            {
                return true;
            }

            for (int k = 0; from.Has(EndpointFlags.Fullmesh) && k < view.Subflows.Count; k++)
            {
                // What a subflow uses is known, however it came to be.
                Subflow other = view.Subflows[k];
                bool denied = other.Remote.Address == view.InitialRemote.Address && !view.CanUseInitialRemote;
                if (!denied && other.IsUsable && !view.IsJoined(from.Address, other.Remote.Address)
                    && view.TryTake(from, other.Remote, other.RemoteId, out request))
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
    private static bool TryNextAnnounced(PathView view, out JoinRequest request)
    {
        request = default;
        for (int i = 0; i < view.AnnouncedCount; i++)
        {
            (byte id, IpEndpoint to) = view.Announced(i);
            EndpointFlags wanted = AnyHas(view, EndpointFlags.Fullmesh, to) ? EndpointFlags.Fullmesh
                : !view.CanUseInitialRemote && AnyHas(view, EndpointFlags.Subflow, to) ? EndpointFlags.Subflow
                : EndpointFlags.None;
            bool once = wanted == EndpointFlags.None && (view.IsInUse(id, to) || view.WasTried(to));
            if (!once && TryFrom(view, LeastUsed(view, to, wanted), to, id, out request))
            {
                return true;
            }
        }

        return false;
    }

    private static bool TryFrom(PathView view, int place, IpEndpoint to, byte id, out JoinRequest request)
    {
        request = default;
        return place >= 0 && view.TryTake(view.Endpoints[place], to, id, out request);
    }

    private static int LeastUsed(PathView view, IpEndpoint to, EndpointFlags wanted)
    {
        int best = -1;
        for (int i = 0; i < view.Endpoints.Count; i++)
        {
            LocalEndpoint from = view.Endpoints[i];
            bool possible = from.Port is null && from.Has(wanted) && view.CanTry(from, to);
            if (possible && (best < 0 || view.CountFrom(from.Address) < view.CountFrom(view.Endpoints[best].Address)))
            {
                best = i;
            }
        }

        return best;
    }

    private static bool AnyHas(PathView view, EndpointFlags flags, IpEndpoint to)
    {
        for (int i = 0; i < view.Endpoints.Count; i++)
        {
            if (view.Endpoints[i].Has(flags) && view.Endpoints[i].Address.IsV4 == to.Address.IsV4)
            {
                return true;
            }
        }

        return false;
    }
}
