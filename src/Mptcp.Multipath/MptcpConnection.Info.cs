using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <content>What can be said of it, and what may change while it runs.</content>
public sealed partial class MptcpConnection
{
    /// <summary>What can be said of it now.</summary>
    public ConnectionInfo Info => new()
    {
        IsMultipath = IsMultipath,
        RemoteKeyKnown = _keys.RemoteKnown,
        ChecksumInUse = ChecksumInUse && !IsPlain,
        DenyInitialRemote = _paths.DenyInitialRemote,
        Token = _registered ? _keys.LocalToken : 0,
        RemoteToken = _keys.RemoteToken,
        FurtherSubflows = _subflows.Further,
        Subflows = _subflows.CountAlive,
        AddressesAnnounced = _paths.AddressesAnnounced,
        AddressesAccepted = _paths.AddressesAccepted,
        Limits = _endpoints.Limits,
        WriteSequence = _keys.Send.ToWire64(_sender.FinOffset),
        SendUnacknowledged = _keys.Send.ToWire64(_sender.Una),
        ReceiveNext = _keys.RemoteKnown ? _keys.Receive.ToWire64(_received.Next) : 0,
        BytesSent = _sender.Next - 1,
        BytesReinjected = _sender.Reinjected,
        BytesReceived = _received.InOrder - 1,
        BytesAcknowledged = _sender.Una - 1,
        NotScheduled = _sender.Unscheduled,
        SendRoom = _sender.Room(_release),
        SendQueued = _sender.Unacknowledged,
    };

    /// <summary>
    /// Subflows take from their configuration what may change while they run, as <see cref="TcpConnection.Follow"/> says.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="change">Makes the new configuration of a subflow from the one that it was made with.</param>
    public void Follow(Instant now, Func<TcpConfiguration, TcpConfiguration> change)
    {
        Now = now;
        for (int i = 0; i < _subflows.Count; i++)
        {
            TcpConnection subflow = _subflows.Alive[i].Connection;
            subflow.Follow(now, change(subflow.Configuration));
        }
    }

    /// <summary>Puts another scheduler in place: it decides from the next segment on.</summary>
    public void SetScheduler(IScheduler scheduler)
    {
        _scheduler.Switch(scheduler);
        for (int i = 0; i < _subflows.Count; i++)
        {
            // One that duplicates begins here: what is on its way has its subflow.
            _subflows.Alive[i].GivenTo = _sender.Next;
        }
    }

    /// <summary>Puts another congestion control in place on each subflow.</summary>
    /// <param name="make">Makes one for a segment size in bytes.</param>
    public void SwitchCongestionControl(Func<int, ICongestionController> make)
    {
        _coupling.Use(null);
        for (int i = 0; i < _subflows.Count; i++)
        {
            Switch(_subflows.Alive[i], make);
        }
    }

    /// <summary>Puts controllers in place whose windows grow together, on each subflow and those to come.</summary>
    /// <param name="make">Makes one for the group and a segment size in bytes.</param>
    public void Couple(Func<CouplingGroup, int, ICoupledController> make)
    {
        _coupling.Use(make);
        for (int i = 0; i < _subflows.Count; i++)
        {
            Switch(_subflows.Alive[i], _subflows.Alive[i].Connection.Configuration.CongestionControl);
        }
    }

    private void Switch(Subflow subflow, Func<int, ICongestionController> make)
    {
        subflow.Seat?.Leave();
        subflow.Seat = _coupling.Seat(subflow.Number, make);
        subflow.Connection.SwitchCongestionControl(subflow.Seat is { } seat ? seat.Take : make);
    }

    /// <summary>
    /// No more data is wanted. Plain TCP answers what arrives from now on with a RST (RFC 9293 §3.6.1). Multipath TCP takes
    /// as much as the window holds, as Linux does; a minute after the peer has all of our stream, it is told by MP_FASTCLOSE
    /// if its own has not ended.
    /// </summary>
    public void StopReceiving(Instant now)
    {
        Now = now;
        _unread = true;
        if (IsPlain)
        {
            _single.Connection.StopReceiving(now);
        }

        Settle();
    }

    /// <summary>Sends an ACK on every subflow that can, although nothing asks for one.</summary>
    public void RequestAck() => _subflows.RequestAck();

    /// <summary>A link is gone, or is back: what waits on it goes by others, and no new data goes there meanwhile.</summary>
    /// <param name="now">The time.</param>
    /// <param name="link">Its number, as in <see cref="Subflow.Path"/>.</param>
    /// <param name="up">Whether it carries packets.</param>
    public void HandleLink(Instant now, int link, bool up)
    {
        Now = now;
        for (int i = 0; i < _subflows.Count; i++)
        {
            Subflow subflow = _subflows.Alive[i];
            if (subflow.Path == link)
            {
                subflow.LinkDown = !up;
            }
        }

        if (!IsPlain)
        {
            _subflows.ReinjectSuspects(_sender);
        }
    }

    /// <summary>Replaces the list's content by what TCP says of each subflow that lives, in their order.</summary>
    public void CopyTcpInfo(List<SubflowTcpInfo> destination) => _subflows.CopyTo(destination);

    /// <summary>Copies what <see cref="Read"/> would give, which stays; returns how much.</summary>
    /// <param name="destination">Where to.</param>
    public int Peek(Span<byte> destination) => _received.Peek(destination);
}
