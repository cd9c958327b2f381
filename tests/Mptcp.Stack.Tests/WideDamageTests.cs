using System.Buffers.Binary;
using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>
/// Damage wider than 15 bits, which a sum of 16 bits may miss: how much of it escapes, and what becomes of it. The checksum of
/// a mapping is the same sum over the same payload, so that it finds nothing within the payload that TCP's has missed.
/// </summary>
public sealed class WideDamageTests
{
    private const int LeastBits = 16;
    private const int MostBits = 64;
    private static readonly bool _all = Environment.GetEnvironmentVariable("MPTCP_TEST_ALL") == "1";

    [Fact]
    public void One_damaged_packet_in_65536_escapes_the_checksum()
    {
        byte[] sound = DataPacket();
        uint missing = (uint)(ushort)~MappingSum(Parse(sound)!.Value);
        int packets = _all ? 8_000_000 : 400_000;
        var dice = new Random(1);
        byte[] packet = new byte[sound.Length];
        (int escaped, int ofBoth) = (0, 0);
        for (int i = 0; i < packets; i++)
        {
            sound.CopyTo(packet, 0);
            Damage(packet, dice);
            if (Parse(packet) is { } seen)
            {
                escaped++;
                ofBoth += InternetChecksum.IsValid(InternetChecksum.AddUInt16(MappingSum(seen), (ushort)missing)) ? 1 : 0;
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{packets} damaged packets: {escaped} escape TCP's checksum, {ofBoth} of them the mapping's as well");
        double expected = packets / 65536.0;
        Assert.InRange(escaped, expected / 3, expected * 3);
        Assert.InRange(ofBoth, 0, escaped);
    }

    [Fact]
    public void Random_connections_over_wide_damage_end()
    {
        int seeds = _all ? 500 : 25;
        var failures = new List<string>();
        (long damaged, long escaped) = (0, 0);
        for (int seed = 1; seed <= seeds && failures.Count < 10; seed++)
        {
            var escapes = new Escapes();
            if (new StressRun(seed, escapes).Run() is { } failure)
            {
                failures.Add($"seed {seed}: {failure}");
            }

            (damaged, escaped) = (damaged + escapes.Damaged, escaped + escapes.Escaped);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{damaged} damaged packets in {seeds} connections: {escaped} escape");
        Assert.True(failures.Count == 0, string.Join('\n', failures));
        Assert.True(damaged > 10 * seeds);
        Assert.InRange(escaped, 0, 5 + (3 * damaged / 65536));
    }

    [Fact]
    public void What_escapes_TCP_alone_is_not_delivered()
    {
        // The urgent pointer, which means nothing here, makes up for the payload.
        (Stream stream, long changed, List<ConnectionEvent> events) = Send((packet, payload) =>
        {
            Span<byte> urgent = packet.AsSpan(payload.HeaderAt + 18);
            Span<byte> word = packet.AsSpan(payload.At);
            ushort before = BinaryPrimitives.ReadUInt16BigEndian(word);
            ushort after = (ushort)(before ^ 0x5a17);
            uint sum = InternetChecksum.AddUInt16(InternetChecksum.AddUInt16(0, before), (ushort)~after);
            BinaryPrimitives.WriteUInt16BigEndian(word, after);
            BinaryPrimitives.WriteUInt16BigEndian(urgent, InternetChecksum.Fold(sum));
        });
        Assert.True(changed > 0);
        Assert.True(stream is { Complete: true, Intact: true }, stream.ToString());
        Assert.Contains(events, e => e.Code == ConnectionEventCode.ChecksumFailed);
    }

    [Fact]
    public void What_escapes_both_is_delivered()
    {
        (Stream stream, long changed, List<ConnectionEvent> events) = Send((packet, payload) =>
        {
            Span<byte> bytes = packet.AsSpan(payload.At);
            (bytes[0], bytes[1], bytes[2], bytes[3]) = (bytes[2], bytes[3], bytes[0], bytes[1]);
        });
        Assert.True(changed > 0);
        Assert.True(stream is { Complete: true, Intact: false }, stream.ToString());
        Assert.DoesNotContain(events, e => e.Code == ConnectionEventCode.ChecksumFailed);
    }

    /// <summary>A stream over two paths with checksums, of which the first changes every tenth packet with data.</summary>
    private static (Stream Stream, long Changed, List<ConnectionEvent> Events) Send(
        Action<byte[], (int HeaderAt, int At)> change)
    {
        var settings = new MptcpSettings { ChecksumRequired = true };
        PathOptions path = PathOptions.Of(10, 20, 100_000);
        var hosts = new TwoHosts(settings, settings, seed: 1, path, path) { Describes = false };
        (long seen, long changed) = (0, 0);
        hosts.Rewrite = (number, direction, packet) =>
        {
            if (number == 0 && direction == PathDirection.Forward && Parse(packet) is { Payload: > 1000 } data && ++seen % 10 == 0)
            {
                changed++;
                change(packet, (data.HeaderAt, packet.Length - data.Payload));
            }
        };
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();

        // The only subflow would go on as plain TCP, without checksums (RFC 8684 §3.7).
        Assert.True(hosts.Network.RunUntil(() => hosts.SubflowsOf(server).Count == 2, Instant.Second));
        hosts.Network.RunUntil(() => false, Instant.Second);
        var stream = new Stream(client, server, 300_000);
        hosts.Network.RunUntil(
            () =>
            {
                stream.Pump();
                return stream.Complete;
            },
            60 * Instant.Second);
        return (stream, changed, TwoHosts.EventsOf(server));
    }

    /// <summary>The first packet with data and a checksum that a connection sends.</summary>
    private static byte[] DataPacket()
    {
        var settings = new MptcpSettings { ChecksumRequired = true };
        var hosts = new TwoHosts(settings, settings, seed: 1, PathOptions.Of(10, 20, 100_000)) { Describes = false };
        byte[]? found = null;
        hosts.Rewrite = (_, direction, packet) =>
            found ??= direction == PathDirection.Forward && Parse(packet) is { Payload: 100, Mapping: not null } ? [.. packet] : null;
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        Assert.True(hosts.Network.RunUntil(() => server.State == TcpState.Established, Instant.Second));
        client.TryWrite(new byte[100]);
        hosts.Network.RunUntil(() => found is not null, Instant.Second);
        if (found is null)
        {
            // The first data may have confirmed the keys instead of being mapped.
            client.TryWrite(new byte[100]);
            Assert.True(hosts.Network.RunUntil(() => found is not null, Instant.Second));
        }

        return found!;
    }

    private static SeenPacket? Parse(byte[] packet)
    {
        if (!IpPacket.TryParse(packet, out IpPacket ip, out _) || !TcpSegment.TryParse(ip, out TcpSegment segment, out _))
        {
            return null;
        }

        DssOption? mapping = null;
        var reader = new TcpOptionReader(segment.Options);
        while (reader.TryRead(out _, out ReadOnlySpan<byte> option))
        {
            if (DssOption.TryParse(option, out DssOption dss) && dss is { HasMapping: true, HasChecksum: true })
            {
                mapping = dss;
            }
        }

        return new SeenPacket(20, segment.Payload.Length, mapping, InternetChecksum.Accumulate(segment.Payload));
    }

    /// <summary>The sum of the mapping as far as the packet has it: the high half of a number of 32 bits is missing.</summary>
    private static ushort MappingSum(in SeenPacket seen)
    {
        if (seen.Mapping is not { } dss)
        {
            return 0;
        }

        ushort rest = DssChecksum.Compute(dss.DataSequenceNumber, dss.SubflowSequenceNumber, dss.DataLength, seen.PayloadSum);
        return InternetChecksum.Fold(InternetChecksum.AddUInt16((ushort)~rest, dss.Checksum));
    }

    private static void Damage(byte[] packet, Random dice)
    {
        int width = dice.Next(LeastBits, MostBits + 1);
        int first = dice.Next((packet.Length * 8) - width + 1);
        ulong pattern = (ulong)dice.NextInt64() | 1 | (1ul << (width - 1));
        for (int i = 0; i < width; i++)
        {
            packet[(first + i) >> 3] ^= (byte)((pattern >> i & 1) << (7 - ((first + i) & 7)));
        }
    }

    private readonly record struct SeenPacket(int HeaderAt, int Payload, DssOption? Mapping, uint PayloadSum);
}
