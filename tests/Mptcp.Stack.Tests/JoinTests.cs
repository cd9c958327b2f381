using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Which joins are opened, taken and refused, and what a refusal says (RFC 8684 §3.2, §3.6).</summary>
public sealed class JoinTests
{
    private static readonly PathOptions _path = PathOptions.Of(50, 10, 125_000);

    [Fact]
    public void Eight_subflows_carry_one_stream()
    {
        var hosts = new TwoHosts([.. Enumerable.Repeat(PathOptions.Of(10, 10, 60_000), 8)]);
        (StackSocket client, _) = TransferTests.Run(hosts, 4_000_000, 0);
        List<SubflowInfo> subflows = hosts.SubflowsOf(client);
        Assert.Equal(8, subflows.Count);
        Assert.All(subflows, subflow => Assert.True(subflow.BytesSent > 100_000, subflow.ToString()));
        Assert.Equal(8, subflows.Select(subflow => subflow.LocalId).Distinct().Count());
    }

    [Fact]
    [Trait("Requirement", "70")]
    [Trait("Requirement", "72")]
    public void Joins_beyond_the_limit_are_refused_as_prohibited()
    {
        var hosts = new TwoHosts(_path, _path, _path, _path);
        hosts.Server.Limits = hosts.Server.Limits with { Subflows = 1 };
        (StackSocket client, StackSocket server) = TransferTests.Run(hosts, 300_000, 300_000);
        // Those that came together were half-open together, and are refused when they prove who they are.
        Assert.Single(hosts.SubflowsOf(server), subflow => subflow is { Number: > 0, ResetSent: null });
        List<SubflowInfo> refused = hosts.SubflowsOf(client).FindAll(subflow => subflow.ResetReceived is not null);
        Assert.NotEmpty(refused);
        Assert.All(refused, subflow => Assert.Equal(
            new MpTcpRstOption(Transient: false, MpTcpRstReason.AdministrativelyProhibited), subflow.ResetReceived));
        Assert.True(hosts.Server.Signals[MptcpCounter.JoinOverLimit] > 0);
    }

    [Fact]
    public void A_raised_limit_counts_at_once()
    {
        var hosts = new TwoHosts(_path, _path, _path);
        hosts.Client.Limits = hosts.Client.Limits with { Subflows = 1 };
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        server.TryWrite(new byte[1000]);
        hosts.Network.Run(Instant.Second);
        Assert.Equal(2, hosts.SubflowsOf(client).Count);
        hosts.Client.Limits = hosts.Client.Limits with { Subflows = 2 };
        hosts.Network.Run(Instant.Second);
        Assert.Equal(3, hosts.SubflowsOf(client).Count);
    }

    [Fact]
    [Trait("Requirement", "200")]
    [Trait("Requirement", "205")]
    public void Half_open_joins_are_few_and_the_rest_is_told_to_come_again()
    {
        var many = new MptcpSettings { MaxSubflows = 16 };
        var hosts = new TwoHosts(many, many with { AnnounceAddresses = false }, seed: 1, [.. Enumerable.Repeat(_path, 12)]);
        bool lost = true;
        hosts.Drop = (_, line) => lost && line.Contains("Syn, Ack 0 MpJoin(16)", StringComparison.Ordinal);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        server.TryWrite(new byte[1000]);
        hosts.Network.Run(500 * Instant.Millisecond);
        Assert.Equal(9, hosts.SubflowsOf(server).Count);
        Assert.Equal(3, hosts.Server.Signals[MptcpCounter.JoinTooManyHalfOpen]);
        Assert.Contains(hosts.SubflowsOf(client), subflow =>
            subflow.ResetReceived == new MpTcpRstOption(Transient: true, MpTcpRstReason.LackOfResources));

        lost = false;
        hosts.Network.Run(20 * Instant.Second);
        Assert.Equal(12, hosts.SubflowsOf(client).FindAll(subflow => subflow.State == TcpState.Established).Count);
    }

    [Fact]
    public void A_half_open_join_that_nobody_proves_ends_after_half_a_minute()
    {
        var hosts = new TwoHosts(_path, _path)
        {
            Drop = (path, line) => path == 1 && line.StartsWith("1< Syn, Ack", StringComparison.Ordinal),
        };
        hosts.Connect();
        StackSocket server = hosts.Accept();
        server.TryWrite(new byte[1000]);
        hosts.Network.Run(45 * Instant.Second);
        Assert.Contains(hosts.SubflowsOf(server), subflow => subflow is { Number: > 0, State: TcpState.Closed });
    }

    [Theory]
    [Trait("Requirement", "78")]
    [Trait("Requirement", "79")]
    [Trait("Requirement", "80")]
    [Trait("Requirement", "240")]
    [InlineData(16)]
    [InlineData(24)]
    public void A_wrong_HMAC_resets_the_subflow_alone(int length)
    {
        var hosts = new TwoHosts(_path, _path) { Rewrite = (_, _, packet) => MptcpStripper.ChangeProof(packet, length) };
        (StackSocket client, StackSocket server) = TransferTests.Run(hosts, 300_000, 300_000);
        Assert.True(client.IsMultipath && server.IsMultipath);
        NetworkStack judge = length == 16 ? hosts.Client : hosts.Server;
        Assert.True(judge.Signals[MptcpCounter.JoinForged] > 0);
        Assert.Contains(hosts.SubflowsOf(length == 16 ? client : server), subflow =>
            subflow.ResetSent == new MpTcpRstOption(Transient: false, MpTcpRstReason.MptcpSpecificError));
        Assert.Contains(hosts.SubflowsOf(length == 16 ? server : client), subflow =>
            subflow.ResetReceived?.Reason == MpTcpRstReason.MptcpSpecificError);
    }

