using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>An address of this host, as a connection sees it. Its place in the host's list is its number.</summary>
/// <param name="Address">The address on the link, which segments carry.</param>
/// <param name="Announced">The address by which the peer knows it, where NAT lies between (RFC 8684 §3.4.1).</param>
public readonly record struct LocalPath(IpAddress Address, IpAddress Announced);

/// <summary>A subflow that the connection wants; the owner of addresses and ports opens it.</summary>
/// <param name="Path">The number of the local path.</param>
/// <param name="Remote">Where to.</param>
/// <param name="RemoteId">The peer's identifier of that address.</param>
public readonly record struct JoinRequest(int Path, IpEndpoint Remote, byte RemoteId);

/// <summary>
/// Which subflows the initiator opens: one from each further local address to the peer's first address; and one to each
/// announced address as long as the peer has more addresses than there are subflows.
/// </summary>
internal sealed class PathManager(IReadOnlyList<LocalPath> paths, int initialPath, IpEndpoint initialRemote)
{
    private const int AnnouncedLimit = 8;
    private const int AttemptLimit = 256;
    private readonly List<(byte Id, IpEndpoint Remote)> _announced = [];
    private readonly HashSet<(int Path, IpEndpoint Remote)> _tried = [(initialPath, initialRemote)];

    public IpEndpoint InitialRemote => initialRemote;

    /// <summary>Whether the peer takes no further subflow to the address of the first (RFC 8684 §3.1, flag C).</summary>
    public bool DenyInitialRemote { get; set; }

    /// <summary>The identifier that stands for a local path in MP_JOIN and ADD_ADDR: 0 for the initial subflow's.</summary>
    public byte IdOf(int path) => path == initialPath ? (byte)0 : (byte)(path + 1);

    public byte IdOf(IpAddress address)
    {
        for (int i = 0; i < paths.Count; i++)
        {
            if (paths[i].Address == address)
            {
                return IdOf(i);
            }
        }

        return 0;
    }

    /// <summary>The local paths that the peer does not know of by the initial subflow, of its family.</summary>
    public IEnumerable<(byte Id, IpAddress Address)> Further()
    {
        for (int i = 0; i < paths.Count; i++)
        {
            if (i != initialPath)
            {
                yield return (IdOf(i), paths[i].Announced);
            }
        }
    }

    public void HandleAnnounced(byte id, IpEndpoint remote)
    {
        // An identifier stands for one address (RFC 8684 §3.4.1), and nobody may send us anywhere at will.
        bool known = _announced.Exists(announced => announced.Id == id && announced.Remote.Address != remote.Address);
        if (remote != initialRemote && !known && _announced.Count < AnnouncedLimit && !_announced.Contains((id, remote)))
        {
            _announced.Add((id, remote));
        }
    }

    public void HandleRemoved(byte id) => _announced.RemoveAll(announced => announced.Id == id);

    /// <summary>The next subflow to open, given those that are alive; each pair of addresses is tried once.</summary>
    public bool TryNext(IReadOnlyList<Subflow> alive, out JoinRequest request)
    {
        request = default;
        int ofFamily = 0;
        for (int i = 0; i < paths.Count; i++)
        {
            bool sameFamily = paths[i].Address.IsV4 == initialRemote.Address.IsV4;
            ofFamily += sameFamily ? 1 : 0;
            if (sameFamily && !DenyInitialRemote && CountFrom(alive, i) == 0 && _tried.Add((i, initialRemote)))
            {
                request = new JoinRequest(i, initialRemote, 0);
                return true;
            }
        }

        if (alive.Count >= Math.Max(ofFamily, 1 + _announced.Count) || _tried.Count >= AttemptLimit)
        {
            return false;
        }

        foreach ((byte id, IpEndpoint remote) in _announced)
        {
            if (LeastUsed(alive, remote) is >= 0 and int path)
            {
                _tried.Add((path, remote));
                request = new JoinRequest(path, remote, id);
                return true;
            }
        }

        return false;
    }

    private int LeastUsed(IReadOnlyList<Subflow> alive, IpEndpoint remote)
    {
        int best = -1;
        for (int i = 0; i < paths.Count; i++)
        {
            bool possible = paths[i].Address.IsV4 == remote.Address.IsV4 && !_tried.Contains((i, remote));
            if (possible && (best < 0 || CountFrom(alive, i) < CountFrom(alive, best)))
            {
                best = i;
            }
        }

        return best;
    }

    private int CountFrom(IReadOnlyList<Subflow> alive, int path)
    {
        int count = 0;
        for (int i = 0; i < alive.Count; i++)
        {
            count += alive[i].Local.Address == paths[path].Address ? 1 : 0;
        }

        return count;
    }
}
