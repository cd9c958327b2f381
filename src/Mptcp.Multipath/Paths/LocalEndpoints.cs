using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>What an endpoint is for, as <c>ip mptcp endpoint</c> has it.</summary>
[Flags]
public enum EndpointFlags : byte
{
    /// <summary>For nothing by itself: joins that come to it are taken.</summary>
    None = 0,

    /// <summary>It is announced by ADD_ADDR.</summary>
    Signal = 1,

    /// <summary>A subflow is opened from it to the peer's first address.</summary>
    Subflow = 2,

    /// <summary>Its subflows are asked to be backups, and are used as such (RFC 8684 §3.3.8).</summary>
    Backup = 4,

    /// <summary>With <see cref="Subflow"/>: subflows are opened from it to each address of the peer that is known.</summary>
    Fullmesh = 8,
}

/// <summary>One address of this host, as its connections see it.</summary>
/// <param name="Id">Its identifier in MP_JOIN, ADD_ADDR and REMOVE_ADDR; 0 stands for it where a connection began there.</param>
/// <param name="Address">The address on the link, which segments carry.</param>
/// <param name="Announced">The address by which the peer knows it, where NAT lies between (RFC 8684 §3.4.1).</param>
/// <param name="Port">The port that is announced with it; null: the one in use.</param>
/// <param name="Link">The number of its link.</param>
/// <param name="Flags">What it is for.</param>
public readonly record struct LocalEndpoint(
    byte Id, IpAddress Address, IpAddress Announced, ushort? Port, int Link, EndpointFlags Flags)
{
    /// <summary>What the host's policy says of it.</summary>
    public EndpointUse Use { get; init; }

    /// <summary>Its weight for schedulers that know weights; 0 where nobody has said one.</summary>
    public int Weight { get; init; }

    /// <summary>Whether its subflows are backups, by flag or policy.</summary>
    public bool IsBackup => Has(EndpointFlags.Backup) || Use != EndpointUse.Normal;

    /// <summary>Whether it has all of these flags.</summary>
    public bool Has(EndpointFlags flags) => (Flags & flags) == flags;
}

/// <summary>What a connection may have, as <c>ip mptcp limits</c> has it.</summary>
/// <param name="Subflows">Subflows beside the initial one, of either end's making.</param>
/// <param name="AcceptedAddresses">Announced addresses of the peer that subflows are opened to.</param>
public readonly record struct PathLimits(int Subflows, int AcceptedAddresses);

/// <summary>What happened to an endpoint.</summary>
public enum EndpointChangeKind
{
    /// <summary>It is new.</summary>
    Added,

    /// <summary>Its flags are others.</summary>
    FlagsChanged,

    /// <summary>It is not to be used any more; its address still works.</summary>
    Removed,

    /// <summary>Its address is gone.</summary>
    AddressGone,
}

/// <summary>A change of one endpoint, told to every connection.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Endpoint">The endpoint: as it is now, or as it was.</param>
public readonly record struct EndpointChange(EndpointChangeKind Kind, LocalEndpoint Endpoint);

/// <summary>
/// The endpoints of a host, shared by its connections. Each address has one, without flags; until the first is
/// configured (<see cref="Configured"/>) a connection's initiator opens a subflow from each, and its responder announces
/// each. Not thread-safe.
/// </summary>
/// <param name="limits">The first limits.</param>
/// <param name="configured">Whether flags decide from the beginning.</param>
public sealed class LocalEndpoints(PathLimits limits, bool configured = false)
{
    private readonly List<LocalEndpoint> _all = [];
    private byte _lastId;

    /// <summary>All of them, in the order in which they were added.</summary>
    public IReadOnlyList<LocalEndpoint> All => _all;

    /// <summary>Whether flags decide; they do from the first configured endpoint on.</summary>
    public bool Configured { get; private set; } = configured;

    /// <summary>What each connection may have; it counts at once.</summary>
    public PathLimits Limits { get; set; } = limits;

    /// <summary>What is counted.</summary>
    public MptcpCounters Counters { get; } = new();

    /// <summary>Takes an address without flags; false when all 255 identifiers are in use.</summary>
    public bool TryAddAddress(IpAddress address, IpAddress announced, int link, out LocalEndpoint added)
    {
        added = new LocalEndpoint(DrawId(), address, announced, null, link, EndpointFlags.None);
        if (added.Id == 0)
        {
            return false;
        }

        _all.Add(added);
        return true;
    }

