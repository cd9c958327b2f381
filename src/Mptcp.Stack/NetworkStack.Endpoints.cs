using Mptcp.Multipath;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Stack;

/// <content>
/// Addresses, endpoints and limits, which may change at any time: connections follow with the next
/// <see cref="TryTransmit"/>. As long as no endpoint was added a client opens a subflow from each further address, and a
/// server announces each; from the first <see cref="TryAddEndpoint"/> on the flags decide, at clients and servers alike,
/// as with <c>ip mptcp endpoint</c>.
/// </content>
public sealed partial class NetworkStack
{
    // A join that nobody proves holds its place for about half a minute.
    private const int JoinSynTransmissions = 5;
    private bool _endpointsChanged;

    /// <summary>
    /// Every address by itself, without flags, and the configured endpoints (RFC 8684 §3.2, §3.4): what each is for, and
    /// its identifier in MP_JOIN, ADD_ADDR and REMOVE_ADDR. Where a connection began, its identifier is 0 there.
    /// </summary>
    public IReadOnlyList<LocalEndpoint> Endpoints => _endpoints.All;

    /// <summary>
    /// What each connection may have, as <c>ip mptcp limits</c> has it; at first what
    /// <see cref="MptcpSettings.Limits"/> says: 7 further subflows, 8 accepted addresses. Lower limits close nothing.
    /// </summary>
    public PathLimits Limits
    {
        get => _endpoints.Limits;
        set => (_endpoints.Limits, _endpointsChanged) = (value, true);
    }

    /// <summary>What was signalled, taken and refused, over all connections.</summary>
    public MptcpCounters Signals => _endpoints.Counters;

    /// <summary>
    /// Gives the host an address. Without configured endpoints, connections use it: a client opens a subflow from it, a
    /// server announces it. Not more than 255 are known to them, the endpoints with ports included.
    /// </summary>
    public void AddAddress(LocalAddress address)
    {
        _addresses.Add(address);
        if (_endpoints.TryAddAddress(address.Address, address.Outside ?? address.Address, address.Link, out LocalEndpoint added))
        {
            Tell(EndpointChangeKind.Added, added);
        }

        FollowPolicies();
    }

    /// <summary>
    /// Takes an address from the host: it works no more. Its subflows are reset (the RST is offered to the link, which may
    /// be gone), what they held goes again on the others, and REMOVE_ADDR says so to the peers (RFC 8684 §3.4.2). False
    /// when the host has no such address.
    /// </summary>
    public bool RemoveAddress(IpAddress address)
    {
        if (!_addresses.Remove(address))
        {
            return false;
        }

        while (_endpoints.TryRemoveAddress(address, out LocalEndpoint removed))
        {
            Tell(EndpointChangeKind.AddressGone, removed);
        }

        FollowPolicies();
        return true;
    }

    /// <summary>
    /// Configures an endpoint at one of <see cref="Addresses"/>, with the meaning of <c>ip mptcp endpoint add</c>:
    /// <see cref="EndpointFlags.Signal"/> announces it, <see cref="EndpointFlags.Subflow"/> opens a subflow from it to the
    /// peer's first address, with <see cref="EndpointFlags.Fullmesh"/> to each known one, and
    /// <see cref="EndpointFlags.Backup"/> makes its subflows backups. Announced addresses of a peer are answered from
    /// fullmesh endpoints, else from the address of the family that has the fewest subflows. Joins are taken at any port,
    /// so that the announced one needs no listener.
    /// </summary>
    /// <param name="address">The address.</param>
    /// <param name="flags">What it is for, at least one of them.</param>
    /// <param name="id">Its identifier, 1 to 255; null takes a free one.</param>
    /// <param name="port">The port to announce with it; null: the one in use. Only with Signal.</param>
    /// <returns>
    /// The endpoint; null when the host has no such address, it has an endpoint with that port or identifier already, or
    /// the flags contradict each other (Signal with Fullmesh).
    /// </returns>
    public LocalEndpoint? TryAddEndpoint(IpAddress address, EndpointFlags flags, byte? id = null, ushort? port = null)
    {
        if (!_endpoints.TryConfigure(address, port, flags, id, out LocalEndpoint endpoint))
        {
            return null;
        }

        Tell(EndpointChangeKind.Added, endpoint);
        return endpoint;
    }

    /// <summary>
    /// Changes <see cref="EndpointFlags.Backup"/> and <see cref="EndpointFlags.Fullmesh"/> of an endpoint to what
    /// <paramref name="flags"/> has of them. Its subflows send MP_PRIO (RFC 8684 §3.3.8); those that a mesh lacks are opened.
    /// </summary>
    /// <returns>False when there is no such endpoint, or it has Signal and is to have Fullmesh.</returns>
    public bool ChangeEndpoint(byte id, EndpointFlags flags)
    {
        bool changed = _endpoints.TryChange(id, flags, out LocalEndpoint endpoint);
        if (changed)
        {
            Tell(EndpointChangeKind.FlagsChanged, endpoint);
        }

        return changed;
    }

    /// <summary>
    /// Takes an endpoint away, while its address goes on working: REMOVE_ADDR goes to the peers that know of it (of
    /// identifier 0 where the connection began there), and its subflows are closed with a FIN (RFC 8684 §3.4.2), but for the
    /// last one that works.
    /// </summary>
    /// <returns>False when there is no such endpoint.</returns>
    public bool RemoveEndpoint(byte id)
    {
        bool removed = _endpoints.TryRemove(id, out LocalEndpoint endpoint);
        if (removed)
        {
            Tell(EndpointChangeKind.Removed, endpoint);
        }

        return removed;
    }

    private void Tell(EndpointChangeKind kind, in LocalEndpoint endpoint)
    {
        _endpointsChanged = true;
        var change = new EndpointChange(kind, endpoint);
        foreach (StackSocket socket in _sockets.All)
        {
            socket.Connection.HandleEndpointChange(change);
        }
    }

    private void FollowEndpoints(Instant now)
    {
        if (!_endpointsChanged)
        {
            return;
        }

        _endpointsChanged = false;
        foreach (StackSocket socket in _sockets.All)
        {
            Update(now, socket);
        }
    }

    /// <summary>A join names its connection by the token: any local address and port will do (RFC 8684 §3.2).</summary>
    private void HandleJoin(Instant now, int link, uint token, in TcpSegment syn)
    {
        var refusal = new MpTcpRstOption(Transient: false, MpTcpRstReason.MptcpSpecificError);
        if (!_tokens.TryFind(token, out MptcpConnection? connection))
        {
            Signals.Add(MptcpCounter.JoinUnknownToken);
            _refusal = DropReason.JoinRefused;
            _replies.AddReset(link, syn, refusal);
            return;
        }

        StackSocket socket = _byConnection[connection!];
        TcpConfiguration configuration =
            Configure(now, socket.Options, link, syn.Destination, syn.Source) with { SynTransmissions = JoinSynTransmissions };
        if (socket.Connection.AcceptJoin(now, syn, configuration, link, out refusal) is { } subflow)
        {
            Index(socket, subflow);
        }
        else
        {
            _refusal = DropReason.JoinRefused;
            _replies.AddReset(link, syn, refusal);
        }
    }
}
