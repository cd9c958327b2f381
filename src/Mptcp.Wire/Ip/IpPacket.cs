using System.Buffers.Binary;

namespace Mptcp.Wire;

/// <summary>A view of an IPv4 or IPv6 packet whose headers were checked. Parsing never throws, on any octets.</summary>
public readonly ref struct IpPacket
{
    private const int V4HeaderLength = 20;
    private const int V6HeaderLength = 40;

    private IpPacket(IpAddress source, IpAddress destination, byte protocol, byte trafficClass, byte hopLimit, ReadOnlySpan<byte> payload)
    {
        Source = source;
        Destination = destination;
        Protocol = protocol;
        TrafficClass = trafficClass;
        HopLimit = hopLimit;
        Payload = payload;
    }

    /// <summary>Source address.</summary>
    public IpAddress Source { get; }

    /// <summary>Destination address.</summary>
    public IpAddress Destination { get; }

    /// <summary>The upper protocol, behind any IPv6 extension headers.</summary>
    public byte Protocol { get; }

    /// <summary>The IPv4 TOS or IPv6 traffic class octet.</summary>
    public byte TrafficClass { get; }

    /// <summary>The ECN field, 0 to 3 (RFC 3168 §5).</summary>
    public int Ecn => TrafficClass & 3;

    /// <summary>Time to live or hop limit.</summary>
    public byte HopLimit { get; }

    /// <summary>The upper-layer header and its data; link padding is cut off.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>Checks and opens a packet. IPv4 header checksums are verified; fragments are refused.</summary>
    /// <param name="bytes">The packet, from its IP header on; link padding may follow.</param>
    /// <param name="packet">The view, over the same memory.</param>
    /// <param name="reason">Why it was refused.</param>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out IpPacket packet, out DropReason reason)
    {
        packet = default;
        if (bytes.IsEmpty)
        {
            reason = DropReason.TooShort;
            return false;
        }

        reason = (bytes[0] >> 4) switch
        {
            4 => ParseV4(bytes, out packet),
            6 => ParseV6(bytes, out packet),
            _ => DropReason.BadVersion,
        };
        return reason == DropReason.None;
    }

    private static DropReason ParseV4(ReadOnlySpan<byte> bytes, out IpPacket packet)
    {
        packet = default;
        if (bytes.Length < V4HeaderLength) return DropReason.TooShort;

        int headerLength = (bytes[0] & 0xf) * 4;
        if (headerLength < V4HeaderLength || headerLength > bytes.Length) return DropReason.BadHeaderLength;

        int totalLength = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        if (totalLength < headerLength || totalLength > bytes.Length) return DropReason.BadTotalLength;
        if (!InternetChecksum.IsValid(InternetChecksum.Accumulate(bytes[..headerLength]))) return DropReason.BadIpChecksum;

        const int moreFragmentsAndOffset = 0x3fff;
        if ((BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]) & moreFragmentsAndOffset) != 0) return DropReason.Fragment;

        packet = new IpPacket(
            IpAddress.FromBytes(bytes.Slice(12, 4)),
            IpAddress.FromBytes(bytes.Slice(16, 4)),
            bytes[9],
            bytes[1],
            bytes[8],
            bytes[headerLength..totalLength]);
        return DropReason.None;
    }

    private static DropReason ParseV6(ReadOnlySpan<byte> bytes, out IpPacket packet)
    {
        packet = default;
        if (bytes.Length < V6HeaderLength) return DropReason.TooShort;

        int totalLength = V6HeaderLength + BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]);
        if (totalLength > bytes.Length) return DropReason.BadTotalLength;

        byte protocol = bytes[6];
        ReadOnlySpan<byte> payload = bytes[V6HeaderLength..totalLength];
        DropReason reason = SkipExtensionHeaders(ref protocol, ref payload);
        if (reason != DropReason.None) return reason;

        packet = new IpPacket(
            IpAddress.FromBytes(bytes.Slice(8, 16)),
            IpAddress.FromBytes(bytes.Slice(24, 16)),
            protocol,
            (byte)(BinaryPrimitives.ReadUInt16BigEndian(bytes) >> 4),
            bytes[7],
            payload);
        return DropReason.None;
    }

    internal static DropReason SkipExtensionHeaders(ref byte protocol, ref ReadOnlySpan<byte> payload)
    {
        // Each round takes at least 8 octets off, so the loop ends with the packet.
        while (protocol is IpProtocol.HopByHop or IpProtocol.Routing or IpProtocol.DestinationOptions or IpProtocol.Fragment)
        {
            if (payload.Length < 8) return DropReason.TooShort;

            int length = 8;
            if (protocol == IpProtocol.Fragment)
            {
                // A fragment header on a whole packet is legal and such a packet is not a fragment (RFC 8200 §4.5).
                const int offsetAndMore = 0xfff9;
                if ((BinaryPrimitives.ReadUInt16BigEndian(payload[2..]) & offsetAndMore) != 0) return DropReason.Fragment;
            }
            else
            {
                if (protocol == IpProtocol.Routing && payload[3] != 0) return DropReason.RoutingHeader;
                length += payload[1] * 8;
            }

            if (length > payload.Length) return DropReason.BadHeaderLength;
            protocol = payload[0];
            payload = payload[length..];
        }

        return DropReason.None;
    }
}
