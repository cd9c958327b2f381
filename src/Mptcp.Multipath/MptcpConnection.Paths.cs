using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <content>Addresses, priorities and the admission of joins (RFC 8684 §3.2, §3.3.8, §3.4, §3.6).</content>
public sealed partial class MptcpConnection
{
    // Whoever knows the token alone may hold so many places, each for as long as a SYN/ACK is repeated.
    private const int HalfOpenLimit = 8;

    /// <summary>The host's counters.</summary>
    internal MptcpCounters Counters => _endpoints.Counters;

    /// <summary>Whether one more subflow may join.</summary>
    internal bool CanJoin => TakesJoins && (_break.Waiting || _subflows.Further < _endpoints.Limits.Subflows)
        && HasMemory(SubflowSet.SubflowSize);

    /// <summary>Whether a signal about addresses waits.</summary>
    internal bool HasSignals => _confirmed && !IsPlain && !_closed && _signals.HasPending;

    /// <summary>Whether the next of them needs all the room that a segment has for options.</summary>
    internal bool NeedsWholeOptions => HasSignals && _signals.NeedsWholeRoom;

    private bool TakesJoins => _confirmed && !IsPlain && !_closed && !IsComplete && !_fail.Waiting;

    // A responder waits for a DATA_ACK: only then is it sure that options survive both ways (RFC 8684 §3.1).
    private bool MayOpen => CanJoin && (_isInitiator || _peerAcknowledged);

    /// <summary>
    /// Asks the peer to use a subflow only when no other is left, or takes that back: MP_PRIO on it, and our own data
    /// keeps to it as well (RFC 8684 §3.3.8). False when there is no such subflow, or it is over.
    /// </summary>
    /// <param name="subflow">Its number, as in <see cref="SubflowInfo.Number"/>.</param>
    /// <param name="backup">Whether it is to be a backup.</param>
    public bool SetBackup(int subflow, bool backup)
    {
        Subflow? found = IsPlain ? null : _subflows.Find(subflow);
        found?.Signals.SetBackup(backup);
        return found is not null;
    }

    /// <summary>
    /// Closes one subflow with a FIN, after what it has been given. False when there is no such subflow, or when it is
    /// the only one that works: that one ends with the connection (RFC 8684 §3.3.3).
    /// </summary>
    /// <param name="subflow">Its number.</param>
    public bool CloseSubflow(int subflow)
    {
        Subflow? found = IsPlain ? null : _subflows.Find(subflow);
        if (found is null || !_subflows.AnyUsableBeside(found))
        {
            return false;
        }

        found.Close();
        return true;
    }

    /// <summary>
    /// Resets one subflow at once; what it has not delivered goes again on the others. False when there is none such.
    /// </summary>
    /// <param name="subflow">Its number.</param>
    /// <param name="reason">What the peer is told (RFC 8684 §3.6).</param>
    /// <param name="transient">Whether the peer may try the path again.</param>
    public bool ResetSubflow(int subflow, MpTcpRstReason reason, bool transient)
    {
        Subflow? found = IsPlain ? null : _subflows.Find(subflow);
        found?.Abort(reason, ConnectionEventCode.ResetOnDemand, transient: transient);
        return found is not null;
    }

    /// <summary>
    /// Opens a further subflow, whatever the path manager thinks, as soon as the limits let it. False when there is none to
    /// be had: the connection is plain or over, the address is not of this host, or the peer cannot be joined there.
    /// </summary>
    /// <param name="from">An address of this host.</param>
    /// <param name="remote">The peer's first address and port, or one that it has announced.</param>
    public bool OpenSubflow(IpAddress from, IpEndpoint remote) =>
        !IsPlain && !_closed && !IsComplete && _paths.TryOrder(from, remote, _subflows.Alive);

    /// <summary>
    /// Puts another path manager in place: it finds the subflows that there are, and those that it does not want stay until
    /// they end.
    /// </summary>
    public void SetPathManager(IPathManager manager)
    {
        if (!IsPlain && !_closed)
        {
            _paths.Replace(manager);
            RunPathCommands();
        }
    }

    /// <summary>An endpoint of the host has changed: the peer is told, and subflows follow.</summary>
    public void HandleEndpointChange(in EndpointChange change)
    {
        if (IsPlain || _closed)
        {
            return;
        }

        _paths.HandleEndpointChange(change);
        RunPathCommands();
    }

    internal bool TryWriteSignal(long timeout, ref TcpOptionWriter writer) =>
        HasSignals && _signals.TryWrite(Now, timeout, ref writer);

