using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>A subflow that the connection wants; the owner of ports opens it.</summary>
/// <param name="From">Our endpoint.</param>
/// <param name="Remote">Where to.</param>
/// <param name="RemoteId">The peer's identifier of that address.</param>
public readonly record struct JoinRequest(LocalEndpoint From, IpEndpoint Remote, byte RemoteId);

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
/// Decides which subflows to open and what to say of addresses: events go in by <c>Handle</c>, commands come out of
/// <see cref="TryTakeCommand"/> and <see cref="TryNext"/>. Without configured endpoints the initiator opens one subflow
/// from each further local address to the peer's first address, and one to each announced address as long as the peer
/// has more addresses than there are subflows; the responder announces its further addresses. With endpoints their
/// flags decide, at both ends.
/// </summary>
/// <param name="endpoints">The host's endpoints and limits; they may change.</param>
/// <param name="local">Our end of the initial subflow.</param>
/// <param name="remote">The peer's end of it.</param>
/// <param name="isInitiator">Whether this end began the connection.</param>
internal sealed class PathManager(LocalEndpoints endpoints, IpEndpoint local, IpEndpoint remote, bool isInitiator)
{
    private const int AttemptLimit = 256;
    private readonly PeerAddresses _announced = new();
    private readonly HashSet<(IpAddress Local, IpEndpoint Remote)> _tried = [(local.Address, remote)];
    private readonly HashSet<(IpAddress Local, IpEndpoint Remote)> _refused = [];
    private readonly Queue<PathCommand> _commands = new();
    private readonly JoinRetries _retries = new();
    private readonly HashSet<byte> _told = [];
    private int _attempts;
    private bool _again;
    private bool _confirmed;
    private bool _initialLocalGone;
    private bool _initialRemoteGone;

    public IpEndpoint InitialRemote => remote;

    /// <summary>Whether the peer takes no further subflow to the address of the first (RFC 8684 §3.1, flag C).</summary>
    public bool DenyInitialRemote { get; set; }

    /// <summary>When a path that was refused for the moment may be tried again.</summary>
    public Instant NextTimeout => _retries.NextTimeout;

    private bool CanUseInitialRemote => !DenyInitialRemote && !_initialRemoteGone;

    /// <summary>The identifier of an endpoint in this connection: 0 for the address of the initial subflow.</summary>
    public byte IdOf(in LocalEndpoint endpoint) =>
        !_initialLocalGone && endpoint.Address == local.Address && endpoint.Port is null ? (byte)0 : endpoint.Id;

    /// <summary>The endpoint that a join has come to: the one announced with its port, else that of its address.</summary>
    public LocalEndpoint EndpointOf(IpEndpoint arrived)
    {
        int at = endpoints.Find(arrived.Address, arrived.Port);
        at = at < 0 ? endpoints.Find(arrived.Address, port: null) : at;
        return at < 0 ? new LocalEndpoint(0, arrived.Address, arrived.Address, null, 0, EndpointFlags.None) : endpoints.All[at];
    }

    /// <summary>The peer has proved that it takes part: addresses may be announced.</summary>
    /// <param name="announces">Whether a responder announces where no endpoint is configured.</param>
    public void HandleConfirmed(bool announces)
    {
        _confirmed = true;
        LocalEndpoint initial = EndpointOf(local);
        if (initial.Has(EndpointFlags.Backup))
        {
            _commands.Enqueue(new PathCommand(PathCommandKind.SetBackup, 0, initial));
        }

        for (int i = 0; i < endpoints.All.Count; i++)
        {
            LocalEndpoint endpoint = endpoints.All[i];
            bool wanted = endpoints.Configured ? endpoint.Has(EndpointFlags.Signal) : announces && !isInitiator;
            if (wanted)
            {
                Announce(endpoint);
            }
        }
    }

