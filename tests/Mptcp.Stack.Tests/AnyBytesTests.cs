using System.Buffers.Binary;
using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>
/// Any bytes in any field, at hosts with live connections: each packet is taken or counted with a reason, nothing
/// throws, memory stays bounded, and in the end nothing is left.
/// </summary>
public sealed class AnyBytesTests
{
    private static readonly int _seeds = Environment.GetEnvironmentVariable("MPTCP_TEST_ALL") == "1" ? 400 : 20;
    private static readonly PathOptions _path = PathOptions.Of(50, 10, 125_000);

    [Fact]
    public void Changed_and_invented_packets_are_counted_and_do_no_harm()
    {
        var seen = new HashSet<DropReason>();
        for (int seed = 1; seed <= _seeds; seed++)
        {
            Run(seed, seen);
        }

        // The run is worth something only if it reaches far.
        DropReason[] wanted =
        [
            DropReason.None, DropReason.TooShort, DropReason.BadVersion, DropReason.BadChecksum, DropReason.NotForUs,
            DropReason.NoConnection, DropReason.OutsideWindow, DropReason.OldTimestamp, DropReason.BadAcknowledgment,
            DropReason.BadReset, DropReason.UnexpectedSyn, DropReason.Unexpected, DropReason.JoinRefused,
            DropReason.BadDataAck, DropReason.ProtocolViolation,
        ];
        Assert.Empty(wanted.Except(seen));
    }

    private static void Run(int seed, HashSet<DropReason> seen)
    {
        var dice = new Random(seed);
        var settings = new MptcpSettings { ChecksumRequired = dice.Next(2) == 0 };
        var options = new StackOptions { Connection = settings, Memory = 40 * MptcpConnection.InitialMemory };
        var hosts = new TwoHosts(options, options, (ulong)seed, _path, _path) { Describes = false };
        var taken = new List<byte[]>();
        var pending = new List<byte[]>();
        hosts.Rewrite = (_, _, packet) =>
        {
            if (taken.Count < 400)
            {
                taken.Add([.. packet]);
            }

            pending.Add([.. packet]);
        };
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var up = new Stream(client, server, 200_000);
        var down = new Stream(server, client, 200_000);
        long fed = 0;
        hosts.Network.RunUntil(
            () =>
            {
                up.Pump();
                down.Pump();
                for (int i = 0; i < 3 && taken.Count > 0; i++)
                {
                    // What is on its way is nearest to what the state accepts.
                    byte[] origin = pending.Count > 0 && dice.Next(2) == 0 ? pending[^1] : taken[dice.Next(taken.Count)];
                    Feed(dice, hosts, Change(dice, origin));
                    fed++;
                }

                Assert.True(hosts.Server.Memory.Used <= 2 * options.Memory, $"seed {seed}: {hosts.Server.Memory.Used} bytes");
                return fed > 1500;
            },
            60 * Instant.Second);
        End(hosts, client, server, seed);
        foreach (DropReason reason in Enum.GetValues<DropReason>())
        {
            if (hosts.Client.Drops[reason] + hosts.Server.Drops[reason] > 0)
            {
                seen.Add(reason);
            }
        }
    }

    private static void End(TwoHosts hosts, StackSocket client, StackSocket server, int seed)
    {
        client.Abort();
        server.Abort();
        hosts.Server.Unlisten(hosts.Listener);
        hosts.Network.Run(2000 * Instant.Second);
        foreach (NetworkStack host in new[] { hosts.Client, hosts.Server })
        {
            long sum = Enum.GetValues<DropReason>().Sum(reason => host.Drops[reason]);
            Assert.Equal(host.Drops.Arrived, sum);
            Assert.Equal((seed, 0, 0L), (seed, host.Connections, host.Memory.Used));
            Assert.Equal(Instant.Never, host.NextTimeout);
        }
    }

    private static void Feed(Random dice, TwoHosts hosts, byte[] packet)
    {
        bool toClient = packet.Length > 19 && packet[19] == 1 && dice.Next(20) > 0;
        (toClient ? hosts.Client : hosts.Server).HandlePacket(hosts.Network.Now, dice.Next(2), packet);
    }

    /// <summary>One field or a few set to anything, checksums mostly made good; now and then a packet of noise.</summary>
    private static byte[] Change(Random dice, byte[] origin)
    {
        if (dice.Next(20) == 0)
        {
            var noise = new byte[dice.Next(100)];
            dice.NextBytes(noise);
            return noise;
        }

        byte[] packet = dice.Next(20) == 0 ? origin[..dice.Next(origin.Length)] : [.. origin];
        for (int i = dice.Next(1, 4); i > 0 && packet.Length > 0; i--)
        {
            // Headers and options are where meaning is.
            int at = dice.Next(Math.Min(packet.Length, dice.Next(4) == 0 ? packet.Length : 80));
            packet[at] = (byte)(dice.Next(3) == 0 ? dice.Next(256) : packet[at] ^ (1 << dice.Next(8)));
        }

        if (dice.Next(10) > 0)
        {
            Mend(packet);
        }

        return packet;
    }

    private static void Mend(byte[] packet)
    {
        const int Header = 20;
        if (packet.Length < Header + TcpPacket.HeaderLength || packet[0] != 0x45)
        {
            return;
        }

        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        (packet[10], packet[11]) = (0, 0);
        BinaryPrimitives.WriteUInt16BigEndian(
            packet.AsSpan(10), InternetChecksum.Finish(InternetChecksum.Accumulate(packet.AsSpan(0, Header))));
        Span<byte> segment = packet.AsSpan(Header);
        (segment[16], segment[17]) = (0, 0);
        uint sum = InternetChecksum.PseudoHeader(
            IpAddress.FromBytes(packet.AsSpan(12, 4)), IpAddress.FromBytes(packet.AsSpan(16, 4)), IpProtocol.Tcp, segment.Length);
        BinaryPrimitives.WriteUInt16BigEndian(
            segment[16..], InternetChecksum.Finish(InternetChecksum.Accumulate(segment, sum)));
    }
}