    internal void HandleAddressSignals(Subflow subflow, in SegmentOptions options)
    {
        if (options.AddAddress is { } added)
        {
            long forged = Counters[MptcpCounter.AnnouncementForged];
            if (_signals.Handle(added))
            {
                HandleAnnounced(subflow, added);
            }
            else if (Counters[MptcpCounter.AnnouncementForged] > forged)
            {
                NoteRefused(DropReason.BadKey);
                _events.Add(ConnectionEventKind.SignalIgnored, subflow, ConnectionEventCode.AnnouncementForged);
            }
        }

        if (options.RemoveAddress is { } removed)
        {
            for (int i = 0; i < removed.Count; i++)
            {
                HandleRemovedAddress(subflow, removed.Get(i));
            }

            _subflows.ReinjectSuspects(_sender);
        }
    }

    internal void HandlePriority(Subflow subflow, bool backup)
    {
        Counters.Add(MptcpCounter.PriorityReceived);
        if (subflow.PeerAskedBackup != backup)
        {
            subflow.PeerAskedBackup = backup;
            _events.Add(
                ConnectionEventKind.PriorityChanged, subflow, backup ? ConnectionEventCode.BackupWanted : ConnectionEventCode.UseWanted);
        }
    }

    private void HandleAnnounced(Subflow subflow, in AddAddressOption added)
    {
        // Without a port: the one that the subflow which carried it uses (RFC 8684 §3.4.1).
        var remote = new IpEndpoint(added.Address, added.Port ?? subflow.Remote.Port);
        AnnouncementOutcome outcome = _paths.HandleAnnounced(added.AddressId, remote);
        Counters.Add(outcome switch
        {
            AnnouncementOutcome.Taken => MptcpCounter.AnnouncementTaken,
            AnnouncementOutcome.Repeated => MptcpCounter.AnnouncementRepeated,
            AnnouncementOutcome.TooMany => MptcpCounter.AnnouncementTooMany,
            AnnouncementOutcome.Unusable => MptcpCounter.AnnouncementUnusable,
            _ => MptcpCounter.AnnouncementContradicted,
        });
        if (outcome is AnnouncementOutcome.Contradicted or AnnouncementOutcome.Unusable)
        {
            _events.Add(
                ConnectionEventKind.SignalIgnored, subflow, outcome == AnnouncementOutcome.Contradicted
                    ? ConnectionEventCode.AnnouncementContradicts
                    : ConnectionEventCode.AnnouncementUnusable);
        }

        if (outcome == AnnouncementOutcome.Contradicted)
        {
            return;
        }

        _signals.Confirm(added);
        if (outcome == AnnouncementOutcome.Taken)
        {
            _events.Add(new ConnectionEvent(
                ConnectionEventKind.AddressAnnounced, subflow.Number, subflow.Local, remote, ConnectionEventCode.Announced));
        }
    }

    private void HandleRemovedAddress(Subflow by, byte id)
    {
        bool known = _paths.HandleRemoved(id);
        for (int i = 0; i < _subflows.Count; i++)
        {
            Subflow subflow = _subflows.Alive[i];
            if (subflow.RemoteId == id && subflow.IsAlive)
            {
                known = true;
                subflow.Signals.BeginDoubt(Now);
            }
        }

        Counters.Add(known ? MptcpCounter.RemovalReceived : MptcpCounter.RemovalUnknown);
        if (known)
        {
            _events.Add(ConnectionEventKind.AddressRemoved, by, ConnectionEventCode.AddressRemoved, $"identifier {id}");
        }
    }

    /// <summary>Whether a join is refused, and what the RST then says.</summary>
    private bool RefusesJoin(TcpConfiguration ends, ref MpTcpRstOption refusal)
    {
        if (!TakesJoins)
        {
            return true;
        }

        (MptcpCounter counter, MpTcpRstReason reason) =
            _settings.DenyJoinInitialAddress && ends.Local == _initial.Local
                ? (MptcpCounter.JoinDenied, MpTcpRstReason.AdministrativelyProhibited)
            : !CanJoin ? (MptcpCounter.JoinOverLimit, MpTcpRstReason.AdministrativelyProhibited)
            : _subflows.HalfOpen >= HalfOpenLimit ? (MptcpCounter.JoinTooManyHalfOpen, MpTcpRstReason.LackOfResources)
            : (MptcpCounter.Count, MpTcpRstReason.Unspecified);
        if (counter == MptcpCounter.Count)
        {
            return false;
        }

        Counters.Add(counter);
        refusal = new MpTcpRstOption(Transient: reason == MpTcpRstReason.LackOfResources, reason);
        _events.Add(new ConnectionEvent(
            ConnectionEventKind.SignalIgnored, -1, ends.Local, ends.Remote, ConnectionEventCode.JoinRefused, reason.ToString()));
        return true;
    }

