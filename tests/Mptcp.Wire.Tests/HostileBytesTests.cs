using System.Buffers.Binary;
using Xunit;

namespace Mptcp.Wire.Tests;

/// <summary>No octets whatever make a view throw. The draws repeat from run to run.</summary>
public class HostileBytesTests
{
    private const int Rounds = 200_000;

    private static readonly byte[][] _packets = [.. Packets()];

    [Fact]
    public void Random_octets_are_refused_quietly()
    {
        var random = new Random(8684);
        var bytes = new byte[160];
        for (int round = 0; round < Rounds; round++)
        {
            random.NextBytes(bytes);
            ReadOnlySpan<byte> packet = bytes.AsSpan(0, random.Next(bytes.Length + 1));
            bytes[0] = (round & 1) == 0 ? (byte)0x45 : (byte)0x60;
            ReadPacket(packet);
            ReadOptions(bytes.AsSpan(0, random.Next(41)));
        }
    }

    [Fact]
    public void Valid_packets_with_some_damage_are_read_or_refused_quietly()
    {
        var random = new Random(9293);
        int segments = 0, messages = 0;
        Span<byte> bytes = stackalloc byte[400];
        for (int round = 0; round < Rounds; round++)
        {
            byte[] original = _packets[random.Next(_packets.Length)];
            original.CopyTo(bytes);
            int length = random.Next(4) == 0 ? random.Next(original.Length + 1) : original.Length;
            for (int damage = random.Next(4); damage > 0 && length > 0; damage--)
                bytes[random.Next(length)] = Interesting(random);
            if (random.Next(4) != 0) TestPackets.Repair(bytes[..length]);
            (bool segment, bool message) = ReadPacket(bytes[..length]);
            segments += segment ? 1 : 0;
            messages += message ? 1 : 0;
        }

        // The draws reach behind the first checks.
        Assert.InRange(segments, Rounds / 8, Rounds);
        Assert.InRange(messages, Rounds / 8, Rounds);
    }

    [Fact]
    public void Options_with_some_damage_are_read_or_refused_quietly()
    {
        var random = new Random(1071);
        Span<byte> options = stackalloc byte[TcpPacket.MaxOptionsLength];
        for (int round = 0; round < Rounds; round++)
        {
            random.NextBytes(options);
            for (int at = 0; at < options.Length - 2;)
            {
                options[at] = random.Next(3) == 0 ? (byte)random.Next(9) : TcpOptionKind.Mptcp;
                options[at + 1] = (byte)random.Next(random.Next(2) == 0 ? 41 : 13);
                at += Math.Max(2, (int)options[at + 1]);
            }

            ReadOptions(options[..random.Next(41)]);
        }
    }

    /// <summary>Every subtype with every length, whose octets agree: each form is either its own or refused.</summary>
    [Fact]
    public void Every_subtype_of_every_length_is_read_or_refused_quietly()
    {
        var random = new Random(30);
        var option = new byte[256];
        for (int subtype = 0; subtype < 16; subtype++)
        {
            for (int length = 0; length < 256; length++)
            {
                for (int flags = 0; flags < 256; flags++)
                {
                    (option[0], option[1], option[2]) = (30, (byte)length, (byte)((subtype << 4) | (flags & 0xf)));
                    option[3] = (byte)flags;
                    option[4 + (flags % 20)] = (byte)random.Next(256);
                    ReadOption(option.AsSpan(0, length));
                }
            }
        }
    }

    private static byte Interesting(Random random) => random.Next(4) switch
    {
        0 => 0,
        1 => 0xff,
        2 => (byte)(1 << random.Next(8)),
        _ => (byte)random.Next(256),
    };

    private static (bool Segment, bool Message) ReadPacket(ReadOnlySpan<byte> bytes)
    {
        if (!IpPacket.TryParse(bytes, out IpPacket ip, out DropReason reason))
        {
            Assert.NotEqual(DropReason.None, reason);
            return default;
        }

        bool message = IcmpMessage.TryParse(ip, out _, out reason);
        Assert.Equal(message, reason == DropReason.None);
        _ = TcpSegment.TryParse(ip, out _, out _);
        if (!TcpSegment.TryParse(ip, verifyChecksum: false, out TcpSegment segment, out reason)) return (false, message);

        Assert.InRange(segment.Options.Length, 0, TcpPacket.MaxOptionsLength);
        Assert.InRange(segment.SequenceLength, segment.Payload.Length, segment.Payload.Length + 2);
        _ = segment.SequenceNumber + segment.AcknowledgmentNumber + segment.Window + segment.UrgentPointer;
        ReadOptions(segment.Options);
        return (true, message);
    }