    /// <summary>A genuine announcement came.</summary>
    public AnnouncementOutcome HandleAnnounced(byte id, IpEndpoint address)
    {
        bool usable = !address.Address.IsMulticastOrBroadcast && !address.Address.IsUnspecified && address.Port != 0
            && (!address.Address.IsLoopback || remote.Address.IsLoopback) && endpoints.Find(address.Address, port: null) < 0;
        if (address == remote || !usable)
        {
            return usable ? AnnouncementOutcome.Repeated : AnnouncementOutcome.Unusable;
        }

        // The identifier 0 is that of the first address, without a word (RFC 8684 §3.2).
        return id == 0 && address.Address != remote.Address && !_initialRemoteGone
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

    /// <summary>A subflow of ours was refused for a reason that will pass (RFC 8684 §3.6, flag T).</summary>
    public void HandleTransientReset(Instant now, IpAddress from, IpEndpoint to, MpTcpRstReason reason) =>
        _retries.Add(now, (from, to), reason);

    /// <summary>A join came to the address with this identifier, which the answer tells the peer.</summary>
    public void HandleJoinTaken(byte id) => _told.Add(id);

    public void HandleTimeout(Instant now)
    {
        while (_retries.NextTimeout <= now && _retries.TryTake(now, out (IpAddress Local, IpEndpoint Remote) pair))
        {
            _tried.Remove(pair);
        }
    }

    /// <summary>No subflow is left: every pair of addresses may be tried once more, the first one first.</summary>
    public void TryAgain()
    {
        _again = true;
        _tried.Clear();
        _tried.UnionWith(_refused);
    }

    /// <summary>A RST said that this pair of addresses is not to be tried again (RFC 8684 §3.6).</summary>
    public void HandleRefused(IpAddress from, IpEndpoint to) => _refused.Add((from, to));

    /// <summary>An endpoint of ours has changed.</summary>
    /// <param name="change">How.</param>
    /// <param name="announces">Whether a responder announces where no endpoint is configured.</param>
    public void HandleEndpointChange(in EndpointChange change, bool announces)
    {
        LocalEndpoint endpoint = change.Endpoint;
        switch (change.Kind)
        {
            case EndpointChangeKind.Added:
                _tried.RemoveWhere(pair => pair.Local == endpoint.Address && pair != (local.Address, remote));
                if (_confirmed && (endpoints.Configured ? endpoint.Has(EndpointFlags.Signal) : announces && !isInitiator))
                {
                    Announce(endpoint);
                }

                if (endpoint.Has(EndpointFlags.Backup))
                {
                    _commands.Enqueue(new PathCommand(PathCommandKind.SetBackup, IdOf(endpoint), endpoint));
                }

                break;
            case EndpointChangeKind.FlagsChanged:
                _commands.Enqueue(new PathCommand(PathCommandKind.SetBackup, IdOf(endpoint), endpoint));
                break;
            default:
                Withdraw(endpoint, change.Kind == EndpointChangeKind.AddressGone);
                break;
        }
    }

    /// <summary>The next thing to do, beside opening subflows.</summary>
    public bool TryTakeCommand(out PathCommand command) => _commands.TryDequeue(out command);

    /// <summary>The next subflow to open, given those that are alive; each pair of addresses is tried once.</summary>
    public bool TryNext(IReadOnlyList<Subflow> alive, out JoinRequest request)
    {
        request = default;
        if (_attempts >= AttemptLimit)
        {
            return false;
        }

        if (_again)
        {
            _again = false;
            if (CanUseInitialRemote && !_initialLocalGone && _tried.Add((local.Address, remote)))
            {
                _attempts++;
                request = new JoinRequest(EndpointOf(local), remote, 0);
                return true;
            }
        }

        ForgetRefreshed(alive);
        bool found = endpoints.Configured
            ? TryNextOfEndpoints(alive, out request) || TryNextAnnounced(alive, out request)
            : isInitiator && TryNextByDefault(alive, out request);
        _attempts += found ? 1 : 0;
        if (found && IdOf(request.From) is > 0 and byte id)
        {
            _told.Add(id);
        }

        return found;
    }

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
    private void ForgetRefreshed(IReadOnlyList<Subflow> alive)
    {
        for (int i = 0; i < _announced.Count; i++)
        {
            if (_announced.TakeRefreshed(i) && !IsInUse(alive, _announced[i].Id, _announced[i].Remote))
            {
                IpEndpoint again = _announced[i].Remote;
                _tried.RemoveWhere(pair => pair.Remote == again);
            }
        }
    }

    private bool TryNextByDefault(IReadOnlyList<Subflow> alive, out JoinRequest request)
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

        int accepted = Math.Min(_announced.Count, endpoints.Limits.AcceptedAddresses);
        if (alive.Count >= Math.Max(ofFamily, 1 + accepted))
        {
            return false;
        }

        for (int i = 0; i < accepted; i++)
        {
            (byte id, IpEndpoint to) = _announced[i];
            if (TryFrom(LeastUsed(alive, to, EndpointFlags.None), to, id, out request))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>From each endpoint for subflows: to the peer's first address, or to each that is known.</summary>
    private bool TryNextOfEndpoints(IReadOnlyList<Subflow> alive, out JoinRequest request)
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
    private bool TryNextAnnounced(IReadOnlyList<Subflow> alive, out JoinRequest request)
    {
        request = default;
        int accepted = Math.Min(_announced.Count, endpoints.Limits.AcceptedAddresses);
        for (int i = 0; i < accepted; i++)
        {
            (byte id, IpEndpoint to) = _announced[i];
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
    private static bool IsInUse(IReadOnlyList<Subflow> alive, byte id, IpEndpoint to)
    {
        for (int i = 0; i < alive.Count; i++)
        {
            if (alive[i].IsAlive && (alive[i].Remote == to || (alive[i].OpenedByPeer && alive[i].RemoteId == id)))
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
