using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Peers and paths that do not keep to what was agreed.</summary>
public sealed class HostileTests
{
    private static readonly PathOptions _path = PathOptions.Of(50, 10, 125_000);

    [Fact]
    [Trait("Requirement", "89")]
    [Trait("Requirement", "90")]
    public void A_checksum_that_was_not_agreed_resets_the_subflow()
    {
        // The client is made to believe in checksums, of which the server knows nothing.
        var hosts = new TwoHosts(_path)
        {
            Rewrite = (_, _, packet) => MptcpStripper.AddFlag(packet, MpCapableFlags.ChecksumRequired),
        };
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        client.TryWrite(new byte[1000]);
        hosts.Network.Run(5 * Instant.Second);
        Assert.Equal(0, server.Readable);
        Assert.Equal(1, server.CountOf(ConnectionEventCode.ChecksumNotAgreed));
        Assert.Equal(1, client.CountOf(ConnectionEventCode.ResetByPeer));
        Assert.Contains(hosts.Log, line => line.StartsWith("0< Ack, Rst 0 MpTcpRst(4)", StringComparison.Ordinal)
            || line.StartsWith("0< Rst, Ack 0 MpTcpRst(4)", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("Requirement", "38")]
    public void A_peer_that_denies_its_first_address_gets_no_join_there()
    {
        var hosts = new TwoHosts(_path, _path)
        {
            Rewrite = (_, _, packet) => MptcpStripper.AddFlag(packet, MpCapableFlags.DenyJoinInitialAddress),
        };
        (StackSocket client, _) = TransferTests.Run(hosts, 300_000, 300_000);
        List<SubflowInfo> subflows = hosts.SubflowsOf(client);
        Assert.True(subflows.Count > 1);
        Assert.DoesNotContain(subflows, s => s.Number > 0 && s.Remote.Address == TwoHosts.Address(0, 2));
    }

    [Fact]
    [Trait("Requirement", "251")]
    public void Announcements_without_number_lead_to_a_few_attempts()
    {
        var hosts = new TwoHosts(_path);
        for (int i = 0; i < 40; i++)
        {
            hosts.Server.AddAddress(new LocalAddress(0, IpAddress.Parse($"10.9.0.{i + 1}"), 1500));
        }

        // Every attempt is refused, so that there is always room for the next.
        hosts.Drop = (_, line) => line.Contains("MpJoin(24)", StringComparison.Ordinal);
        StackSocket client = hosts.Connect();
        hosts.Accept();
        hosts.Network.Run(100 * Instant.Second);
        Assert.InRange(hosts.SubflowsOf(client).Count, 2, 9);
        Assert.Equal(TcpState.Established, client.State);
    }
}
