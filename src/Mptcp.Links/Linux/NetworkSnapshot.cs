using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Mptcp.Links;

/// <summary>An address of a device as <c>ip -json addr</c> tells it.</summary>
internal readonly record struct DeviceAddress(IPAddress Address, int PrefixLength, string Scope, bool Preferred);

/// <summary>A device as <c>ip -json addr</c> tells it.</summary>
internal sealed record DeviceInfo(string Name, int Mtu, bool Up, bool Loopback, IReadOnlyList<DeviceAddress> Addresses);

/// <summary>A route as <c>ip -json route</c> tells it; a default route has prefix length 0.</summary>
internal sealed record RouteInfo(
    AddressFamily Family, IPNetwork Destination, string Type, string Table, string? Device, string? Gateway, long Metric);

/// <summary>Devices and routes of the calling thread's network namespace at one moment.</summary>
internal sealed class NetworkSnapshot
{
    // An OpenVPN-like pair of /1 routes, or 2000::/3, is a default route by another name, no claim on a range.
    private const int ShortestClaimingPrefix = 8;

    private NetworkSnapshot(IReadOnlyDictionary<string, DeviceInfo> devices, IReadOnlyList<RouteInfo> routes)
    {
        Devices = devices;
        Routes = routes;
    }

    public IReadOnlyDictionary<string, DeviceInfo> Devices { get; }

    public IReadOnlyList<RouteInfo> Routes { get; }

    public static NetworkSnapshot Take(string ip)
    {
        var devices = new Dictionary<string, DeviceInfo>();
        foreach (JsonElement element in ParseArray(CommandRunner.Run(ip, ["-json", "addr"])))
        {
            DeviceInfo device = ReadDevice(element);
            devices[device.Name] = device;
        }
        var routes = new List<RouteInfo>();
        AddRoutes(ip, "-4", AddressFamily.InterNetwork, routes);
        AddRoutes(ip, "-6", AddressFamily.InterNetworkV6, routes);
        return new NetworkSnapshot(devices, routes);
    }

    /// <summary>Whether an address or a route of this namespace already claims a part of the network.</summary>
    public bool Overlaps(IPNetwork network)
    {
        foreach (DeviceInfo device in Devices.Values)
            foreach (DeviceAddress address in device.Addresses)
                if (Overlap(network, MaskedNetwork(address.Address, address.PrefixLength)))
                    return true;
        foreach (RouteInfo route in Routes)
            if (route.Destination.PrefixLength >= ShortestClaimingPrefix && Overlap(network, route.Destination))
                return true;
        return false;
    }

    /// <summary>The device's best default route, of any table; the main table and a low metric come first.</summary>
    public bool TryFindDefaultRoute(string device, AddressFamily family, [NotNullWhen(true)] out RouteInfo? best)
    {
        best = Routes
            .Where(r => r.Family == family && r.Device == device && r.Type == "unicast"
                && r.Destination.PrefixLength == 0)
            .OrderBy(r => r.Table == "main" ? 0 : 1)
            .ThenBy(r => r.Metric)
            .FirstOrDefault();
        return best is not null;
    }

    public static IPNetwork MaskedNetwork(IPAddress address, int prefixLength)
    {
        byte[] bytes = address.GetAddressBytes();
        for (int bit = prefixLength; bit < bytes.Length * 8; bit++)
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        return new IPNetwork(new IPAddress(bytes), prefixLength);
    }

    private static bool Overlap(IPNetwork a, IPNetwork b) =>
        a.BaseAddress.AddressFamily == b.BaseAddress.AddressFamily
        && (a.Contains(b.BaseAddress) || b.Contains(a.BaseAddress));

    private static DeviceInfo ReadDevice(JsonElement element)
    {
        string[] flags = [.. element.GetProperty("flags").EnumerateArray().Select(f => f.GetString()!)];
        var addresses = new List<DeviceAddress>();
        foreach (JsonElement a in element.GetProperty("addr_info").EnumerateArray())
        {
            if (Text(a, "local") is not { } local || !IPAddress.TryParse(local, out IPAddress? address))
                continue;
            bool preferred = !Flag(a, "deprecated") && !Flag(a, "tentative") && !Flag(a, "dadfailed")
                && !Flag(a, "temporary") && !Flag(a, "secondary");
            addresses.Add(new DeviceAddress(
                address, a.GetProperty("prefixlen").GetInt32(), Text(a, "scope") ?? "", preferred));
        }
        return new DeviceInfo(
            element.GetProperty("ifname").GetString()!,
            element.GetProperty("mtu").GetInt32(),
            flags.Contains("UP"),
            flags.Contains("LOOPBACK"),
            addresses);
    }

    private static void AddRoutes(string ip, string familyOption, AddressFamily family, List<RouteInfo> routes)
    {
        string json = CommandRunner.Run(ip, ["-json", familyOption, "route", "show", "table", "all"]);
        foreach (JsonElement element in ParseArray(json))
        {
            if (!TryParseDestination(element.GetProperty("dst").GetString()!, family, out IPNetwork destination))
                continue;
            long metric = element.TryGetProperty("metric", out JsonElement m) ? m.GetInt64() : 0;
            string type = Text(element, "type") ?? "unicast";
            string table = Text(element, "table") ?? "main";
            // A multipath route is one route per next hop for us.
            if (element.TryGetProperty("nexthops", out JsonElement hops))
                foreach (JsonElement hop in hops.EnumerateArray())
                    routes.Add(new RouteInfo(
                        family, destination, type, table, Text(hop, "dev"), ReadGateway(hop), metric));
            else
                routes.Add(new RouteInfo(
                    family, destination, type, table, Text(element, "dev"), ReadGateway(element), metric));
        }
    }

    // An IPv4 route may have an IPv6 next hop; `ip` wants the family named then.
    private static string? ReadGateway(JsonElement hop)
    {
        if (Text(hop, "gateway") is { } gateway)
            return gateway;
        if (hop.TryGetProperty("via", out JsonElement via) && Text(via, "host") is { } host)
            return $"{Text(via, "family") ?? "inet6"} {host}";
        return null;
    }

    private static bool TryParseDestination(string text, AddressFamily family, out IPNetwork network)
    {
        IPAddress any = family == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any;
        network = new IPNetwork(any, 0);
        if (text == "default")
            return true;
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        if (!IPAddress.TryParse(slash < 0 ? text : text[..slash], out IPAddress? address))
            return false;
        int length = address.GetAddressBytes().Length * 8;
        if (slash >= 0)
            length = int.Parse(text.AsSpan(slash + 1), CultureInfo.InvariantCulture);
        network = MaskedNetwork(address, length);
        return true;
    }

    private static IEnumerable<JsonElement> ParseArray(string json)
    {
        // `ip` prints nothing at all for a family that the kernel lacks.
        if (string.IsNullOrWhiteSpace(json))
            return [];
        using var document = JsonDocument.Parse(json);
        return [.. document.RootElement.EnumerateArray().Where(e => e.EnumerateObject().Any()).Select(e => e.Clone())];
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) ? value.ToString() : null;

    private static bool Flag(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.True;
}
