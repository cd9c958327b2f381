using System.Net;
using System.Net.Sockets;
using System.Text;
using Mptcp.Lab;

namespace Mptcp.Tool.Tests;

/// <summary>
/// Two hosts joined by two cables: ours has h0 (10.1.0.1) and h1 (10.2.0.1), the peer p0 (10.1.0.2) and p1 (10.2.0.2).
/// </summary>
internal sealed class ToolNetwork : IDisposable
{
    public const string Ours = "10.1.0.1";
    public const string Peers = "10.1.0.2";

    private readonly string _before;

    private ToolNetwork()
    {
        for (int i = 0; i < 2; i++)
        {
            Host.Ip($"link add h{i} type veth peer name p{i} netns {Peer.ThreadId}");
            Configure(Host, $"h{i}", $"10.{i + 1}.0.1/24");
            Configure(Peer, $"p{i}", $"10.{i + 1}.0.2/24");
        }

        // A cable says that it is plugged in a moment after both ends are up, and that shows in links and routes.
        while (Host.Ip("-o link").Contains("NO-CARRIER", StringComparison.Ordinal))
            Thread.Yield();
        _before = Describe(Host);
    }

    public NetworkNamespace Host { get; } = new();

    public NetworkNamespace Peer { get; } = new();

    public static ToolNetwork CreateOrSkip()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess || !File.Exists("/dev/net/tun"))
            Assert.Skip("needs Linux, root and /dev/net/tun");
        SkipWithoutNft();
        return new ToolNetwork();
    }

    public static void SkipWithoutNft()
    {
        if (!File.Exists("/usr/sbin/nft") && !File.Exists("/sbin/nft"))
            Assert.Skip("needs nft");
    }

    public Socket Listen() =>
        KernelSocket.Listen(Peer, new IPEndPoint(IPAddress.Parse(Peers), 0), multipath: false);

    public Task<Socket> ConnectAsync(int port, CancellationToken cancel) => KernelSocket.ConnectAsync(
        Peer, null, new IPEndPoint(IPAddress.Parse(Ours), port), multipath: false, cancel);

    /// <summary>Links, rules, routes, NAT and settings of our host are as they were, and no record is left.</summary>
    public void AssertNothingLeft(ToolProcess ended)
    {
        Assert.Equal(_before, Describe(Host));
        Assert.Empty(Directory.Exists("/run/mptcp") ? Directory.GetFiles("/run/mptcp", $"mptcp_{ended.Id}_*") : []);
    }

    public void Dispose()
    {
        Host.Dispose();
        Peer.Dispose();
    }

    private static string Describe(NetworkNamespace place)
    {
        var text = new StringBuilder();
        text.Append(place.Ip("-o link"));
        foreach (string family in (string[])["-4", "-6"])
        {
            text.Append(place.Ip($"{family} rule"));
            text.Append(place.Ip($"{family} route show table all"));
        }

        text.Append(place.Command("nft", "list", "ruleset"));
        foreach (string variable in (string[])["ipv4/ip_forward", "ipv4/conf/h0/rp_filter", "ipv4/conf/h0/forwarding"])
            text.Append($"{variable} = {place.GetSysctl(variable)}\n");
        return text.ToString();
    }

    private static void Configure(NetworkNamespace place, string device, string address)
    {
        place.Ip($"link set {device} addrgenmode none up");
        place.Ip($"addr add {address} dev {device}");
    }
}
