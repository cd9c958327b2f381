using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Mptcp.Links;

/// <summary>Writes the input of <c>ip -batch</c> and <c>nft -f</c> that sets paths up and removes them.</summary>
internal static class ViaCommands
{
    // Before the rules of VPNs and of the usual policy routing (from 5210 up), after the local table. What is meant
    // for an engine goes first, so that engines on one machine reach each other.
    private const int ToEnginePriority = 1080;
    private const int FromEnginePriority = 1090;

    // A machine with a full routing table is not going to have it copied.
    private const int MostCopiedRoutes = 256;

    /// <summary>Name of the set of forwarded TCP ports in the owner's nftables table.</summary>
    public const string PortSet = "tcp_ports";

    /// <summary>The lines that set a path up for one family; the TUN exists already.</summary>
    public static void AppendSetup(StringBuilder batch, ViaPlannedPath path, ViaAddress address, NetworkSnapshot routes)
    {
        AddressFamily family = address.EngineAddress.AddressFamily;
        (string tun, int table) = (path.Record.TunName, path.Record.Table);
        IPAddress kernelEnd = ViaAddressing.Add(address.EngineAddress, -1);
        string engine = HostPrefix(address.EngineAddress);
        string noDetection = family == AddressFamily.InterNetworkV6 ? " nodad" : "";

        batch.Append($"link set dev {tun} mtu {path.Device.Mtu} up\n");
        batch.Append($"addr add {kernelEnd}/{address.PrefixLength} dev {tun}{noDetection}\n");
        AppendRoutes(batch, path, address, routes, "add");
        batch.Append($"rule add pref {ToEnginePriority} to {engine} lookup {table}\n");
        batch.Append($"rule add pref {FromEnginePriority} from {engine} lookup {table}\n");
    }

    /// <summary>The lines that give a path its routes.</summary>
    /// <param name="batch">Where they go.</param>
    /// <param name="path">The path.</param>
    /// <param name="address">Its address of the family.</param>
    /// <param name="routes">What there is.</param>
    /// <param name="verb">"add", or "replace" where they may be there.</param>
    public static void AppendRoutes(
        StringBuilder batch, ViaPlannedPath path, ViaAddress address, NetworkSnapshot routes, string verb)
    {
        AddressFamily family = address.EngineAddress.AddressFamily;
        (int table, string device) = (path.Record.Table, path.Record.Device);
        foreach (RouteInfo route in RoutesToCopy(routes, device, family))
            batch.Append($"route {verb} {route.Destination}{Via(route.Gateway)} dev {device} table {table}\n");
        string any = family == AddressFamily.InterNetworkV6 ? "::/0" : "0.0.0.0/0";
        _ = routes.TryFindDefaultRoute(device, family, out RouteInfo? defaultRoute);
        batch.Append($"route {verb} {any}{Via(defaultRoute?.Gateway)} dev {device} table {table}\n");
        batch.Append($"route {verb} {HostPrefix(address.EngineAddress)} dev {path.Record.TunName} table {table}\n");
    }

    /// <summary>The lines that remove what <see cref="AppendSetup"/> leaves when the TUN is gone.</summary>
    public static void AppendRemoval(StringBuilder batch, ViaPathRecord path, string engineAddress)
    {
        string engine = HostPrefix(IPAddress.Parse(engineAddress));
        batch.Append($"rule del pref {FromEnginePriority} from {engine} lookup {path.Table}\n");
        batch.Append($"rule del pref {ToEnginePriority} to {engine} lookup {path.Table}\n");
        batch.Append($"route flush table {path.Table}\n");
    }

    /// <summary>The owner's nftables table: NAT out of each device, and in for the forwarded ports.</summary>
    public static string NftSetup(string table, IReadOnlyList<ViaPathRecord> paths, IReadOnlyList<ushort> ports)
    {
        var prerouting = new StringBuilder();
        var postrouting = new StringBuilder();
        foreach (ViaPathRecord path in paths)
        {
            foreach ((string family, string? engine) in new[] { ("ip", path.EngineV4), ("ip6", path.EngineV6) })
            {
                if (engine is null)
                    continue;
                // By incoming device, not by address: a kernel client's further subflow targets the first address
                // through whatever device. But only what targets this host: the rest passes through.
                prerouting.Append(
                    $"    iifname \"{path.Device}\" fib daddr type local tcp dport @{PortSet} dnat {family} to {engine}\n");
                postrouting.Append($"    oifname \"{path.Device}\" {family} saddr {engine} masquerade\n");
            }
        }
        string elements = ports.Count == 0 ? "" : $"    elements = {{ {string.Join(", ", ports)} }}\n";
        // Five before the usual priority: the first NAT rule to match wins, and others' catch-alls shall not.
        return $$"""
            table inet {{table}} {
              set {{PortSet}} {
                type inet_service
            {{elements}}  }
              chain prerouting {
                type nat hook prerouting priority dstnat - 5; policy accept;
            {{prerouting}}  }
              chain postrouting {
                type nat hook postrouting priority srcnat - 5; policy accept;
            {{postrouting}}  }
            }

            """;
    }

    /// <summary>Removes the owner's nftables table whether or not it is there.</summary>
    public static string NftRemoval(string table) => $"add table inet {table}\ndelete table inet {table}\n";

    private static IEnumerable<RouteInfo> RoutesToCopy(NetworkSnapshot snapshot, string device, AddressFamily family)
    {
        List<RouteInfo> routes =
        [
            .. snapshot.Routes
                .Where(r => r.Family == family && r.Device == device && r.Table == "main" && r.Type == "unicast"
                    && r.Destination.PrefixLength > 0)
                .OrderBy(r => r.Metric)
                .DistinctBy(r => r.Destination)
                .OrderBy(r => r.Gateway is null ? 0 : 1),
        ];
        return routes.Count <= MostCopiedRoutes ? routes : routes.Where(r => r.Gateway is null);
    }

    // `onlink`: the next hop was good in its own table, where more may be known than in ours.
    private static string Via(string? gateway) => gateway is null ? "" : $" via {gateway} onlink";

    private static string HostPrefix(IPAddress address) => $"{address}/{address.GetAddressBytes().Length * 8}";
}
