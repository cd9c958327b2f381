using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>MP_CAPABLE: versions, flags, keys and the mapping inside of it (RFC 8684 §3.1), packet by packet.</summary>
public sealed class CapableTests
{
    private static readonly PathOptions _path = PathOptions.Of(50, 10, 125_000);

    [Theory]
    [InlineData(1, MpCapableFlags.HmacSha256, true)]
    [InlineData(2, MpCapableFlags.HmacSha256, true)]
    [InlineData(0, MpCapableFlags.HmacSha256, false)]
    [InlineData(1, MpCapableFlags.None, false)]
    [InlineData(1, MpCapableFlags.AlgorithmG, false)]
    [InlineData(1, MpCapableFlags.HmacSha256 | MpCapableFlags.AlgorithmG, true)]
    [InlineData(1, MpCapableFlags.HmacSha256 | MpCapableFlags.Extensibility, false)]
    [InlineData(1, MpCapableFlags.HmacSha256 | MpCapableFlags.DenyJoinInitialAddress, true)]
    public void A_SYN_is_answered_by_what_it_proposes(byte version, MpCapableFlags flags, bool accepted)
    {
        ScriptedPeer peer = ScriptedPeer.Proposed(settings: null, (ref TcpOptionWriter writer) =>
            new MpCapableOption { Version = version, Flags = flags }.TryWrite(ref writer));
        Assert.Equal(accepted, peer.First.Last.HasMptcp);
        if (accepted)
        {
            MpCapableOption answer = peer.First.Last.Capable!.Value;
            Assert.Equal((MpCapableOption.Version1, MpCapableFlags.HmacSha256, 12), (answer.Version, answer.Flags, answer.Length));
        }
    }

    [Fact]
    public void A_SYN_of_version_0_brings_a_key_and_gets_plain_tcp()
    {
        ScriptedPeer peer = ScriptedPeer.Proposed(settings: null, (ref TcpOptionWriter writer) =>
            new MpCapableOption { Version = 0, Flags = MpCapableFlags.HmacSha256, SenderKey = 5 }.TryWrite(ref writer));
        Assert.False(peer.First.Last.HasMptcp);
    }

    [Fact]
    public void A_SYN_without_the_option_is_answered_without_it()
    {
        ScriptedPeer peer = ScriptedPeer.Proposed(settings: null, option: null);
        Assert.False(peer.First.Last.HasMptcp);
        peer.First.Send(TcpFlags.Ack, ScriptedPeer.Bytes(0, 10));
        Assert.False(peer.First.Last.HasMptcp);
    }

    [Theory]
    [InlineData(false, MpCapableFlags.None, MpCapableFlags.None)]
    [InlineData(false, MpCapableFlags.ChecksumRequired, MpCapableFlags.ChecksumRequired)]
    [InlineData(true, MpCapableFlags.None, MpCapableFlags.ChecksumRequired)]
    [InlineData(true, MpCapableFlags.ChecksumRequired, MpCapableFlags.ChecksumRequired)]
    public void Either_wish_for_checksums_counts_for_both(bool ours, MpCapableFlags theirs, MpCapableFlags agreed)
    {
        ScriptedPeer peer = ScriptedPeer.Connected(new MptcpSettings { ChecksumRequired = ours }, theirs, confirmed: false);
        Assert.Equal(agreed, peer.First.Last.Capable!.Value.Flags & MpCapableFlags.ChecksumRequired);

        ScriptedPeer server = ScriptedPeer.Accepted(new MptcpSettings { ChecksumRequired = ours }, theirs, confirmed: false);
        Seen third = server.First.Seen.Find(seen => seen.Capable is { ReceiverKey: not null })!;
        Assert.Equal(agreed, third.Capable!.Value.Flags & MpCapableFlags.ChecksumRequired);
        server.Write(1, 2, 3);
        Assert.Equal(agreed == MpCapableFlags.ChecksumRequired ? 24 : 22, server.First.Last.Capable!.Value.Length);
        Assert.Equal(MpCapableFlags.None, server.First.Seen[0].Capable!.Value.Flags & MpCapableFlags.Extensibility);
    }

