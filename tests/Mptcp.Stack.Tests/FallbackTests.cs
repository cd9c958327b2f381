using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Middleboxes that take MPTCP options away in one direction, when data is already in flight.</summary>
public sealed class FallbackTests
{
    private static readonly PathOptions _path = PathOptions.Of(50, 10, 125_000);

    [Theory]
    [InlineData(false, 300_000, 0)]
    [InlineData(false, 0, 300_000)]
    [InlineData(false, 300_000, 300_000)]
    [InlineData(true, 300_000, 0)]
    [InlineData(true, 0, 300_000)]
    [InlineData(true, 300_000, 300_000)]
    public void Options_removed_one_way_after_the_handshake_never_corrupt(bool back, int up, int down)
    {
        int acks = 0;
        var hosts = new TwoHosts(_path, _path)
        {
            Rewrite = (_, direction, packet) =>
            {
                if (direction == PathDirection.Back == back)
                {
                    MptcpStripper.Strip(packet, line => !line.Contains("Syn", StringComparison.Ordinal) && (back || acks++ > 0));
                }
            },
        };
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var upward = new Stream(client, server, up);
        var downward = new Stream(server, client, down);
        bool complete = hosts.Network.RunUntil(
            () =>
            {
                upward.Pump();
                downward.Pump();
                return (upward.Complete && downward.Complete) || client.State == TcpState.Closed || server.State == TcpState.Closed;
            },
            120 * Instant.Second);
        string state = $"up: {upward}; down: {downward}\n{string.Join('\n', TwoHosts.EventsOf(client))}\n{string.Join('\n', TwoHosts.EventsOf(server))}";
        Assert.True(upward.Intact && downward.Intact, state);
        Assert.True(upward.Complete && downward.Complete, state);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Options_removed_from_any_packet_on_never_corrupt(bool back)
    {
        for (int first = 2; first < 60; first++)
        {
            int packets = 0;
            int from = first;
            var hosts = new TwoHosts(_path with { LossPerMillion = 10_000 })
            {
                Rewrite = (_, direction, packet) =>
                {
                    if (++packets > from && direction == PathDirection.Back == back)
                    {
                        MptcpStripper.Strip(packet, line => !line.Contains("Syn", StringComparison.Ordinal));
                    }
                },
            };
            (StackSocket client, StackSocket server) = TransferTests.Run(hosts, 100_000, 100_000);
            hosts.Network.Run(130 * Instant.Second);
            Assert.Equal((first, 0, 0), (first, hosts.Client.Connections, hosts.Server.Connections));
            Assert.Equal((TcpCloseReason.None, TcpCloseReason.None), (client.CloseReason, server.CloseReason));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Options_removed_from_any_packet_on_never_corrupt_where_there_are_two_paths(bool back)
    {
        for (int first = 2; first < 80; first++)
        {
            int packets = 0;
            int from = first;
            var hosts = new TwoHosts(_path, PathOptions.Of(50, 40, 125_000))
            {
                Rewrite = (_, direction, packet) =>
                {
                    if (++packets > from && direction == PathDirection.Back == back)
                    {
                        MptcpStripper.Strip(packet, line => !line.Contains("Syn", StringComparison.Ordinal));
                    }
                },
            };
            StackSocket client = hosts.Connect();
            StackSocket server = hosts.Accept();
            var upward = new Stream(client, server, 100_000);
            var downward = new Stream(server, client, 100_000);
            hosts.Network.RunUntil(
                () =>
                {
                    upward.Pump();
                    downward.Pump();
                    return client.State == TcpState.Closed && server.State == TcpState.Closed;
                },
                200 * Instant.Second);
            Assert.True(upward.Intact && downward.Intact, $"{first}: {upward}; {downward}");
            bool whole = upward.Complete && downward.Complete;
            Assert.True(whole || client.CloseReason != TcpCloseReason.None, $"{first}: {upward}; {downward}");
        }
    }

    [Fact]
    public void What_waits_for_the_rest_of_its_checksum_survives_a_fallback()
    {
        // Segments that are cut smaller when they go again arrive as pieces of their mapping.
        var settings = new MptcpSettings { ChecksumRequired = true };
        for (int first = 10; first < 90; first++)
        {
            int packets = 0;
            int from = first;
            var hosts = new TwoHosts(settings, settings, (ulong)first, _path with { LossPerMillion = 60_000 })
            {
                Rewrite = (_, direction, packet) =>
                {
                    if (++packets > from && direction == PathDirection.Forward)
                    {
                        MptcpStripper.Strip(packet, line => !line.Contains("Syn", StringComparison.Ordinal));
                    }
                },
            };
            hosts.Network.Paths[0].Rewriter = (PathDirection _, Span<byte> _, ref int length) => packets < from / 2 || length <= 700;
            StackSocket client = hosts.Connect();
            StackSocket server = hosts.Accept();
            var stream = new Stream(client, server, 100_000);
            hosts.Network.RunUntil(
                () =>
                {
                    stream.Pump();
                    return stream.Complete || server.State == TcpState.Closed;
                },
                500 * Instant.Second);
            Assert.True(stream.Intact && (stream.Complete || server.CloseReason != TcpCloseReason.None), $"{first}: {stream}");
        }
    }

    [Fact]
    public void After_a_fallback_that_the_peer_has_not_seen_data_does_not_count_twice()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        peer.First.Data(1, ScriptedPeer.Bytes(0, 10));
        peer.First.Send(TcpFlags.Ack, ScriptedPeer.Bytes(10, 10));
        Assert.False(peer.Socket.IsMultipath);
        peer.First.Data(21, ScriptedPeer.Bytes(20, 10));
        Assert.Equal(ScriptedPeer.Bytes(0, 30), peer.Read());
        peer.First.Data(11, ScriptedPeer.Bytes(10, 10));
        Assert.Equal(TcpState.Closed, peer.Socket.State);
        Assert.Empty(peer.Read());
        Assert.Contains(TwoHosts.EventsOf(peer.Socket), e => e.Code == ConnectionEventCode.FallbackImpossible);
    }

    [Fact]
    [Trait("Requirement", "252")]
    public void A_path_that_drops_SYN_ACKs_with_MP_CAPABLE_is_crossed_in_plain_tcp()
    {
        var hosts = new TwoHosts(_path)
        {
            Drop = (_, line) => line.StartsWith("0< Syn, Ack 0 MpCapable", StringComparison.Ordinal),
        };
        (StackSocket client, StackSocket server) = TransferTests.Run(hosts, 100_000, 100_000);
        Assert.False(client.IsMultipath || server.IsMultipath);
    }
}
