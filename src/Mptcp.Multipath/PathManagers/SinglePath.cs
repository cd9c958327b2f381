namespace Mptcp.Multipath;

/// <summary>The initial subflow alone. Joins of the peer are taken, within the limits. Stateless.</summary>
public sealed class SinglePath : IPathManager
{
    /// <inheritdoc/>
    /// <remarks>When none is left, the connection tries its first pair of addresses all the same (RFC 8684 §3.3.3).</remarks>
    public bool Recreates => false;

    /// <inheritdoc/>
    public bool Announces(PathView view, in LocalEndpoint endpoint) => false;

    /// <inheritdoc/>
    public bool TryNext(PathView view, out JoinRequest request)
    {
        request = default;
        return false;
    }
}

/// <summary>Tells the peer of every address, and leaves the joins to it: for a server behind no NAT. Stateless.</summary>
public sealed class SignalOnly : IPathManager
{
    /// <inheritdoc/>
    public bool Recreates => false;

    /// <inheritdoc/>
    public bool Announces(PathView view, in LocalEndpoint endpoint) => true;

    /// <inheritdoc/>
    public bool TryNext(PathView view, out JoinRequest request)
    {
        request = default;
        return false;
    }
}

/// <summary>
/// Does nothing by itself: <see cref="MptcpConnection.OpenSubflow"/> opens, and what was opened is kept. Stateless.
/// </summary>
public sealed class ManualPaths : IPathManager
{
    /// <inheritdoc/>
    public bool Recreates => true;

    /// <inheritdoc/>
    public bool Announces(PathView view, in LocalEndpoint endpoint) => false;

    /// <inheritdoc/>
    public bool TryNext(PathView view, out JoinRequest request)
    {
        request = default;
        return false;
    }
}