    [Fact]
    public void A_host_that_refuses_checksums_gives_plain_tcp_to_those_who_require_them()
    {
        var refuses = new MptcpSettings { ChecksumRefused = true };
        ScriptedPeer peer = ScriptedPeer.Proposed(refuses, (ref TcpOptionWriter writer) => new MpCapableOption
        {
            Version = 1,
            Flags = MpCapableFlags.HmacSha256 | MpCapableFlags.ChecksumRequired,
        }.TryWrite(ref writer));
        Assert.False(peer.First.Last.HasMptcp);

        ScriptedPeer server = ScriptedPeer.Accepted(refuses, MpCapableFlags.ChecksumRequired, confirmed: false);
        Assert.False(server.First.Last.HasMptcp);
        Assert.Equal(1, server.Socket.CountOf(ConnectionEventCode.ChecksumRefused));
        server.Write(1, 2, 3);
        Assert.False(server.First.Last.HasMptcp);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void A_SYN_ACK_of_another_version_leaves_plain_tcp(byte version)
    {
        ScriptedPeer peer = ScriptedPeer.Asked();
        peer.First.Send(TcpFlags.Syn | TcpFlags.Ack, options: [(ref TcpOptionWriter writer) =>
            new MpCapableOption { Version = version, Flags = MpCapableFlags.HmacSha256, SenderKey = 9 }.TryWrite(ref writer)]);
        Assert.False(peer.First.Last.HasMptcp);
        Assert.Equal(1, peer.Socket.CountOf(ConnectionEventCode.SynAckWithoutCapable));
    }

    [Fact]
    public void Keys_are_echoed_and_a_wrong_echo_ends_Multipath_TCP()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(confirmed: false);
        ulong wrong = peer.StackKey + 1;
        peer.First.Send(TcpFlags.Ack, ScriptedPeer.Bytes(0, 10), options: [(ref TcpOptionWriter writer) => new MpCapableOption
        {
            Version = 1, Flags = MpCapableFlags.HmacSha256, SenderKey = peer.Key, ReceiverKey = wrong, DataLength = 10,
        }.TryWrite(ref writer)]);
        Assert.False(peer.First.Last.HasMptcp);
        Assert.Equal(11, peer.First.Last.Acknowledged);
    }

    [Fact]
    public void The_mapping_in_MP_CAPABLE_may_repeat_in_either_form_before_and_after_our_data()
    {
        ScriptedPeer peer = ScriptedPeer.Connected(confirmed: false);
        byte[] bytes = ScriptedPeer.Bytes(0, 100);
        peer.First.Send(TcpFlags.Ack, bytes, options: [peer.Capable(sender: true, receiver: true, dataLength: 100)]);
        Assert.Equal(peer.ToStack.ToWire64(101) & uint.MaxValue, peer.First.Last.Dss!.Value.DataAck & uint.MaxValue);
        peer.First.Send(TcpFlags.Ack, bytes, at: 1, peer.Capable(sender: true, receiver: true, dataLength: 100));
        DssOption same = peer.Mapping(peer.First, 1, bytes) with { SubflowSequenceNumber = 1 };
        peer.First.Send(TcpFlags.Ack, bytes, at: 1, ScriptedPeer.Dss(same));
        Assert.DoesNotContain(peer.First.Seen, seen => seen.IsReset);
        peer.First.Data(101, ScriptedPeer.Bytes(100, 10));
        Assert.Equal(peer.ToStack.ToWire64(111), peer.First.Last.Dss?.DataAck);
    }

    [Fact]
    public void The_first_DATA_ACK_confirms_the_keys_and_counts_the_MP_CAPABLE_octet()
    {
        ScriptedPeer peer = ScriptedPeer.Connected();
        peer.Write(1, 2, 3);
        DssOption dss = peer.First.Last.Dss!.Value;
        Assert.Equal(peer.FromStack.ToWire64(1), dss.DataSequenceNumber);
        Assert.Equal((uint)peer.ToStack.ToWire64(1), (uint)dss.DataAck);
    }

    [Fact]
    public void No_subflow_is_opened_before_a_DSS_has_come()
    {
        ScriptedPeer peer = ScriptedPeer.Accepted(confirmed: false);
        peer.Run(100 * Instant.Millisecond);
        Assert.Single(peer.Flows);
        peer.Ack();
        Assert.Equal(2, peer.Flows.Count);
        Assert.NotNull(peer.Flows[1].Seen[0].JoinSyn);
    }

    [Theory]
    [InlineData(1_000_000, 0)]
    [InlineData(0, 300_000)]
    [InlineData(300_000, 300_000)]
    public void Every_packet_twice_and_many_out_of_order_change_nothing(int duplicates, int reordered)
    {
        PathOptions path = _path with { DuplicatePerMillion = duplicates, ReorderPerMillion = reordered };
        foreach ((int up, int down) in new[] { (100_000, 0), (0, 100_000), (100_000, 100_000) })
        {
            var hosts = new TwoHosts(path, path);
            (StackSocket client, StackSocket server) = TransferTests.Run(hosts, up, down);
            Assert.True(client.IsMultipath && server.IsMultipath);
        }
    }

    [Fact]
    public void Each_fallback_of_the_handshake_says_why()
    {
        (string Stripped, ConnectionEventCode Client, ConnectionEventCode Server)[] cases =
        [
            ("Syn 0", ConnectionEventCode.SynAckWithoutCapable, ConnectionEventCode.SynWithoutCapable),
            ("Syn, Ack 0", ConnectionEventCode.SynAckWithoutCapable, ConnectionEventCode.ThirdAckWithoutCapable),
            ("Ack", ConnectionEventCode.FirstSegmentsWithoutOptions, ConnectionEventCode.ThirdAckWithoutCapable),
        ];
        foreach ((string stripped, ConnectionEventCode atClient, ConnectionEventCode atServer) in cases)
        {
            var hosts = new TwoHosts(_path)
            {
                Rewrite = (_, _, packet) => MptcpStripper.Strip(packet, line => line.StartsWith(stripped, StringComparison.Ordinal)),
            };
            (StackSocket client, StackSocket server) = TransferTests.Run(hosts, 100_000, 100_000);
            Assert.Equal((1, 1), (client.CountOf(atClient), server.CountOf(atServer)));
        }
    }
}
