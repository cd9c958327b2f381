using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>
/// One subflow, and another as soon as that one is in doubt: silent, its link down, or to be spared. The old one is kept, in case
/// it comes back. Less than full use of all paths costs, and no gap as long as a path that is given up would leave. Stateless.
/// </summary>
public sealed class MakeBeforeBreak : IPathManager
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

        for (int i = 0; i < view.Subflows.Count; i++)
        {
            Subflow subflow = view.Subflows[i];
            if (subflow.IsAlive && (!subflow.HasJoined || (subflow.IsTrusted && !subflow.IsBackup && !subflow.Closing)))
            {
                return false;
            }
        }

        for (int i = 0; i < view.Endpoints.Count; i++)
        {
            LocalEndpoint from = view.Endpoints[i];
            if (view.CanUseInitialRemote && view.CountFrom(from.Address) == 0 && view.TryTake(from, view.InitialRemote, 0, out request))
            {
                return true;
            }

            for (int k = 0; k < view.AnnouncedCount; k++)
            {
                (byte id, IpEndpoint to) = view.Announced(k);
                if (view.CountFrom(from.Address) == 0 && view.TryTake(from, to, id, out request))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
