using System.Buffers.Binary;
using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>ICMP errors and old connections, as the stack passes them on.</summary>
public sealed class IcmpTests
{
    private const int SmallMtu = 1000;
    private static readonly PathOptions _path = PathOptions.Of(50, 10, 125_000);

    [Fact]
    public void A_path_with_a_small_MTU_is_found_out()
    {
        // A router that drops what is too big on the second path and says so.
        var hosts = new TwoHosts(_path, _path);
        int refused = 0;
        hosts.Network.Paths[1].Filter = (direction, packet) =>
        {
            if (direction == PathDirection.Back || packet.Length <= SmallMtu)
            {
                return true;
            }

            refused++;
            hosts.Client.HandlePacket(hosts.Network.Now, 1, TooBig(packet));
            return false;
        };
        (StackSocket client, _) = TransferTests.Run(hosts, 3_000_000, 0);
        Assert.InRange(refused, 1, 60);
        Assert.True(hosts.SubflowsOf(client)[1].BytesSent > 500_000);
        Assert.DoesNotContain(TwoHosts.EventsOf(client), e => e.Kind == ConnectionEventKind.SubflowSuspect);
    }

    [Fact]
    public void A_path_that_swallows_big_packets_in_silence_is_found_out()
    {
        var hosts = new TwoHosts(_path);
        hosts.Network.Paths[0].Filter = (direction, packet) => direction == PathDirection.Back || packet.Length <= SmallMtu;
        TransferTests.Run(hosts, 500_000, 0);
    }

    [Fact]
    public void A_hard_error_ends_an_attempt_to_connect()
    {
        var hosts = new TwoHosts(_path);
        hosts.Network.Paths[0].Filter = (_, packet) =>
        {
            hosts.Client.HandlePacket(hosts.Network.Now, 0, Icmp(packet, type: 3, code: 13, mtu: 0));
            return false;
        };
        StackSocket client = hosts.Connect();
        Assert.True(hosts.Network.RunUntil(() => client.State == TcpState.Closed, Instant.Second));
        Assert.Equal(TcpCloseReason.Unreachable, client.CloseReason);
    }

    [Fact]
    public void An_error_about_nothing_in_flight_changes_nothing()
    {
        var hosts = new TwoHosts(_path);
        StackSocket client = hosts.Connect();
        byte[]? syn = null;
        hosts.Network.Paths[0].Filter = (_, packet) =>
        {
            syn ??= packet.ToArray();
            return true;
        };
        _ = hosts.Accept();
        client.TryWrite(new byte[1000]);
        hosts.Network.Run(Instant.Second);
        hosts.Client.HandlePacket(hosts.Network.Now, 0, Icmp(syn, type: 3, code: 3, mtu: 0));
        hosts.Client.HandlePacket(hosts.Network.Now, 0, TooBig(syn));
        Assert.Equal(TcpState.Established, client.State);
    }

    private static byte[] TooBig(ReadOnlySpan<byte> packet) => Icmp(packet, type: 3, code: 4, mtu: SmallMtu);

    /// <summary>An ICMP error from the destination about an IPv4 packet.</summary>
    internal static byte[] Icmp(ReadOnlySpan<byte> about, byte type, byte code, ushort mtu)
    {
        const int Header = 20;
        ReadOnlySpan<byte> cited = about[..Math.Min(about.Length, Header + 8)];
        var packet = new byte[Header + 8 + cited.Length];
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        packet[8] = 64;
        packet[9] = IpProtocol.Icmp;
        about.Slice(16, 4).CopyTo(packet.AsSpan(12));
        about.Slice(12, 4).CopyTo(packet.AsSpan(16));
        Checksum(packet.AsSpan(0, Header), at: 10);
        Span<byte> icmp = packet.AsSpan(Header);
        (icmp[0], icmp[1]) = (type, code);
        BinaryPrimitives.WriteUInt16BigEndian(icmp[6..], mtu);
        cited.CopyTo(icmp[8..]);
        Checksum(icmp, at: 2);
        return packet;
    }

    private static void Checksum(Span<byte> bytes, int at) => BinaryPrimitives.WriteUInt16BigEndian(
        bytes[at..], InternetChecksum.Finish(InternetChecksum.Accumulate(bytes)));
}
