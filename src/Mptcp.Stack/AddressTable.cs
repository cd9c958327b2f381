using Mptcp.Wire;

namespace Mptcp.Stack;

/// <summary>An address of this host on one of its links.</summary>
/// <param name="Link">The number of the link, from 0, as its owner counts them.</param>
/// <param name="Address">The address on that link.</param>
/// <param name="Mtu">The largest IP packet of the link in bytes, at least 576.</param>
/// <param name="Outside">
/// The address by which the peer knows this one, where NAT lies between; null: the same. ADD_ADDR and its HMAC use it.
/// </param>
public readonly record struct LocalAddress(int Link, IpAddress Address, int Mtu, IpAddress? Outside = null);

/// <summary>The host's addresses, in the order in which they were added.</summary>
internal sealed class AddressTable
{
    private const int LeastMtu = 576;
    private readonly List<LocalAddress> _addresses = [];

    public IReadOnlyList<LocalAddress> All => _addresses;

    public void Add(LocalAddress address) => _addresses.Add(address);

    public bool Remove(IpAddress address) => _addresses.RemoveAll(known => known.Address == address) > 0;

    /// <summary>The place of an address, or -1.</summary>
    public int Find(IpAddress address)
    {
        for (int i = 0; i < _addresses.Count; i++)
        {
            if (_addresses[i].Address == address)
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>The largest packet that a link takes, or of any address when the link has none.</summary>
    public int MtuOf(int link)
    {
        foreach (LocalAddress address in _addresses)
        {
            if (address.Link == link)
            {
                return address.Mtu;
            }
        }

        return _addresses.Count > 0 ? _addresses[0].Mtu : LeastMtu;
    }
}
