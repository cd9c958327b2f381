using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>
/// What a path manager sees of one connection: the addresses of both ends, the subflows, and which pairs of addresses can
/// be tried. Each pair is tried once, until something happens that gives it another chance: its address is announced
/// again, it was lost and its time has come, or no subflow is left.
/// </summary>
public sealed class PathView
{
    private readonly LocalEndpoints _endpoints;
    private readonly PeerAddresses _announced;
    private readonly LostPaths _lost;
    private readonly HashSet<PathPair> _tried;

    internal PathView(
        LocalEndpoints endpoints, PeerAddresses announced, LostPaths lost, IpEndpoint local, IpEndpoint remote, bool isInitiator)
    {
        (_endpoints, _announced, _lost, IsInitiator) = (endpoints, announced, lost, isInitiator);
        (InitialLocal, InitialRemote) = (local, remote);
        _tried = [new PathPair(local.Address, remote, 0)];
    }

    /// <summary>Whether this end began the connection.</summary>
    public bool IsInitiator { get; }

    /// <summary>Our end of the initial subflow.</summary>
    public IpEndpoint InitialLocal { get; }

    /// <summary>The peer's end of the initial subflow.</summary>
    public IpEndpoint InitialRemote { get; }

    /// <summary>Whether the peer takes subflows at its first address (RFC 8684 §3.1, flag C; §3.4.2).</summary>
    public bool CanUseInitialRemote { get; internal set; } = true;

    /// <summary>Our endpoints, one for each address at least.</summary>
    public IReadOnlyList<LocalEndpoint> Endpoints => _endpoints.All;

    /// <summary>Whether the flags of endpoints were set by somebody.</summary>
    public bool Configured => _endpoints.Configured;

    /// <summary>Whether a server announces by itself; see <see cref="MptcpSettings.AnnounceAddresses"/>.</summary>
    public bool AnnouncesByItself { get; internal init; } = true;

    /// <summary>What the connection may have; requests beyond it wait.</summary>
    public PathLimits Limits => _endpoints.Limits;

    /// <summary>How many announced addresses of the peer may be used.</summary>
    public int AnnouncedCount => Math.Min(_announced.Count, Limits.AcceptedAddresses);

    /// <summary>The subflows, those that are on their way to their beginning or end included.</summary>
    public IReadOnlyList<Subflow> Subflows { get; internal set; } = [];

    /// <summary>An address that the peer has announced, from 0 to <see cref="AnnouncedCount"/>, and its identifier.</summary>
    public (byte Id, IpEndpoint Remote) Announced(int index) => _announced[index];

    /// <summary>How many subflows there are, with those that were lost and will be opened again.</summary>
    public int Count => Subflows.Count + _lost.CountAwaited(from: null);

    /// <summary>How many of them are from an address of ours.</summary>
    public int CountFrom(IpAddress address)
    {
        int count = _lost.CountAwaited(address);
        for (int i = 0; i < Subflows.Count; i++)
        {
            count += Subflows[i].Local.Address == address ? 1 : 0;
        }

        return count;
    }

    /// <summary>Whether a subflow joins two addresses.</summary>
    public bool IsJoined(IpAddress from, IpAddress to)
    {
        for (int i = 0; i < Subflows.Count; i++)
        {
            if (Subflows[i].IsAlive && Subflows[i].Local.Address == from && Subflows[i].Remote.Address == to)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether a subflow goes there already, be it by the peer's own join with that identifier.</summary>
    public bool IsInUse(byte id, IpEndpoint to)
    {
        for (int i = 0; i < Subflows.Count; i++)
        {
            // One that closes may wait for its last acknowledgement from an address that was away meanwhile.
            if (Subflows[i] is { IsAlive: true, Closing: false }
                && (Subflows[i].Remote == to || (Subflows[i].OpenedByPeer && Subflows[i].RemoteId == id)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether a pair of addresses of one family can be tried now.</summary>
    public bool CanTry(in LocalEndpoint from, IpEndpoint to, int lane = 0) =>
        from.Use != EndpointUse.Avoid && from.Address.IsV4 == to.Address.IsV4 && !_tried.Contains(new PathPair(from.Address, to, lane));

    /// <summary>Whether an address of the peer was tried from any of ours.</summary>
    public bool WasTried(IpEndpoint to)
    {
        foreach (PathPair tried in _tried)
        {
            if (tried.Remote == to)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes a pair of addresses that can be tried: it cannot any more.</summary>
    public bool TryTake(in LocalEndpoint from, IpEndpoint to, byte remoteId, out JoinRequest request, int lane = 0)
    {
        request = new JoinRequest(from, to, remoteId, lane);
        return CanTry(from, to, lane) && _tried.Add(new PathPair(from.Address, to, lane));
    }

    /// <summary>Whether a request came of <see cref="TryTake"/>, and begins at an address that is still ours.</summary>
    internal bool WasTaken(in JoinRequest request) => _endpoints.Find(request.From.Address, port: null) >= 0
        && _tried.Contains(new PathPair(request.From.Address, request.Remote, request.Lane));

    /// <summary>A pair is tried, whether it was before or not.</summary>
    internal void Take(PathPair pair) => _tried.Add(pair);

    /// <summary>All pairs from an address of ours may be tried again.</summary>
    /// <param name="address">The address.</param>
    /// <param name="initialToo">Also the pair of the initial subflow.</param>
    internal void ForgetFrom(IpAddress address, bool initialToo) => _tried.RemoveWhere(
        pair => pair.Local == address && (initialToo || pair != new PathPair(InitialLocal.Address, InitialRemote, 0)));

    /// <summary>All pairs to an address of the peer may be tried again.</summary>
    internal void ForgetTo(IpEndpoint address) => _tried.RemoveWhere(pair => pair.Remote == address);

    /// <summary>All pairs may be tried again but those in <paramref name="refused"/>.</summary>
    internal void ForgetAllBut(HashSet<PathPair> refused)
    {
        _tried.Clear();
        _tried.UnionWith(refused);
    }
}

/// <summary>Between which addresses a subflow runs, and which of several it is.</summary>
internal readonly record struct PathPair(IpAddress Local, IpEndpoint Remote, int Lane);
