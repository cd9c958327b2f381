using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>
/// A subflow from each of our addresses to each known address of the peer, of the same family; both ends announce. The
/// initiator opens. Stateless.
/// </summary>
public sealed class FullMesh : IPathManager
{
    /// <inheritdoc/>
    public bool Recreates => true;

    /// <inheritdoc/>
    public bool Announces(PathView view, in LocalEndpoint endpoint) => !view.IsInitiator;

    /// <inheritdoc/>
    public bool TryNext(PathView view, out JoinRequest request)
    {
        request = default;
        if (!view.IsInitiator)
        {
            return false;
        }

        for (int i = 0; i < view.Endpoints.Count; i++)
        {
            LocalEndpoint from = view.Endpoints[i];
            if (view.CanUseInitialRemote && !view.IsJoined(from.Address, view.InitialRemote.Address)
                && view.TryTake(from, view.InitialRemote, 0, out request))
            {
                return true;
            }

            for (int k = 0; k < view.AnnouncedCount; k++)
            {
                (byte id, IpEndpoint to) = view.Announced(k);
                if (!view.IsJoined(from.Address, to.Address) && view.TryTake(from, to, id, out request))
                {
                    return true;
                }
            }
        }

        return false;
    }
}

/// <summary>
/// One subflow from each of our addresses, to the peer's first address, or to an announced one of its family where that
/// cannot be reached from there. The initiator opens; the responder announces. Stateless.
/// </summary>
public sealed class OnePerInterface : IPathManager
{
    /// <inheritdoc/>
    public bool Recreates => true;

    /// <inheritdoc/>
    public bool Announces(PathView view, in LocalEndpoint endpoint) => !view.IsInitiator;

    /// <inheritdoc/>
    public bool TryNext(PathView view, out JoinRequest request)
    {
        request = default;
        for (int i = 0; view.IsInitiator && i < view.Endpoints.Count; i++)
        {
            LocalEndpoint from = view.Endpoints[i];
            if (view.CountFrom(from.Address) > 0)
            {
                continue;
            }

            if (view.CanUseInitialRemote && view.TryTake(from, view.InitialRemote, 0, out request))
            {
                return true;
            }

            for (int k = 0; k < view.AnnouncedCount; k++)
            {
                (byte id, IpEndpoint to) = view.Announced(k);
                if (view.TryTake(from, to, id, out request))
                {
                    return true;
                }
            }
        }

        return false;
    }
}

/// <summary>
/// Several subflows between the two addresses of the first one, each from a port of its own: for paths that balance by
/// ports. The initiator opens. Stateless.
/// </summary>
/// <param name="count">How many in all, from 1.</param>
public sealed class PortsOnPath(int count) : IPathManager
{
    /// <inheritdoc/>
    public bool Recreates => true;

    /// <inheritdoc/>
    public bool Announces(PathView view, in LocalEndpoint endpoint) => false;

    /// <inheritdoc/>
    public bool TryNext(PathView view, out JoinRequest request)
    {
        request = default;
        for (int i = 0; view is { IsInitiator: true, CanUseInitialRemote: true } && i < view.Endpoints.Count; i++)
        {
            LocalEndpoint from = view.Endpoints[i];
            for (int lane = 0; from.Address == view.InitialLocal.Address && from.Port is null && lane < count; lane++)
            {
                if (view.TryTake(from, view.InitialRemote, 0, out request, lane))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