    /// <summary>
    /// Configures an endpoint at an address that is here already. False when the address is not, its place or the
    /// identifier is taken, a port goes without <see cref="EndpointFlags.Signal"/>, or Signal with Fullmesh.
    /// </summary>
    public bool TryConfigure(IpAddress address, ushort? port, EndpointFlags flags, byte? id, out LocalEndpoint endpoint)
    {
        int bare = Find(address, port: null);
        int same = Find(address, port);
        endpoint = default;
        bool contradicts = (port is not null && (flags & EndpointFlags.Signal) == 0)
            || (flags & (EndpointFlags.Signal | EndpointFlags.Fullmesh)) == (EndpointFlags.Signal | EndpointFlags.Fullmesh);
        if (bare < 0 || contradicts || flags == EndpointFlags.None || (same >= 0 && _all[same].Flags != EndpointFlags.None))
        {
            return false;
        }

        if (id is { } wanted && !TryVacate(wanted, same))
        {
            return false;
        }

        byte chosen = id ?? (same >= 0 ? _all[same].Id : DrawId());
        if (chosen == 0)
        {
            return false;
        }

        endpoint = _all[bare] with { Id = chosen, Port = port, Flags = flags };
        Configured = true;
        if (same >= 0)
        {
            _all[same] = endpoint;
        }
        else
        {
            _all.Add(endpoint);
        }

        return true;
    }

    /// <summary>Changes Backup and Fullmesh of a configured endpoint; false when there is none, or it could not be so.</summary>
    public bool TryChange(byte id, EndpointFlags flags, out LocalEndpoint endpoint)
    {
        const EndpointFlags Variable = EndpointFlags.Backup | EndpointFlags.Fullmesh;
        int at = FindConfigured(id);
        endpoint = at < 0 ? default : _all[at] with { Flags = (_all[at].Flags & ~Variable) | (flags & Variable) };
        if (at < 0 || endpoint.Has(EndpointFlags.Signal | EndpointFlags.Fullmesh))
        {
            return false;
        }

        _all[at] = endpoint;
        return true;
    }

    /// <summary>Says how far the endpoints of a link may be used; those that this changes are added to a list.</summary>
    public void SetUse(int link, EndpointUse use, int weight, List<LocalEndpoint> changed)
    {
        for (int i = 0; i < _all.Count; i++)
        {
            if (_all[i].Link == link && (_all[i].Use, _all[i].Weight) != (use, weight))
            {
                _all[i] = _all[i] with { Use = use, Weight = weight };
                changed.Add(_all[i]);
            }
        }
    }

    /// <summary>Takes the flags from a configured endpoint; <paramref name="endpoint"/> is as it was.</summary>
    public bool TryRemove(byte id, out LocalEndpoint endpoint)
    {
        int at = FindConfigured(id);
        endpoint = at < 0 ? default : _all[at];
        if (at >= 0 && endpoint.Port is null)
        {
            // The address is still there, for joins that come to it.
            _all[at] = endpoint with { Flags = EndpointFlags.None };
        }
        else if (at >= 0)
        {
            _all.RemoveAt(at);
        }

        return at >= 0;
    }

    /// <summary>Forgets one endpoint of an address that is gone; false when it has none left.</summary>
    public bool TryRemoveAddress(IpAddress address, out LocalEndpoint removed)
    {
        for (int i = 0; i < _all.Count; i++)
        {
            if (_all[i].Address == address)
            {
                removed = _all[i];
                _all.RemoveAt(i);
                return true;
            }
        }

        removed = default;
        return false;
    }

    /// <summary>The place of the endpoint with this address and port, or -1.</summary>
    public int Find(IpAddress address, ushort? port)
    {
        for (int i = 0; i < _all.Count; i++)
        {
            if (_all[i].Address == address && _all[i].Port == port)
            {
                return i;
            }
        }

        return -1;
    }

    private int FindConfigured(byte id)
    {
        int at = FindId(id);
        return at >= 0 && _all[at].Flags != EndpointFlags.None ? at : -1;
    }

    private int FindId(byte id)
    {
        for (int i = 0; i < _all.Count; i++)
        {
            if (_all[i].Id == id)
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Makes an identifier free for the endpoint at <paramref name="place"/>: one without flags gives way.</summary>
    private bool TryVacate(byte id, int place)
    {
        int at = FindId(id);
        if (id == 0 || (at >= 0 && at != place && _all[at].Flags != EndpointFlags.None))
        {
            return false;
        }

        if (at >= 0 && at != place)
        {
            _all[at] = _all[at] with { Id = DrawId() };
            return _all[at].Id != 0;
        }

        return true;
    }

    /// <summary>An identifier that is not in use, and was not lately: the peer may still have the old one; 0 without any.</summary>
    private byte DrawId()
    {
        for (int i = 1; i <= byte.MaxValue; i++)
        {
            byte id = (byte)(1 + ((_lastId + i - 1) % byte.MaxValue));
            if (FindId(id) < 0)
            {
                _lastId = id;
                return id;
            }
        }

        return 0;
    }
}
