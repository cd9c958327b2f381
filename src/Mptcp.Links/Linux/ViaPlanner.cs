using System.Net;
using System.Net.Sockets;

namespace Mptcp.Links;

/// <summary>A path before it is set up.</summary>
internal sealed record ViaPlannedPath(ViaPathRecord Record, DeviceInfo Device, IReadOnlyList<ViaAddress> Addresses);

/// <summary>Chooses names, tables and addresses that nothing in the namespace uses.</summary>
internal sealed class ViaPlanner
{
    private const int SlotCount = 1000;
    private const int PrefixLengthV4 = 30;
    private const int PrefixLengthV6 = 126;

    // A slot takes four addresses of a range. Corners of the private and the benchmark space (RFC 1918, RFC 2544)
    // that routers at home, container bridges and VPNs rarely use; the first that is free here is taken.
    private static readonly IPAddress[] _rangesV4 =
    [
        IPAddress.Parse("10.237.64.0"), IPAddress.Parse("172.30.208.0"), IPAddress.Parse("198.18.208.0"),
    ];

    // A unique local /48 (RFC 4193); a slot takes a /64 of it.
    private static readonly IPAddress _rangeV6 = IPAddress.Parse("fd6d:7074:6370::");

    private readonly NetworkSnapshot _snapshot;
    private readonly HashSet<int> _usedSlots;

    public ViaPlanner(NetworkSnapshot snapshot, IReadOnlyList<ViaRecord> others)
    {
        _snapshot = snapshot;
        _usedSlots = [.. others.SelectMany(r => r.Paths).Select(p => p.Slot)];
    }

    /// <summary>One path per device; a <see cref="LinkException"/> where a device is not fit.</summary>
    public IReadOnlyList<ViaPlannedPath> Plan(IReadOnlyList<string> devices) => [.. devices.Select(PlanPath)];

    /// <summary>The addresses of a path with what the world sees in their place now, as far as the device has it.</summary>
    public static IReadOnlyList<ViaAddress> OutsideNow(DeviceInfo device, IReadOnlyList<ViaAddress> addresses) =>
    [
        .. from address in addresses
           let outside = ChooseOutside(device, address.EngineAddress.AddressFamily)
           where outside is not null
           select address with { OutsideAddress = outside },
    ];

    private ViaPlannedPath PlanPath(string name)
    {
        DeviceInfo device = FindDevice(name);
        IPAddress? outsideV4 = ChooseOutside(device, AddressFamily.InterNetwork);
        IPAddress? outsideV6 = ChooseOutside(device, AddressFamily.InterNetworkV6);
        if (outsideV4 is null && outsideV6 is null)
            throw new LinkException(
                $"Device '{name}' has no IPv4 or global IPv6 address: give it one (ip addr add ADDRESS/PREFIX dev {name}).");

        int slot = ChooseSlot();
        var addresses = new List<ViaAddress>();
        if (outsideV4 is not null)
            addresses.Add(new ViaAddress(ChooseEngineV4(slot), outsideV4, PrefixLengthV4));
        if (outsideV6 is not null)
            addresses.Add(new ViaAddress(ChooseEngineV6(slot), outsideV6, PrefixLengthV6));
        var record = new ViaPathRecord(
            slot,
            name,
            outsideV4 is null ? null : addresses[0].EngineAddress.ToString(),
            outsideV6 is null ? null : addresses[^1].EngineAddress.ToString());
        return new ViaPlannedPath(record, device, addresses);
    }

    private DeviceInfo FindDevice(string name)
    {
        if (!_snapshot.Devices.TryGetValue(name, out DeviceInfo? device))
            throw new LinkException($"There is no device '{name}' here: 'ip link' lists those that there are.");
        if (device.Loopback)
            throw new LinkException($"Device '{name}' is the loopback device and leads nowhere: name another.");
        if (!device.Up)
            throw new LinkException($"Device '{name}' is down: ip link set {name} up.");
        return device;
    }

    private static IPAddress? ChooseOutside(DeviceInfo device, AddressFamily family) => device.Addresses
        .Where(a => a.Address.AddressFamily == family && a.Scope == "global")
        .OrderBy(a => a.Preferred ? 0 : 1)
        .FirstOrDefault().Address;

    // Starting at the pid keeps processes that follow each other apart: the NAT state of a former one may outlive it.
    private int ChooseSlot()
    {
        for (int i = 0; i < SlotCount; i++)
        {
            int slot = (Environment.ProcessId + i) % SlotCount;
            string table = $"{ViaPathRecord.TableOf(slot)}";
            if (_usedSlots.Contains(slot)
                || _snapshot.Devices.ContainsKey(ViaPathRecord.TunNameOf(slot))
                || _snapshot.Routes.Any(r => r.Table == table))
                continue;
            _usedSlots.Add(slot);
            return slot;
        }
        throw new LinkException($"All {SlotCount} paths of this network namespace are taken: end other processes.");
    }

    private IPAddress ChooseEngineV4(int slot)
    {
        foreach (IPAddress range in _rangesV4)
        {
            IPAddress network = ViaAddressing.Add(range, 4 * slot);
            if (!_snapshot.Overlaps(new IPNetwork(network, PrefixLengthV4)))
                return ViaAddressing.Add(network, 2);
        }
        throw new LinkException(
            $"No private /30 is free for the TUN: routes here cover {string.Join(", ", (object[])_rangesV4)}.");
    }

    private IPAddress ChooseEngineV6(int slot)
    {
        byte[] bytes = _rangeV6.GetAddressBytes();
        bytes[6] = (byte)(slot >> 8);
        bytes[7] = (byte)slot;
        var network = new IPAddress(bytes);
        if (_snapshot.Overlaps(new IPNetwork(network, PrefixLengthV6)))
            throw new LinkException($"No private /126 is free for the TUN: {network} is routed here.");
        return ViaAddressing.Add(network, 2);
    }
}

/// <summary>Arithmetic on addresses.</summary>
internal static class ViaAddressing
{
    /// <summary>The address that many further; the sum must stay within the last two bytes.</summary>
    public static IPAddress Add(IPAddress address, int offset)
    {
        byte[] bytes = address.GetAddressBytes();
        int low = ((bytes[^2] << 8) | bytes[^1]) + offset;
        bytes[^2] = (byte)(low >> 8);
        bytes[^1] = (byte)low;
        return new IPAddress(bytes);
    }
}
