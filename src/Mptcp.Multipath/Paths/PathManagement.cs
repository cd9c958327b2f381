using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>What a path manager wants done, beside opening subflows.</summary>
internal enum PathCommandKind
{
    /// <summary>ADD_ADDR with <see cref="PathCommand.Id"/> for the endpoint.</summary>
    Announce,

    /// <summary>REMOVE_ADDR of <see cref="PathCommand.Id"/>.</summary>
    Withdraw,

    /// <summary>The subflows from the endpoint become backups, or cease to be.</summary>
    SetBackup,

    /// <summary>The subflows from the endpoint are closed with a FIN: its address still works.</summary>
    Close,

    /// <summary>The subflows from the endpoint are reset: its address is gone.</summary>
    Reset,
}

/// <summary>One command of a path manager.</summary>
internal readonly record struct PathCommand(PathCommandKind Kind, byte Id, LocalEndpoint Endpoint);

/// <summary>
/// The connection's side of path management: events go in by <c>Handle</c>, commands come out of
/// <see cref="TryTakeCommand"/> and <see cref="TryNext"/>. What is wanted is the <see cref="IPathManager"/>'s to say; what
/// was announced, tried, lost and refused is kept here, so that another one can take over at any time.
/// </summary>
internal sealed class PathManagement
{
    private const int AttemptLimit = 256;
    private const int OrderLimit = 64;
    private readonly LocalEndpoints _endpoints;
    private readonly IpEndpoint _local;
    private readonly IpEndpoint _remote;
    private readonly PeerAddresses _announced;
    private readonly PathView _view;
    private readonly HashSet<PathPair> _refused = [];
    private readonly Queue<PathCommand> _commands = new();
    private readonly Queue<JoinRequest> _ordered = new();
    private readonly LostPaths _lost = new();
    private readonly ContainedPathManager _manager;
    private readonly HashSet<byte> _told = [];
    private readonly HashSet<IpAddress> _avoided = [];
    private int _attempts;
    private bool _again;
    private bool _confirmed;
    private bool _initialLocalGone;
    private bool _initialRemoteGone;

    /// <summary>Makes one for a connection that begins.</summary>
    /// <param name="endpoints">The host's endpoints and limits; they may change.</param>
    /// <param name="settings">The path manager, and whether a server announces by itself.</param>
    /// <param name="local">Our end of the initial subflow.</param>
    /// <param name="remote">The peer's end of it.</param>
    /// <param name="isInitiator">Whether this end began the connection.</param>
    /// <param name="failed">Is told of what the path manager has thrown.</param>
    public PathManagement(
        LocalEndpoints endpoints, MptcpSettings settings, IpEndpoint local, IpEndpoint remote, bool isInitiator,
        Action<Exception> failed)
    {
        (_endpoints, _local, _remote) = (endpoints, local, remote);
        _manager = new ContainedPathManager(settings.PathManager, failed);
        _announced = new PeerAddresses();
        _view = new PathView(endpoints, _announced, _lost, local, remote, isInitiator)
        {
            AnnouncesByItself = settings.AnnounceAddresses,
        };
    }

    /// <summary>Whether the peer takes no further subflow to the address of the first (RFC 8684 §3.1, flag C).</summary>
    public bool DenyInitialRemote { get; set; }

    /// <summary>When a path that was refused for the moment may be tried again.</summary>
    public Instant NextTimeout => _lost.NextTimeout;

    /// <summary>Addresses of the peer that are known beside its first.</summary>
    public int AddressesAccepted => _announced.Count;

    /// <summary>Addresses of ours that the peer was told of.</summary>
    public int AddressesAnnounced => _told.Count;

    /// <summary>The paths that had a subflow of ours, or were to have one, and have none.</summary>
    public IReadOnlyList<LostPath> Lost => _lost.All;

    private bool CanUseInitialRemote => !DenyInitialRemote && !_initialRemoteGone;

    /// <summary>The identifier of an endpoint in this connection: 0 for the address of the initial subflow.</summary>
    public byte IdOf(in LocalEndpoint endpoint) =>
        !_initialLocalGone && endpoint.Address == _local.Address && endpoint.Port is null ? (byte)0 : endpoint.Id;

    /// <summary>The endpoint that a join has come to: the one announced with its port, else that of its address.</summary>
    public LocalEndpoint EndpointOf(IpEndpoint arrived)
    {
        int at = _endpoints.Find(arrived.Address, arrived.Port);
        at = at < 0 ? _endpoints.Find(arrived.Address, port: null) : at;
        return at < 0 ? new LocalEndpoint(0, arrived.Address, arrived.Address, null, 0, EndpointFlags.None) : _endpoints.All[at];
    }

    /// <summary>Another path manager takes over: it finds what is, and says what else it wants.</summary>
    public void Replace(IPathManager manager)
    {
        _manager.Switch(manager);
        AnnounceAll();
    }

