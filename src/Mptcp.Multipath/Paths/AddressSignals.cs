using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>
/// ADD_ADDR, its echo and REMOVE_ADDR, each alone on a pure ACK (RFC 8684 §3.4). An announcement goes again until it is
/// echoed, a few times; a removal, which nobody echoes, goes three times in all. What does not fit a segment waits.
/// </summary>
internal sealed class AddressSignals(ConnectionKeys keys, MptcpCounters counters)
{
    private const int Announcements = 4;
    private const int Removals = 3;
    private const int EchoLimit = 16;

    // Beside timestamps, which take twelve of the forty octets.
    private const int OrdinaryRoom = TcpPacket.MaxOptionsLength - 12;

    private readonly Queue<AddAddressOption> _echoes = new();
    private readonly List<Announcement> _announcements = [];
    private readonly List<Removal> _removals = [];

    private readonly record struct Announcement(AddAddressOption Option, SignalRepeats Repeats);

    private readonly record struct Removal(byte Id, SignalRepeats Repeats);

    /// <summary>Whether something is to leave now.</summary>
    public bool HasPending => _echoes.Count > 0
        || _removals.Exists(removal => removal.Repeats.Ready)
        || _announcements.Exists(announcement => announcement.Repeats.Ready);

    /// <summary>
    /// Whether the next signal fits a segment only without timestamps: an IPv6 address with a port takes 30 octets.
    /// </summary>
    public bool NeedsWholeRoom
    {
        get
        {
            int next = _announcements.FindIndex(announcement => announcement.Repeats.Ready);
            return next >= 0 && _announcements[next].Option.Length > OrdinaryRoom
                && _echoes.Count == 0 && !_removals.Exists(removal => removal.Repeats.Ready);
        }
    }

    public Instant NextTimeout
    {
        get
        {
            Instant next = Instant.Never;
            for (int i = 0; i < _announcements.Count; i++)
            {
                next = Instant.Min(next, _announcements[i].Repeats.Deadline);
            }

            for (int i = 0; i < _removals.Count; i++)
            {
                next = Instant.Min(next, _removals[i].Repeats.Deadline);
            }

            return next;
        }
    }

    /// <summary>Tells the peer of an address of ours; a removal of its identifier does not go again.</summary>
    public void Announce(byte id, IpAddress address, ushort? port)
    {
        Cancel(id);
        var option = new AddAddressOption { AddressId = id, Address = address, Port = port };
        option = option with { TruncatedHmac = MptcpCrypto.AddAddressHmac(keys.Local, keys.Remote, option) };
        var repeats = new SignalRepeats(Announcements);
        repeats.Start();
        _announcements.Add(new Announcement(option, repeats));
    }

    /// <summary>Tells the peer that an address of ours is not to be used; its announcement ends.</summary>
    public void Withdraw(byte id)
    {
        Cancel(id);
        var repeats = new SignalRepeats(Removals);
        repeats.Start();
        _removals.Add(new Removal(id, repeats));
    }

    /// <summary>Takes an ADD_ADDR; true when it is a genuine announcement, which <see cref="Confirm"/> may echo.</summary>
    public bool Handle(in AddAddressOption option)
    {
        if (option.Echo)
        {
            AddAddressOption arrived = option;
            bool ours = _announcements.RemoveAll(announcement => announcement.Option.ToEcho() == arrived) > 0;
            counters.Add(ours ? MptcpCounter.EchoReceived : MptcpCounter.EchoUnknown);
            return false;
        }

        if (!IsGenuine(option))
        {
            counters.Add(MptcpCounter.AnnouncementForged);
            return false;
        }

        if (_echoes.Count == EchoLimit)
        {
            counters.Add(MptcpCounter.AnnouncementFlood);
            return false;
        }

        return true;
    }

    /// <summary>Echoes an announcement.</summary>
    public void Confirm(in AddAddressOption option) => _echoes.Enqueue(option.ToEcho());

    /// <summary>Whether an announcement knows the keys.</summary>
    public bool IsGenuine(in AddAddressOption option) =>
        option.TruncatedHmac == MptcpCrypto.AddAddressHmac(keys.Remote, keys.Local, option);

    /// <summary>Writes the next signal that fits.</summary>
    /// <param name="now">The time.</param>
    /// <param name="timeout">The retransmission timeout of the subflow that takes it, in nanoseconds.</param>
    /// <param name="writer">Where to.</param>
    public bool TryWrite(Instant now, long timeout, ref TcpOptionWriter writer)
    {
        if (_echoes.TryPeek(out AddAddressOption echo) && echo.TryWrite(ref writer))
        {
            _echoes.Dequeue();
            counters.Add(MptcpCounter.EchoSent);
            return true;
        }

        return TryWriteRemovals(now, timeout, ref writer) || TryWriteAnnouncement(now, timeout, ref writer);
    }

    public void HandleTimeout(Instant now)
    {
        for (int i = _removals.Count - 1; i >= 0; i--)
        {
            _removals[i].Repeats.HandleTimeout(now);
            if (_removals[i].Repeats.Over)
            {
                _removals.RemoveAt(i);
            }
        }

        for (int i = _announcements.Count - 1; i >= 0; i--)
        {
            _announcements[i].Repeats.HandleTimeout(now);
            if (_announcements[i].Repeats.Over)
            {
                counters.Add(MptcpCounter.AnnouncementUnconfirmed);
                _announcements.RemoveAt(i);
            }
        }
    }

    private void Cancel(byte id)
    {
        _announcements.RemoveAll(announcement => announcement.Option.AddressId == id);
        _removals.RemoveAll(removal => removal.Id == id);
    }

    private bool TryWriteRemovals(Instant now, long timeout, ref TcpOptionWriter writer)
    {
        // One option takes as many identifiers as there is room for.
        Span<byte> ids = stackalloc byte[RemoveAddressOption.MaxCount];
        int room = Math.Min(writer.Remaining - 3, ids.Length);
        int count = 0;
        for (int i = 0; i < _removals.Count && count < room; i++)
        {
            if (_removals[i].Repeats.Ready)
            {
                ids[count++] = _removals[i].Id;
            }
        }

        if (count == 0 || !new RemoveAddressOption(ids[..count]).TryWrite(ref writer))
        {
            return false;
        }

        counters.Add(MptcpCounter.RemovalSent);
        for (int i = 0; i < _removals.Count; i++)
        {
            if (_removals[i].Repeats.Ready && ids[..count].Contains(_removals[i].Id))
            {
                _removals[i].Repeats.HandleSent(now, timeout);
            }
        }

        return true;
    }

    private bool TryWriteAnnouncement(Instant now, long timeout, ref TcpOptionWriter writer)
    {
        for (int i = 0; i < _announcements.Count; i++)
        {
            if (_announcements[i].Repeats.Ready && _announcements[i].Option.TryWrite(ref writer))
            {
                _announcements[i].Repeats.HandleSent(now, timeout);
                counters.Add(MptcpCounter.AnnouncementSent);
                return true;
            }
        }

        return false;
    }
}