    /// <summary>A subflow has ended: whether and when its path is tried again depends on how.</summary>
    private void HandlePathEnd(Subflow subflow, TcpCloseReason reason)
    {
        if (IsPlain || _closed || IsComplete)
        {
            subflow.Standing.Take(Now, PathStep.GivenUp);
            return;
        }

        if (subflow.IsPathRefused)
        {
            _paths.HandleRefused(subflow.Pair);
        }

        var end = new PathEnd(subflow.Pair, subflow.RemoteId, subflow.CodeOfEnd(reason), subflow.EndDetail)
        {
            Reset = subflow.ResetReceived,
            JoinedAt = subflow.JoinedAt,
        };

        // Who opened it opens it again, or both would.
        bool again = !subflow.OpenedByPeer && _paths.HandleEnd(Now, end);
        subflow.Standing.Take(Now, again ? PathStep.Lost : PathStep.GivenUp);
    }

    private void RunPathCommands()
    {
        while (_paths.TryTakeCommand(out PathCommand command))
        {
            switch (command.Kind)
            {
                case PathCommandKind.Announce:
                    _signals.Announce(command.Id, command.Endpoint.Announced, command.Endpoint.Port);
                    break;
                case PathCommandKind.Withdraw:
                    _signals.Withdraw(command.Id);
                    break;
                default:
                    RunOnSubflows(command);
                    break;
            }
        }
    }

    private void RunOnSubflows(in PathCommand command)
    {
        for (int i = 0; i < _subflows.Count; i++)
        {
            Subflow subflow = _subflows.Alive[i];
            if (!subflow.IsAlive || !IsFrom(subflow, command))
            {
                continue;
            }

            if (command.Kind == PathCommandKind.SetBackup)
            {
                subflow.Signals.SetBackup(command.Endpoint.IsBackup);
                ApplyPolicy(subflow, command.Endpoint);
            }
            else if (command.Kind == PathCommandKind.Reset)
            {
                subflow.Abort(MpTcpRstReason.Unspecified, ConnectionEventCode.LocalAddressGone);
            }
            else if (_subflows.AnyUsableBeside(subflow))
            {
                // The last one that works goes on: the data has nowhere else to go (RFC 8684 §3.3.3).
                subflow.Close();
            }
        }
    }

    private void ApplyPolicy(Subflow subflow, in LocalEndpoint endpoint)
    {
        (subflow.Weight, bool avoided) = (endpoint.Weight, endpoint.Use == EndpointUse.Avoid);
        if (avoided && !subflow.Avoided)
        {
            subflow.Avoidance.Begin(Now, subflow.Connection.Info.BytesReceived);
            _subflows.ReinjectSuspects(_sender);
        }
        else if (!avoided)
        {
            subflow.Avoidance.End();
        }

        subflow.Avoided = avoided;
    }

    /// <summary>Where the peer goes on sending although it was asked not to, and could send elsewhere, more is done.</summary>
    private void HandleAvoidance(Subflow subflow)
    {
        if (subflow.Avoidance.Deadline > Now || IsPlain || !subflow.IsAlive)
        {
            return;
        }

        AvoidanceStep step = subflow.Avoidance.HandleTimeout(Now, subflow.Connection.Info.BytesReceived);
        if (!_subflows.AnyUsableBeside(subflow))
        {
            return;
        }

        if (step == AvoidanceStep.TakeBack)
        {
            _paths.TakeBack(_paths.EndpointOf(subflow.Local));
            RunPathCommands();
        }
        else if (step == AvoidanceStep.Reset)
        {
            subflow.Abort(MpTcpRstReason.AdministrativelyProhibited, ConnectionEventCode.Avoided);
        }
    }

    /// <summary>Of a gone address every subflow ends; else an endpoint's are those with its identifier.</summary>
    private static bool IsFrom(Subflow subflow, in PathCommand command) => command.Kind == PathCommandKind.Reset
        ? subflow.Local.Address == command.Endpoint.Address
        : subflow.LocalId == command.Id;
}
