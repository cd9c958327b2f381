using System.Buffers.Binary;

namespace Mptcp.Wire;

/// <summary>
/// Builds a whole packet in a buffer. The sender places the payload at <see cref="PayloadOffset"/> (and may write the
/// options at <see cref="OptionsOffset"/>), then <see cref="Write"/> puts the headers in front, so nothing moves twice.
/// </summary>
public static class TcpPacket
{
    /// <summary>Octets of a TCP header without options.</summary>
    public const int HeaderLength = 20;

    /// <summary>The most octets of TCP options.</summary>
    public const int MaxOptionsLength = 40;

    /// <summary>The hop limit of packets that are sent.</summary>
    public const byte HopLimit = 64;

    private const int V4HeaderLength = 20;
    private const int V6HeaderLength = 40;

    /// <summary>Octets of the IP header that <see cref="Write"/> makes.</summary>
    public static int IpHeaderLength(bool isV4) => isV4 ? V4HeaderLength : V6HeaderLength;

    /// <summary>Where the options begin in the buffer.</summary>
    public static int OptionsOffset(bool isV4) => IpHeaderLength(isV4) + HeaderLength;

    /// <summary>Where the payload begins in the buffer.</summary>
    /// <param name="isV4">Whether the addresses are IPv4.</param>
    /// <param name="optionsLength">Octets of options, a multiple of 4.</param>
    public static int PayloadOffset(bool isV4, int optionsLength) => OptionsOffset(isV4) + optionsLength;

    /// <summary>Writes the headers and checksums around a payload that is already in place.</summary>
    /// <param name="buffer">The packet's memory, with the payload at <see cref="PayloadOffset"/>.</param>
    /// <param name="header">The fields.</param>
    /// <param name="options">The padded options: a multiple of 4, at most 40 octets; may be in the buffer already.</param>
    /// <param name="payloadLength">Octets of payload.</param>
    /// <returns>Octets of the whole packet.</returns>
    /// <exception cref="ArgumentException">Families differ, the options are not padded, or the packet does not fit.</exception>
    public static int Write(Span<byte> buffer, in TcpHeaderFields header, ReadOnlySpan<byte> options, int payloadLength)
    {
        bool isV4 = header.Source.Address.IsV4;
        int ipHeaderLength = IpHeaderLength(isV4);
        int segmentLength = HeaderLength + options.Length + payloadLength;
        int ipLengthField = isV4 ? ipHeaderLength + segmentLength : segmentLength;
        if (header.Destination.Address.IsV4 != isV4) throw new ArgumentException("The addresses are of two families.", nameof(header));
        if (options.Length % 4 != 0 || options.Length > MaxOptionsLength) throw new ArgumentException("Options are padded to 32-bit words, at most ten.", nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(payloadLength);
        if (ipLengthField > ushort.MaxValue || ipHeaderLength + segmentLength > buffer.Length) throw new ArgumentException("The packet does not fit.", nameof(payloadLength));

        WriteTcp(buffer.Slice(ipHeaderLength, segmentLength), header, options);
        if (isV4) WriteV4(buffer, header, (ushort)ipLengthField);
        else WriteV6(buffer, header, (ushort)ipLengthField);
        return ipHeaderLength + segmentLength;
    }

    private static void WriteTcp(Span<byte> segment, in TcpHeaderFields header, ReadOnlySpan<byte> options)
    {
        options.CopyTo(segment[HeaderLength..]);
        BinaryPrimitives.WriteUInt16BigEndian(segment, header.Source.Port);
        BinaryPrimitives.WriteUInt16BigEndian(segment[2..], header.Destination.Port);
        BinaryPrimitives.WriteUInt32BigEndian(segment[4..], header.SequenceNumber);
        BinaryPrimitives.WriteUInt32BigEndian(segment[8..], header.AcknowledgmentNumber);
        segment[12] = (byte)((HeaderLength + options.Length) / 4 << 4);
        segment[13] = (byte)header.Flags;
        BinaryPrimitives.WriteUInt16BigEndian(segment[14..], header.Window);
        BinaryPrimitives.WriteUInt16BigEndian(segment[16..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(segment[18..], header.UrgentPointer);

        uint sum = InternetChecksum.PseudoHeader(
            header.Source.Address, header.Destination.Address, IpProtocol.Tcp, segment.Length);
        ushort checksum = InternetChecksum.Finish(InternetChecksum.Accumulate(segment, sum));
        BinaryPrimitives.WriteUInt16BigEndian(segment[16..], checksum);
    }

    private static void WriteV4(Span<byte> ip, in TcpHeaderFields header, ushort totalLength)
    {
        const ushort dontFragment = 0x4000;
        ip[0] = 0x45;
        ip[1] = header.TrafficClass;
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], totalLength);
        BinaryPrimitives.WriteUInt16BigEndian(ip[4..], header.Identification);
        BinaryPrimitives.WriteUInt16BigEndian(ip[6..], dontFragment);
        ip[8] = header.HopLimit == 0 ? HopLimit : header.HopLimit;
        ip[9] = IpProtocol.Tcp;
        BinaryPrimitives.WriteUInt16BigEndian(ip[10..], 0);
        header.Source.Address.CopyTo(ip[12..]);
        header.Destination.Address.CopyTo(ip[16..]);
        BinaryPrimitives.WriteUInt16BigEndian(
            ip[10..], InternetChecksum.Finish(InternetChecksum.Accumulate(ip[..V4HeaderLength])));
    }

    private static void WriteV6(Span<byte> ip, in TcpHeaderFields header, ushort payloadLength)
    {
        BinaryPrimitives.WriteUInt32BigEndian(ip, 0x6000_0000u | ((uint)header.TrafficClass << 20));
        BinaryPrimitives.WriteUInt16BigEndian(ip[4..], payloadLength);
        ip[6] = IpProtocol.Tcp;
        ip[7] = header.HopLimit == 0 ? HopLimit : header.HopLimit;
        header.Source.Address.CopyTo(ip[8..]);
        header.Destination.Address.CopyTo(ip[24..]);
    }
}