    private static void ReadOptions(ReadOnlySpan<byte> options)
    {
        bool whole = TcpOptions.TryParse(options, out TcpOptions parsed);
        for (int i = 0; i < parsed.SackCount; i++) _ = parsed.GetSack(i);
        if (parsed.WindowScale is byte shift) Assert.InRange(shift, 0, 14);

        var reader = new TcpOptionReader(options);
        int octets = 0;
        while (reader.TryRead(out byte kind, out ReadOnlySpan<byte> option))
        {
            octets += option.Length;
            Assert.Equal(kind, option[0]);
            Assert.Equal(option.Length, option[1]);
            ReadOption(option);
        }

        Assert.InRange(octets, 0, options.Length);
        Assert.Equal(whole, !reader.Malformed);
        Assert.False(reader.TryRead(out _, out _));
        ReadOption(options);
    }

    private static void ReadOption(ReadOnlySpan<byte> option)
    {
        int forms = 0;
        if (MpCapableOption.TryParse(option, out _)) forms++;
        if (MpJoinSynOption.TryParse(option, out _)) forms++;
        if (MpJoinSynAckOption.TryParse(option, out _)) forms++;
        if (MpJoinAckOption.TryParse(option, out _)) forms++;
        if (DssOption.TryParse(option, out _)) forms++;
        if (AddAddressOption.TryParse(option, out _)) forms++;
        if (RemoveAddressOption.TryParse(option, out _)) forms++;
        if (MpPrioOption.TryParse(option, out _)) forms++;
        if (MpFailOption.TryParse(option, out _)) forms++;
        if (MpFastCloseOption.TryParse(option, out _)) forms++;
        if (MpTcpRstOption.TryParse(option, out _)) forms++;
        Assert.InRange(forms, 0, MptcpOption.TryGetSubtype(option, out _) ? 1 : 0);
    }

    private static IEnumerable<byte[]> Packets()
    {
        foreach (string options in (string[])
            [
                "", "020405b40402080a1baf9ea100000000010303081e040101",
                "0101080ac337c5931baf9ea11e1a200fc8072fb90edab04ea28e87fddd1d30f20000000120000101",
                "0101050a000000010000000201011e0c1000e47f01421b665a18", "1e0801020a0102020101010101010101",
                "1e1031011234567800500101", "1e0c7000d005b1ab34bad344", "1e0548010203010101010101",
            ])
        {
            byte[] segment = Segment(Convert.FromHexString(options));
            yield return TestPackets.V4(IpProtocol.Tcp, segment, options: [1, 1, 1, 0]);
            yield return TestPackets.V4(IpProtocol.Tcp, segment);
            yield return TestPackets.V6(IpProtocol.Tcp, segment);
            yield return TestPackets.V6(IpProtocol.HopByHop, [IpProtocol.Tcp, 0, 0, 0, 0, 0, 0, 0, .. segment]);
            yield return TestPackets.IcmpV4(3, 4, 1400, TestPackets.V4(IpProtocol.Tcp, segment));
            yield return TestPackets.IcmpV4(11, 0, 0, TestPackets.V4(IpProtocol.Tcp, segment[..8]));
            yield return TestPackets.IcmpV6(2, 0, 1280, TestPackets.V6(IpProtocol.Tcp, segment));
            yield return TestPackets.IcmpV6(
                1, 0, 0, TestPackets.V6(IpProtocol.Routing, [IpProtocol.Tcp, 0, 0, 0, 0, 0, 0, 0, .. segment]));
        }
    }

    private static byte[] Segment(byte[] options)
    {
        byte[] padded = [.. options, .. new byte[-options.Length & 3]];
        var segment = new byte[20 + padded.Length + 11];
        BinaryPrimitives.WriteUInt32BigEndian(segment, 0xc3500050);
        segment[12] = (byte)((20 + padded.Length) / 4 << 4);
        segment[13] = 0x10;
        padded.CopyTo(segment, 20);
        return segment;
    }
}
