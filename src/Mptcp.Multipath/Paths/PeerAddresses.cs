using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>What an ADD_ADDR came to.</summary>
internal enum AnnouncementOutcome
{
    /// <summary>It is new, and kept.</summary>
    Taken,

    /// <summary>It was known: what failed may be tried again (RFC 8684 §3.4.1).</summary>
    Repeated,

    /// <summary>There is no room for more.</summary>
    TooMany,

    /// <summary>Nobody can be reached there: a group, no address at all, or one of our own.</summary>
    Unusable,

    /// <summary>Its identifier stands for another address: not taken.</summary>
    Contradicted,
}

/// <summary>
/// The addresses that a peer has announced, by their identifiers: soft state, bounded (RFC 8684 §3.4.1). A peer that
/// wants to give an identifier to another address removes it first.
/// </summary>
internal sealed class PeerAddresses
{
    private const int Limit = 8;
    private const int RefreshLimit = 8;
    private readonly List<Entry> _entries = [];

    private record struct Entry(byte Id, IpEndpoint Remote, int Refreshes, bool Refreshed);

    public int Count => _entries.Count;

    public (byte Id, IpEndpoint Remote) this[int index] => (_entries[index].Id, _entries[index].Remote);

    public AnnouncementOutcome Add(byte id, IpEndpoint remote)
    {
        for (int i = 0; i < _entries.Count; i++)
        {
            Entry entry = _entries[i];
            if (entry.Id == id && entry.Remote.Address != remote.Address)
            {
                return AnnouncementOutcome.Contradicted;
            }

            if (entry.Id == id && entry.Remote == remote)
            {
                _entries[i] = entry with { Refreshed = entry.Refreshes < RefreshLimit, Refreshes = entry.Refreshes + 1 };
                return AnnouncementOutcome.Repeated;
            }
        }

        if (_entries.Count == Limit)
        {
            return AnnouncementOutcome.TooMany;
        }

        // It may have been here before, under this identifier or another, and removed: then it was tried, and is not used.
        _entries.Add(new Entry(id, remote, 0, Refreshed: true));
        return AnnouncementOutcome.Taken;
    }

    public bool Remove(byte id) => _entries.RemoveAll(entry => entry.Id == id) > 0;

    /// <summary>Whether an address was announced, or announced again, since this was last asked.</summary>
    public bool TakeRefreshed(int index)
    {
        bool refreshed = _entries[index].Refreshed;
        _entries[index] = _entries[index] with { Refreshed = false };
        return refreshed;
    }
}
