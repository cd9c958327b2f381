using Mptcp.Lab;
using Xunit;

namespace Mptcp.Links.Tests;

/// <summary>
/// Two namespaces joined by two cables: the host under test has h0 (10.1.0.1, no default route) and h1 (10.2.0.1,
/// default route in a table of its own), the peer has p0, p1 and 10.9.9.9.
/// </summary>
internal sealed class ViaTestNetwork : IDisposable
{
    public const string PeerAddress = "10.9.9.9";
    public const string PeerAddressV6 = "fd99::9";

    private static readonly string[] _sysctls =
    [
        "ipv4/ip_forward", "ipv4/conf/all/rp_filter", "ipv4/conf/h0/rp_filter", "ipv4/conf/h1/rp_filter",
        "ipv4/conf/h0/forwarding", "ipv4/conf/h1/forwarding", "ipv4/conf/all/accept_redirects",
        "ipv6/conf/all/forwarding", "ipv6/conf/h0/forwarding", "ipv6/conf/h0/accept_ra",
        "netfilter/nf_conntrack_tcp_be_liberal",
    ];

    private ViaTestNetwork(bool withIPv6)
    {
        StateDirectory = Directory.CreateTempSubdirectory("mptcp-via-").FullName;
        Host = new NetworkNamespace();
        Peer = new NetworkNamespace();
        for (int i = 0; i < 2; i++)
        {
            Host.Ip($"link add h{i} type veth peer name p{i} netns {Peer.ThreadId}");
            Configure(Host, $"h{i}", $"10.{i + 1}.0.1/24", withIPv6 ? $"fd0{i + 1}::1/64" : null);
            Configure(Peer, $"p{i}", $"10.{i + 1}.0.2/24", withIPv6 ? $"fd0{i + 1}::2/64" : null);
        }
        Peer.Ip($"addr add {PeerAddress}/32 dev lo");
        Host.Ip("route add default via 10.2.0.2 dev h1 table 77");
        // Who does not use the next hop of h1 gets no answer to his ARP request there.
        Peer.SetSysctl("ipv4/conf/p1/arp_ignore", "1");
        if (withIPv6)
        {
            Peer.Ip($"addr add {PeerAddressV6}/128 dev lo nodad");
            Host.Ip("-6 route add default via fd02::2 dev h1 table 77");
        }
        // A strict filter, so that it must be loosened and put back. Peers that answer by any cable need none.
        Host.SetSysctl("ipv4/conf/all/rp_filter", "1");

        // A cable says that it is plugged in a moment after both ends are up, and that shows in links and routes.
        while (Host.Ip("-o link").Contains("NO-CARRIER", StringComparison.Ordinal))
            Thread.Yield();
    }

    public NetworkNamespace Host { get; }

    public NetworkNamespace Peer { get; }

    public string StateDirectory { get; }

    public ViaOptions Options => new() { StateDirectory = StateDirectory };

    /// <summary>Skips the test where the machine does not allow it.</summary>
    public static ViaTestNetwork CreateOrSkip(bool withIPv6 = false)
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("needs Linux");
        if (Environment.UserName != "root")
            Assert.Skip("needs root for network namespaces");
        if (!File.Exists("/dev/net/tun"))
            Assert.Skip("needs /dev/net/tun");
        if (!File.Exists("/usr/sbin/nft") && !File.Exists("/sbin/nft"))
            Assert.Skip("needs nft");
        return new ViaTestNetwork(withIPv6);
    }

    public ViaPathSet Open(ViaOptions options, params string[] devices) =>
        Host.Run(() => ViaPathSet.Create(devices, options));

    /// <summary>All that a path set may change, as text.</summary>
    public string Describe()
    {
        var text = new System.Text.StringBuilder();
        text.Append(Host.Ip("-o link"));
        foreach (string family in (string[])["-4", "-6"])
        {
            text.Append(Host.Ip($"{family} rule"));
            text.Append(Host.Ip($"{family} route show table all"));
        }
        text.Append(Host.Command("nft", "list", "ruleset"));
        foreach (string sysctl in _sysctls)
            text.Append($"{sysctl} = {Host.GetSysctl(sysctl)}\n");
        return text.ToString();
    }

    public void Dispose()
    {
        Host.Dispose();
        Peer.Dispose();
        Directory.Delete(StateDirectory, recursive: true);
    }

    private static void Configure(NetworkNamespace place, string device, string address, string? addressV6)
    {
        place.Ip($"link set {device} addrgenmode none up");
        place.Ip($"addr add {address} dev {device}");
        if (addressV6 is not null)
            place.Ip($"addr add {addressV6} dev {device} nodad");
    }
}
