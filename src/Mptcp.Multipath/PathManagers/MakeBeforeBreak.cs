namespace Mptcp.Multipath;

/// <summary>
/// One subflow, and another as soon as that one is in doubt: silent, its link down, or to be spared. The old one is kept, in case
/// it comes back. Less than full use of all paths costs, and no gap as long as a path that is given up would leave. Stateless.
/// </summary>
public sealed class MakeBeforeBreak : IPathManager
{
    private static readonly OnePerInterface _ways = new();

    /// <inheritdoc/>
    public bool Recreates => true;

    /// <inheritdoc/>
    public bool Announces(PathView view, in LocalEndpoint endpoint) => _ways.Announces(view, endpoint);

    /// <inheritdoc/>
    public bool TryNext(PathView view, out JoinRequest request)
    {
        for (int i = 0; i < view.Subflows.Count; i++)
        {
            Subflow subflow = view.Subflows[i];
            if (subflow.IsAlive && (!subflow.HasJoined || (subflow.IsTrusted && !subflow.IsBackup && !subflow.Closing)))
            {
                request = default;
                return false;
            }
        }

        return _ways.TryNext(view, out request);
    }
}