    /// <summary>The peer has proved that it takes part: addresses may be announced.</summary>
    public void HandleConfirmed()
    {
        _confirmed = true;
        LocalEndpoint initial = EndpointOf(_local);
        if (initial.IsBackup)
        {
            _commands.Enqueue(new PathCommand(PathCommandKind.SetBackup, 0, initial));
        }

        AnnounceAll();
    }

    /// <summary>A genuine announcement came.</summary>
    public AnnouncementOutcome HandleAnnounced(byte id, IpEndpoint address)
    {
        bool usable = !address.Address.IsMulticastOrBroadcast && !address.Address.IsUnspecified && address.Port != 0
            && (!address.Address.IsLoopback || _remote.Address.IsLoopback) && _endpoints.Find(address.Address, port: null) < 0;
        if (address == _remote || !usable)
        {
            return usable ? AnnouncementOutcome.Repeated : AnnouncementOutcome.Unusable;
        }

        // The identifier 0 is that of the first address, without a word (RFC 8684 §3.2).
        return id == 0 && address.Address != _remote.Address && !_initialRemoteGone
            ? AnnouncementOutcome.Contradicted
            : _announced.Add(id, address);
    }

    /// <summary>The peer removes an address; false when it never spoke of it.</summary>
    public bool HandleRemoved(byte id)
    {
        // The address of the initial subflow has never to be announced.
        bool first = id == 0 && !_initialRemoteGone;
        _initialRemoteGone |= id == 0;
        return _announced.Remove(id) || first;
    }

    /// <summary>A subflow of ours has ended; true when its path will be tried again.</summary>
    public bool HandleEnd(Instant now, in PathEnd end) => _lost.Add(now, end, _manager.Recreates);

    /// <summary>The user wants a subflow, beside those that there are between the same addresses.</summary>
    public bool TryOrder(IpAddress from, IpEndpoint remote, IReadOnlyList<Subflow> alive)
    {
        int at = FindUsable(from);
        if (at < 0 || from.IsV4 != remote.Address.IsV4 || _ordered.Count >= OrderLimit || !TryGetRemoteId(remote, out byte id))
        {
            return false;
        }

        int lane = 0;
        while (IsTaken(new PathPair(from, remote, lane), alive))
        {
            lane++;
        }

        _ordered.Enqueue(new JoinRequest(_endpoints.All[at], remote, id, lane));
        return true;
    }

    /// <summary>A join came to the address with this identifier, which the answer tells the peer.</summary>
    public void HandleJoinTaken(byte id) => _told.Add(id);

    public void HandleTimeout(Instant now)
    {
        while (_lost.NextTimeout <= now && _lost.TryTake(now, out LostPath path))
        {
            int at = FindUsable(path.Pair.Local);
            if (at >= 0 && _manager.Recreates)
            {
                _ordered.Enqueue(new JoinRequest(_endpoints.All[at], path.Pair.Remote, path.RemoteId, path.Pair.Lane));
            }
        }
    }

    /// <summary>No subflow is left: every pair of addresses may be tried once more, the first one first.</summary>
    public void TryAgain()
    {
        _again = true;
        _view.ForgetAllBut(_refused);
    }

    /// <summary>A RST said that this pair of addresses is not to be tried again (RFC 8684 §3.6).</summary>
    public void HandleRefused(PathPair pair) => _refused.Add(pair);

    /// <summary>An endpoint of ours has changed.</summary>
    /// <param name="change">How.</param>
    public void HandleEndpointChange(in EndpointChange change)
    {
        LocalEndpoint endpoint = change.Endpoint;
        switch (change.Kind)
        {
            case EndpointChangeKind.Added:
                // What we have begun ourselves is no attempt that somebody makes us do.
                _attempts = 0;
                _view.ForgetFrom(endpoint.Address, initialToo: _initialLocalGone);
                _lost.ForgetFrom(endpoint.Address);
                if (_confirmed && MayAnnounce(endpoint))
                {
                    Announce(endpoint);
                }

                if (endpoint.IsBackup)
                {
                    _commands.Enqueue(new PathCommand(PathCommandKind.SetBackup, IdOf(endpoint), endpoint));
                }

                break;
            case EndpointChangeKind.FlagsChanged:
                if (endpoint.Use == EndpointUse.Avoid)
                {
                    _avoided.Add(endpoint.Address);
                }
                else if (_avoided.Remove(endpoint.Address))
                {
                    // What was taken back meanwhile, or was not opened, has another chance.
                    _attempts = 0;
                    _view.ForgetFrom(endpoint.Address, initialToo: _initialLocalGone);
                    AnnounceAll();
                }

                _commands.Enqueue(new PathCommand(PathCommandKind.SetBackup, IdOf(endpoint), endpoint));
                break;
            default:
                _lost.ForgetFrom(endpoint.Address);
                Withdraw(endpoint, change.Kind == EndpointChangeKind.AddressGone);
                break;
        }
    }

    /// <summary>The peer goes on sending where it was asked not to: the address is taken back.</summary>
    public void TakeBack(in LocalEndpoint endpoint) => Withdraw(endpoint, gone: false);

    /// <summary>The next thing to do, beside opening subflows.</summary>
    public bool TryTakeCommand(out PathCommand command) => _commands.TryDequeue(out command);

