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
internal sealed class PathManager
{
    private const int AttemptLimit = 256;
    private readonly LocalEndpoints _endpoints;
    private readonly IpEndpoint _local;
    private readonly IpEndpoint _remote;
    private readonly bool _isInitiator;
    private readonly PeerAddresses _announced;
    private readonly JoinCandidates _candidates;
    private readonly HashSet<(IpAddress Local, IpEndpoint Remote)> _refused = [];
    private readonly Queue<PathCommand> _commands = new();
    private readonly JoinRetries _retries = new();
    private readonly HashSet<byte> _told = [];
    private int _attempts;
    private bool _again;
    private bool _confirmed;
    private bool _initialLocalGone;
    private bool _initialRemoteGone;

    /// <summary>Makes one for a connection that begins.</summary>
    /// <param name="endpoints">The host's endpoints and limits; they may change.</param>
    /// <param name="local">Our end of the initial subflow.</param>
    /// <param name="remote">The peer's end of it.</param>
    /// <param name="isInitiator">Whether this end began the connection.</param>
    public PathManager(LocalEndpoints endpoints, IpEndpoint local, IpEndpoint remote, bool isInitiator)
    {
        (_endpoints, _local, _remote, _isInitiator) = (endpoints, local, remote, isInitiator);
        _announced = new PeerAddresses();
        _candidates = new JoinCandidates(endpoints, _announced, local, remote);
    }

    /// <summary>Whether the peer takes no further subflow to the address of the first (RFC 8684 §3.1, flag C).</summary>
    public bool DenyInitialRemote { get; set; }

    /// <summary>When a path that was refused for the moment may be tried again.</summary>
    public Instant NextTimeout => _retries.NextTimeout;

    /// <summary>Addresses of the peer that are known beside its first.</summary>
    public int AddressesAccepted => _announced.Count;

    /// <summary>Addresses of ours that the peer was told of.</summary>
    public int AddressesAnnounced => _told.Count;

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

    /// <summary>The peer has proved that it takes part: addresses may be announced.</summary>
    /// <param name="announces">Whether a responder announces where no endpoint is configured.</param>
    public void HandleConfirmed(bool announces)
    {
        _confirmed = true;
        LocalEndpoint initial = EndpointOf(_local);
        if (initial.Has(EndpointFlags.Backup))
        {
            _commands.Enqueue(new PathCommand(PathCommandKind.SetBackup, 0, initial));
        }

        for (int i = 0; i < _endpoints.All.Count; i++)
        {
            LocalEndpoint endpoint = _endpoints.All[i];
            bool wanted = _endpoints.Configured ? endpoint.Has(EndpointFlags.Signal) : announces && !_isInitiator;
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

    /// <summary>A subflow of ours was refused for a reason that will pass (RFC 8684 §3.6, flag T).</summary>
    public void HandleTransientReset(Instant now, IpAddress from, IpEndpoint to, MpTcpRstReason reason) =>
        _retries.Add(now, (from, to), reason);

    /// <summary>A join came to the address with this identifier, which the answer tells the peer.</summary>
    public void HandleJoinTaken(byte id) => _told.Add(id);

    public void HandleTimeout(Instant now)
    {
        while (_retries.NextTimeout <= now && _retries.TryTake(now, out (IpAddress Local, IpEndpoint Remote) pair))
        {
            _candidates.Forget(pair);
        }
    }

    /// <summary>No subflow is left: every pair of addresses may be tried once more, the first one first.</summary>
    public void TryAgain()
    {
        _again = true;
        _candidates.ForgetAllBut(_refused);
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
                // What we have begun ourselves is no attempt that somebody makes us do.
                _attempts = 0;
                _candidates.ForgetFrom(endpoint.Address, initialToo: _initialLocalGone);
                if (_confirmed && (_endpoints.Configured ? endpoint.Has(EndpointFlags.Signal) : announces && !_isInitiator))
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
            if (CanUseInitialRemote && !_initialLocalGone && _candidates.TryTake(_local.Address, _remote))
            {
                _attempts++;
                request = new JoinRequest(EndpointOf(_local), _remote, 0);
                return true;
            }
        }

        _candidates.CanUseInitialRemote = CanUseInitialRemote;
        ForgetRefreshed(alive);
        bool found = _endpoints.Configured
            ? _candidates.TryNextOfEndpoints(alive, out request) || _candidates.TryNextAnnounced(alive, out request)
            : _isInitiator && _candidates.TryNextByDefault(alive, out request);
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
            if (_announced.TakeRefreshed(i) && !JoinCandidates.IsInUse(alive, _announced[i].Id, _announced[i].Remote))
            {
                _candidates.ForgetTo(_announced[i].Remote);
            }
        }
    }
}
