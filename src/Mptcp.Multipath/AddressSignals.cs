using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>
/// ADD_ADDR and its echo, each alone on a pure ACK; an announcement goes again until it is echoed (RFC 8684 §3.4.1).
/// </summary>
internal sealed class AddressSignals(ConnectionKeys keys)
{
    private const int Transmissions = 4;
    private const long FirstInterval = 500 * Instant.Millisecond;
    private const int PendingLimit = 16;
    private readonly Queue<AddAddressOption> _pending = new();
    private readonly List<AddAddressOption> _unconfirmed = [];
    private Instant _deadline = Instant.Never;
    private int _rounds;

    public bool HasPending => _pending.Count > 0;

    public Instant NextTimeout => _deadline;

    /// <summary>Tells the peer of an address of ours.</summary>
    public void Announce(Instant now, byte id, IpAddress address)
    {
        var option = new AddAddressOption { AddressId = id, Address = address };
        option = option with { TruncatedHmac = MptcpCrypto.AddAddressHmac(keys.Local, keys.Remote, option) };
        _unconfirmed.Add(option);
        _pending.Enqueue(option);
        _deadline = Instant.Min(_deadline, now + FirstInterval);
    }

    /// <summary>Takes an ADD_ADDR; true when it is a genuine announcement, which the echo will confirm.</summary>
    public bool Handle(in AddAddressOption option)
    {
        AddAddressOption arrived = option;
        if (option.Echo)
        {
            _unconfirmed.RemoveAll(ours => ours.ToEcho() == arrived);
            return false;
        }

        if (option.TruncatedHmac != MptcpCrypto.AddAddressHmac(keys.Remote, keys.Local, option))
        {
            return false;
        }

        if (_pending.Count < PendingLimit)
        {
            _pending.Enqueue(option.ToEcho());
        }

        return true;
    }

    public bool TryWrite(ref TcpOptionWriter writer)
    {
        if (!_pending.TryPeek(out AddAddressOption option) || !option.TryWrite(ref writer))
        {
            return false;
        }

        _pending.Dequeue();
        return true;
    }

    public void HandleTimeout(Instant now)
    {
        if (_deadline > now)
        {
            return;
        }

        _rounds++;
        if (_rounds >= Transmissions)
        {
            _unconfirmed.Clear();
        }

        _unconfirmed.ForEach(_pending.Enqueue);
        _deadline = _unconfirmed.Count == 0 ? Instant.Never : now + (FirstInterval << _rounds);
    }
}
