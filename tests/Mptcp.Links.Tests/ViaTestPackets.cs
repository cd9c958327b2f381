using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Xunit;

namespace Mptcp.Links.Tests;

/// <summary>The few packets that the tests of the paths need, made by hand, and how to wait for one.</summary>
internal static class ViaTestPackets
{
    public const byte Tcp = 6;
    public const byte Udp = 17;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    public static byte[] BuildUdp(IPEndPoint from, IPEndPoint to, ReadOnlySpan<byte> payload)
    {
        byte[] segment = new byte[8 + payload.Length];
        BinaryPrimitives.WriteUInt16BigEndian(segment, (ushort)from.Port);
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(2), (ushort)to.Port);
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(4), (ushort)segment.Length);
        payload.CopyTo(segment.AsSpan(8));
        return Wrap(from.Address, to.Address, Udp, segment, checksumOffset: 6);
    }

    /// <summary>The SYN/ACK that answers an IPv4 SYN.</summary>
    public static byte[] BuildSynAck(ReadOnlySpan<byte> syn)
    {
        var from = new IPAddress(syn[16..20]);
        var to = new IPAddress(syn[12..16]);
        ReadOnlySpan<byte> received = syn[((syn[0] & 15) * 4)..];
        byte[] segment = new byte[20];
        received[2..4].CopyTo(segment);
        received[0..2].CopyTo(segment.AsSpan(2));
        BinaryPrimitives.WriteUInt32BigEndian(segment.AsSpan(4), 1000);
        BinaryPrimitives.WriteUInt32BigEndian(
            segment.AsSpan(8), BinaryPrimitives.ReadUInt32BigEndian(received[4..]) + 1);
        segment[12] = 5 << 4;
        segment[13] = 0x12;
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(14), 65000);
        return Wrap(from, to, Tcp, segment, checksumOffset: 16);
    }

    /// <summary>Reads until a packet of the protocol comes, for at most five seconds.</summary>
    public static byte[] ReadPacket(TunDevice tun, byte protocol)
    {
        byte[] buffer = new byte[2048];
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < _patience)
        {
            int length = tun.TryRead(buffer);
            if (length > 0 && ProtocolOf(buffer) == protocol)
                return buffer[..length];
            if (length <= 0)
                Thread.Sleep(1);
        }
        Assert.Fail($"no packet of protocol {protocol} came to {tun.Name}");
        return [];
    }

    public static IPAddress DestinationOf(ReadOnlySpan<byte> packet) =>
        new(packet[0] >> 4 == 4 ? packet[16..20] : packet[24..40]);

    public static ReadOnlySpan<byte> SegmentOf(ReadOnlySpan<byte> packet) =>
        packet[(packet[0] >> 4 == 4 ? (packet[0] & 15) * 4 : 40)..];

    private static byte ProtocolOf(byte[] packet) => packet[0] >> 4 == 4 ? packet[9] : packet[6];

    private static byte[] Wrap(IPAddress from, IPAddress to, byte protocol, byte[] segment, int checksumOffset)
    {
        byte[] source = from.GetAddressBytes();
        byte[] destination = to.GetAddressBytes();
        uint sum = Sum(source) + Sum(destination) + protocol + (uint)segment.Length + Sum(segment);
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(checksumOffset), Fold(sum));
        byte[] header;
        if (from.AddressFamily == AddressFamily.InterNetwork)
        {
            header = new byte[20];
            header[0] = 0x45;
            BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2), (ushort)(20 + segment.Length));
            header[8] = 64;
            header[9] = protocol;
            source.CopyTo(header, 12);
            destination.CopyTo(header, 16);
            BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(10), Fold(Sum(header)));
        }
        else
        {
            header = new byte[40];
            header[0] = 0x60;
            BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(4), (ushort)segment.Length);
            header[6] = protocol;
            header[7] = 64;
            source.CopyTo(header, 8);
            destination.CopyTo(header, 24);
        }
        return [.. header, .. segment];
    }

    private static uint Sum(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (int i = 0; i < bytes.Length; i++)
            sum += (uint)(bytes[i] << (i % 2 == 0 ? 8 : 0));
        return sum;
    }

    private static ushort Fold(uint sum)
    {
        while (sum >> 16 != 0)
            sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~sum;
    }
}
