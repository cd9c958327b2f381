using Mptcp.Wire;

namespace Mptcp.Lab;

/// <summary>Makes a namespace a host with Multipath TCP.</summary>
internal static class KernelHost
{
    private const string AllowedCongestionControl = "/proc/sys/net/ipv4/tcp_allowed_congestion_control";
    private const int Limit = 8;
    private const int FirstTable = 101;

    private static readonly Lock _hostGate = new();

    /// <summary>The device of a path, counted from 0.</summary>
    public static string Device(int path) => $"path{path + 1}";

    /// <summary>Sets what does not depend on a path.</summary>
    public static void Prepare(NetworkNamespace place, LabOptions options)
    {
        place.SetSysctl("mptcp/enabled", "1");
        place.SetSysctl("mptcp/checksum_enabled", options.Checksum ? "1" : "0");
        place.SetSysctl("ipv4/conf/all/rp_filter", "0");
        place.SetSysctl("ipv4/conf/default/rp_filter", "0");

        // A run must not learn from the one before.
        place.SetSysctl("ipv4/tcp_no_metrics_save", "1");
        SetCongestionControl(place, options.CongestionControl);
        place.Ip($"mptcp limits set subflows {Limit} add_addr_accepted {Limit}");
    }

    /// <summary>Gives an address to a path's device.</summary>
    public static void AddPath(NetworkNamespace place, int path, IpAddress address, int prefix, int mtu)
    {
        string device = Device(path);
        string family = address.IsV4 ? "-4" : "-6";
        if (address.IsV4)
        {
            // Nothing leaves a device that nobody asked for.
            place.Ip($"link set {device} mtu {mtu} addrgenmode none");
            place.Ip($"link set {device} up");
        }

        place.Ip($"{family} addr add {address}/{prefix} dev {device}{(address.IsV4 ? "" : " nodad")}");
    }

    /// <summary>
    /// Makes the host one that begins: what leaves from the address leaves by its device whatever its destination, and
    /// every connection opens a subflow from it. A server has no such routes: its answers go where the client's address
    /// is, from whichever of its own addresses the client aimed at.
    /// </summary>
    public static void AddSubflowEndpoint(NetworkNamespace place, int path, IpAddress address)
    {
        string device = Device(path);
        string family = address.IsV4 ? "-4" : "-6";
        int table = FirstTable + path;
        place.Ip($"{family} rule add from {address} table {table}");
        place.Ip($"{family} route add default dev {device} table {table}");
        place.Ip($"mptcp endpoint add {address} dev {device} subflow");
    }

    private static void SetCongestionControl(NetworkNamespace place, string name)
    {
        const string Variable = "ipv4/tcp_congestion_control";
        lock (_hostGate)
        {
            // A namespace takes only what the host allows to all; the host's list is put back at once.
            string allowed = File.ReadAllText(AllowedCongestionControl).Trim();
            bool added = false;
            try
            {
                if (!allowed.Split(' ').Contains(name))
                {
                    File.WriteAllText(AllowedCongestionControl, $"{allowed} {name}");
                    added = true;
                }

                place.SetSysctl(Variable, name);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new LabException($"The kernel does not offer the congestion control '{name}': {e.Message}", e);
            }
            finally
            {
                if (added)
                {
                    File.WriteAllText(AllowedCongestionControl, allowed);
                }
            }
        }
    }
}