    /// <summary>The next subflow to open, given those that are alive; each pair of addresses is tried once.</summary>
    public bool TryNext(IReadOnlyList<Subflow> alive, out JoinRequest request)
    {
        (_view.Subflows, _view.CanUseInitialRemote) = (alive, CanUseInitialRemote);
        ForgetRefreshed();
        bool found = TryNextOrdered(alive, out request);
        if (!found && _attempts < AttemptLimit)
        {
            found = TryInitialAgain(out request) || _manager.TryNext(_view, out request);
            _attempts += found ? 1 : 0;
        }

        if (found && IdOf(request.From) is > 0 and byte id)
        {
            _told.Add(id);
        }

        return found;
    }

    /// <summary>Whether a place is known where the peer can be joined, and its identifier.</summary>
    private bool TryGetRemoteId(IpEndpoint remote, out byte id)
    {
        id = 0;
        for (int i = 0; i < _announced.Count; i++)
        {
            if (_announced[i].Remote == remote)
            {
                id = _announced[i].Id;
                return true;
            }
        }

        return remote == _remote && CanUseInitialRemote;
    }

    /// <summary>The place of an address of ours that policy lets be used, or -1.</summary>
    private int FindUsable(IpAddress address) =>
        _endpoints.Find(address, port: null) is >= 0 and int at && _endpoints.All[at].Use != EndpointUse.Avoid ? at : -1;

    private bool IsTaken(PathPair pair, IReadOnlyList<Subflow> alive)
    {
        foreach (JoinRequest ordered in _ordered)
        {
            if (PairOf(ordered) == pair)
            {
                return true;
            }
        }

        return IsAlive(pair, alive);
    }

    private static bool IsAlive(PathPair pair, IReadOnlyList<Subflow> alive)
    {
        for (int i = 0; i < alive.Count; i++)
        {
            if (alive[i].IsAlive && alive[i].Pair == pair)
            {
                return true;
            }
        }

        return false;
    }

    private static PathPair PairOf(in JoinRequest request) => new(request.From.Address, request.Remote, request.Lane);

    /// <summary>What the user wants, or was lost and is due, if it can be had still.</summary>
    private bool TryNextOrdered(IReadOnlyList<Subflow> alive, out JoinRequest request)
    {
        while (_ordered.TryDequeue(out request))
        {
            // Meanwhile an address may be removed or avoided, or the path manager have been quicker.
            int at = FindUsable(request.From.Address);
            if (at >= 0 && TryGetRemoteId(request.Remote, out byte id) && !IsAlive(PairOf(request), alive))
            {
                request = request with { From = _endpoints.All[at], RemoteId = id };
                _view.Take(PairOf(request));
                return true;
            }
        }

        return false;
    }

    private bool TryInitialAgain(out JoinRequest request)
    {
        request = default;
        bool again = _again;
        _again = false;
        return again && CanUseInitialRemote && !_initialLocalGone && _view.TryTake(EndpointOf(_local), _remote, 0, out request);
    }

    private void AnnounceAll()
    {
        for (int i = 0; _confirmed && i < _endpoints.All.Count; i++)
        {
            LocalEndpoint endpoint = _endpoints.All[i];
            if (!_told.Contains(endpoint.Id) && MayAnnounce(endpoint))
            {
                Announce(endpoint);
            }
        }
    }

    /// <summary>
    /// What a peer elsewhere could not reach, or could take for a host of its own network, is told to it only when a flag
    /// says so.
    /// </summary>
    private bool MayAnnounce(in LocalEndpoint endpoint) => endpoint.Use != EndpointUse.Avoid
        && _manager.Announces(_view, endpoint)
        && (!endpoint.Announced.IsPrivate || _remote.Address.IsPrivate || endpoint.Has(EndpointFlags.Signal));

    private void Announce(in LocalEndpoint endpoint)
    {
        // The address of the initial subflow is known.
        if (IdOf(endpoint) is > 0 and byte id)
        {
            _told.Add(id);
            _commands.Enqueue(new PathCommand(PathCommandKind.Announce, id, endpoint));
        }
    }

    private void Withdraw(in LocalEndpoint endpoint, bool gone)
    {
        byte id = IdOf(endpoint);
        _commands.Enqueue(new PathCommand(gone ? PathCommandKind.Reset : PathCommandKind.Close, id, endpoint));

        // What the peer never heard of need not be taken back.
        if (id == 0 || _told.Remove(id))
        {
            _commands.Enqueue(new PathCommand(PathCommandKind.Withdraw, id, endpoint));
        }

        _initialLocalGone |= id == 0;
    }

    /// <summary>An address that was announced again may be tried again, if nothing came of it before.</summary>
    private void ForgetRefreshed()
    {
        for (int i = 0; i < _announced.Count; i++)
        {
            if (_announced.TakeRefreshed(i) && !_view.IsInUse(_announced[i].Id, _announced[i].Remote))
            {
                _view.ForgetTo(_announced[i].Remote);
                _lost.ForgetTo(_announced[i].Remote);
            }
        }
    }
}
