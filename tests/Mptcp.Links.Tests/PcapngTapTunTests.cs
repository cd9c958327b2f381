using System.Net;
using System.Net.Sockets;
using Mptcp.Lab;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Links.Tests;

/// <summary>A tapped TUN: the waiter sleeps on the device below, the loop reads through the tap.</summary>
public sealed class PcapngTapTunTests
{
    private const long Limit = 10_000_000_000;

    [Fact]
    public void A_tapped_TUN_is_waited_for_and_captured()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess || !File.Exists("/dev/net/tun"))
            Assert.Skip("needs Linux, root and /dev/net/tun");
        Tshark.Require();
        string path = Path.GetTempFileName();
        using var lab = new NetworkNamespace();
        using TunDevice tun = lab.Run(() => TunDevice.Open("mptcptap"));
        lab.Ip("addr add 192.0.2.1/24 dev mptcptap");
        lab.Ip("link set mptcptap up");
        try
        {
            using (PcapngFile file = PcapngFile.Create(path))
            using (var waiter = new PollWaiter([tun]))
                Converse(new TappedLink(tun, file, tun.Name), waiter, lab);

            Tshark.AssertClean(path);
            Assert.Equal(
                ["mptcptap|0x1|17|6", "mptcptap|0x2|6|", "mptcptap|0x1|6|"],
                Tshark.Fields(path, "frame.interface_name", "frame.packet_flags_direction", "ip.proto", "data.len")
                    .Where(line => line.Contains("|17|", StringComparison.Ordinal) || line.Contains("|6|", StringComparison.Ordinal)));
        }
        finally
        {
            File.Delete(path);
        }
    }

    // The kernel sends a datagram, and answers a segment that belongs to no connection with a RST.
    private static void Converse(TappedLink link, PollWaiter waiter, NetworkNamespace lab)
    {
        using Socket socket = lab.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        socket.SendTo("hello!"u8, new IPEndPoint(IPAddress.Parse("192.0.2.2"), 9));
        WaitFor(IpProtocol.Udp, link, waiter);
        var fields = new TcpHeaderFields
        {
            Source = new IpEndpoint(IpAddress.Parse("192.0.2.2"), 40_000),
            Destination = new IpEndpoint(IpAddress.Parse("192.0.2.1"), 9),
            Flags = TcpFlags.Syn,
        };
        var buffer = new byte[100];
        int length = TcpPacket.Write(buffer, fields, [], 0);
        Assert.Equal(length, link.TryWrite(buffer.AsSpan(0, length)));
        WaitFor(IpProtocol.Tcp, link, waiter);
    }

    // Other packets come too: the kernel looks for IPv6 routers on its own.
    private static void WaitFor(byte protocol, TappedLink link, PollWaiter waiter)
    {
        var buffer = new byte[2000];
        for (int attempts = 0; attempts < 100; attempts++)
        {
            int length = link.TryRead(buffer);
            if (length < 1) waiter.Wait(Limit);
            else if (IpPacket.TryParse(buffer.AsSpan(0, length), out IpPacket ip, out _) && ip.Protocol == protocol) return;
        }

        Assert.Fail("The packet did not come.");
    }
}
