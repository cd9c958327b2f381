using System.Net;
using System.Text;

namespace Mptcp.Links;

/// <summary>The interfaces as messages of rtnetlink(7) tell of them.</summary>
internal sealed class InterfaceTable
{
    public const ushort Done = 3;
    public const ushort Overrun = 4;
    public const int HeaderSize = 16;

    private const ushort NewLink = 16;
    private const ushort DeleteLink = 17;
    private const ushort NewAddress = 20;
    private const ushort DeleteAddress = 21;
    private const ushort NewRoute = 24;
    private const ushort DeleteRoute = 25;
    private const int LinkSize = 16;
    private const int AddressSize = 8;
    private const int RouteSize = 12;
    private const ushort InterfaceName = 3;
    private const ushort OutputInterface = 4;
    private const ushort RouteTable = 15;
    private const ushort AddressAttribute = 1;
    private const ushort LocalAttribute = 2;
    private const byte LinkScope = 253;

    // IFF_UP and IFF_RUNNING: switched on, and a carrier is there.
    private const uint UpAndRunning = 0x41;

    // IFA_F_DADFAILED, IFA_F_TENTATIVE: not to be used, or not yet.
    private const byte NotUsable = 0x48;

    private readonly SortedDictionary<int, (string Name, bool IsUp)> _links = [];
    private readonly List<(int Link, IPAddress Address)> _addresses = [];
    private readonly Dictionary<int, int> _routeChanges = [];

    /// <summary>All interfaces, by number.</summary>
    public IReadOnlyList<InterfaceState> States =>
    [
        .. _links.Select(link => new InterfaceState(
            link.Value.Name,
            link.Value.IsUp,
            [.. _addresses.Where(entry => entry.Link == link.Key).Select(entry => entry.Address)],
            _routeChanges.GetValueOrDefault(link.Key))),
    ];

    public void Clear()
    {
        _links.Clear();
        _addresses.Clear();
    }

    /// <summary>Takes the messages of one datagram.</summary>
    /// <returns>The type of the last: <see cref="Done"/> ends an answer, after <see cref="Overrun"/> some are lost.</returns>
    public ushort Take(ReadOnlySpan<byte> datagram)
    {
        ushort type = 0;
        while (datagram.Length >= HeaderSize)
        {
            int length = (int)BitConverter.ToUInt32(datagram);
            if (length < HeaderSize || length > datagram.Length)
            {
                break;
            }

            type = BitConverter.ToUInt16(datagram[4..]);
            TakeMessage(type, datagram[HeaderSize..length]);
            datagram = datagram[Math.Min(Aligned(length), datagram.Length)..];
        }

        return type;
    }

    private void TakeMessage(ushort type, ReadOnlySpan<byte> body)
    {
        if (type is NewLink or DeleteLink && body.Length >= LinkSize)
        {
            TakeLink(type == NewLink, body);
        }
        else if (type is NewAddress or DeleteAddress && body.Length >= AddressSize)
        {
            TakeAddress(type == NewAddress, body);
        }
        else if (type is NewRoute or DeleteRoute && body.Length >= RouteSize)
        {
            TakeRoute(body);
        }
    }

    private void TakeRoute(ReadOnlySpan<byte> body)
    {
        ReadOnlySpan<byte> device = Find(body[RouteSize..], OutputInterface);
        ReadOnlySpan<byte> table = Find(body[RouteSize..], RouteTable);
        bool ours = table.Length == sizeof(uint) && ViaPathRecord.IsTable(BitConverter.ToUInt32(table));
        if (device.Length == sizeof(int) && !ours)
        {
            int index = BitConverter.ToInt32(device);
            _routeChanges[index] = _routeChanges.GetValueOrDefault(index) + 1;
        }
    }

    private void TakeLink(bool there, ReadOnlySpan<byte> body)
    {
        int index = BitConverter.ToInt32(body[4..]);
        if (!there)
        {
            _links.Remove(index);
            _addresses.RemoveAll(entry => entry.Link == index);
            return;
        }

        ReadOnlySpan<byte> name = Find(body[LinkSize..], InterfaceName);
        if (!name.IsEmpty)
        {
            bool up = (BitConverter.ToUInt32(body[8..]) & UpAndRunning) == UpAndRunning;
            _links[index] = (Encoding.UTF8.GetString(name.TrimEnd((byte)0)), up);
        }
    }

    private void TakeAddress(bool there, ReadOnlySpan<byte> body)
    {
        int index = BitConverter.ToInt32(body[4..]);
        ReadOnlySpan<byte> bytes = Find(body[AddressSize..], LocalAttribute);
        bytes = bytes.IsEmpty ? Find(body[AddressSize..], AddressAttribute) : bytes;
        if (bytes.Length is not (4 or 16))
        {
            return;
        }

        var entry = (index, new IPAddress(bytes));
        _addresses.Remove(entry);
        if (there && (body[2] & NotUsable) == 0 && body[3] != LinkScope)
        {
            _addresses.Add(entry);
        }
    }

    /// <summary>The content of an attribute; empty where there is none.</summary>
    private static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> attributes, ushort wanted)
    {
        const int head = 4;
        while (attributes.Length >= head)
        {
            int length = BitConverter.ToUInt16(attributes);
            if (length < head || length > attributes.Length)
            {
                break;
            }

            if (BitConverter.ToUInt16(attributes[2..]) == wanted)
            {
                return attributes[head..length];
            }

            attributes = attributes[Math.Min(Aligned(length), attributes.Length)..];
        }

        return default;
    }

    private static int Aligned(int length) => (length + 3) & ~3;
}