    [Fact]
    [Trait("Requirement", "38")]
    public void A_server_that_denies_its_first_address_is_joined_at_another()
    {
        var hosts = new TwoHosts(new MptcpSettings(), new MptcpSettings { DenyJoinInitialAddress = true }, seed: 1, _path, _path);
        (StackSocket client, _) = TransferTests.Run(hosts, 300_000, 300_000);
        List<SubflowInfo> subflows = hosts.SubflowsOf(client);
        Assert.Equal(2, subflows.Count);
        Assert.Equal(TwoHosts.Address(1, 2), subflows[1].Remote.Address);
        Assert.Equal(0, hosts.Server.Signals[MptcpCounter.JoinDenied]);
    }

    [Fact]
    [Trait("Requirement", "72")]
    public void A_join_to_a_denied_address_is_prohibited()
    {
        // The client never hears of the denial.
        var hosts = new TwoHosts(new MptcpSettings(), new MptcpSettings { DenyJoinInitialAddress = true }, seed: 1, _path, _path)
        {
            Rewrite = (_, direction, packet) =>
            {
                if (direction == PathDirection.Back)
                {
                    MptcpStripper.ClearDeny(packet);
                }
            },
        };
        (StackSocket client, _) = TransferTests.Run(hosts, 300_000, 0);
        Assert.Equal(1, hosts.Server.Signals[MptcpCounter.JoinDenied]);
        Assert.Contains(hosts.SubflowsOf(client), subflow => subflow.ResetReceived?.Reason == MpTcpRstReason.AdministrativelyProhibited);
    }

    [Theory]
    [Trait("Requirement", "59")]
    [Trait("Requirement", "38")]
    [InlineData(false)]
    [InlineData(true)]
    public void A_server_with_subflow_endpoints_opens_subflows_to_the_client(bool clientDenies)
    {
        var client = new MptcpSettings { DenyJoinInitialAddress = clientDenies };
        var hosts = new TwoHosts(client, new MptcpSettings(), seed: 1, _path, _path);
        Assert.NotNull(hosts.Server.TryAddEndpoint(TwoHosts.Address(1, 2), EndpointFlags.Subflow));
        Assert.NotNull(hosts.Client.TryAddEndpoint(TwoHosts.Address(1, 1), EndpointFlags.Signal));
        hosts.Client.Limits = hosts.Client.Limits with { AcceptedAddresses = 0 };
        hosts.Server.Limits = hosts.Server.Limits with { AcceptedAddresses = 0 };
        (StackSocket from, _) = TransferTests.Run(hosts, 500_000, 500_000);
        List<SubflowInfo> subflows = hosts.SubflowsOf(from);
        Assert.Equal(clientDenies ? 1 : 2, subflows.Count);
        Assert.All(subflows.Skip(1), subflow => Assert.True(subflow.OpenedByPeer));
    }

    [Fact]
    [Trait("Requirement", "146")]
    [Trait("Requirement", "147")]
    [Trait("Requirement", "197")]
    [Trait("Requirement", "247")]
    public void A_subflow_can_be_reset_with_a_reason_and_its_data_goes_elsewhere()
    {
        var hosts = new TwoHosts(_path, _path);
        (StackSocket client, StackSocket server) = Interrupted(hosts, 4_000_000, socket =>
            Assert.True(socket.ResetSubflow(1, MpTcpRstReason.UnacceptablePerformance)));
        var reason = new MpTcpRstOption(Transient: false, MpTcpRstReason.UnacceptablePerformance);
        Assert.Equal(reason, hosts.SubflowsOf(client)[1].ResetSent);
        Assert.Equal(reason, hosts.SubflowsOf(server)[1].ResetReceived);
        Assert.False(client.ResetSubflow(1, MpTcpRstReason.Unspecified));
    }

    [Fact]
    [Trait("Requirement", "121")]
    [Trait("Requirement", "185")]
    public void A_subflow_can_be_closed_with_a_FIN_but_not_the_last()
    {
        var hosts = new TwoHosts(_path, _path);
        (StackSocket client, StackSocket server) = Interrupted(hosts, 4_000_000, socket =>
        {
            Assert.True(socket.CloseSubflow(0));
            Assert.False(socket.CloseSubflow(1));
            Assert.False(socket.CloseSubflow(7));
        });
        Assert.Equal(TcpCloseReason.None, hosts.SubflowsOf(client)[0].CloseReason);
        Assert.DoesNotContain(hosts.Log, line => line.Contains("Rst", StringComparison.Ordinal));
        Assert.Equal(TcpState.Closed, server.State);
    }

    /// <summary>A stream from the client, and something that happens at its half.</summary>
    internal static (StackSocket Client, StackSocket Server) Interrupted(TwoHosts hosts, int size, Action<StackSocket> half)
    {
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var stream = new Stream(client, server, size);
        bool happened = false;
        bool complete = hosts.Network.RunUntil(
            () =>
            {
                stream.Pump();
                if (!happened && stream.Received > size / 2)
                {
                    happened = true;
                    half(client);
                }

                if (stream.Complete)
                {
                    server.CompleteWrites();
                }

                return stream.Complete && client.State == TcpState.Closed && server.State == TcpState.Closed;
            },
            120 * Instant.Second);
        Assert.True(complete && stream.Intact, stream.ToString());
        return (client, server);
    }
}
