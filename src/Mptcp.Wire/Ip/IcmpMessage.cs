using System.Buffers.Binary;

namespace Mptcp.Wire;

/// <summary>What an ICMP error means for a connection, whatever the IP version.</summary>
public enum IcmpKind
{
    /// <summary>The destination is not reachable (ICMP type 3 but for code 4, ICMPv6 type 1).</summary>
    DestinationUnreachable,

    /// <summary>The packet is too big for a link on the path (ICMP type 3 code 4, ICMPv6 type 2).</summary>
    PacketTooBig,

    /// <summary>The hop limit ran out (ICMP type 11, ICMPv6 type 3).</summary>
    TimeExceeded,

    /// <summary>A header field was not understood (ICMP type 12, ICMPv6 type 4).</summary>
    ParameterProblem,
}

/// <summary>
/// An ICMP or ICMPv6 error about a TCP segment that this host sent. The cited addresses and sequence number come from the
/// network unauthenticated: check them against what is in flight before acting (RFC 5927 §4).
/// </summary>
/// <param name="Kind">What it means.</param>
/// <param name="Code">The code octet, whose meaning depends on the IP version.</param>
/// <param name="Mtu">For <see cref="IcmpKind.PacketTooBig"/> the link's MTU in octets, 0 where an old router does not say.</param>
/// <param name="Source">Source of the cited segment.</param>
/// <param name="Destination">Destination of the cited segment.</param>
/// <param name="SequenceNumber">Sequence number of the cited segment.</param>
public readonly record struct IcmpMessage(
    IcmpKind Kind, byte Code, int Mtu, IpEndpoint Source, IpEndpoint Destination, uint SequenceNumber)
{
    private const int HeaderLength = 8;
    private const int CitedTcpLength = 8;

    /// <summary>
    /// Whether it says that this peer will not be reached by trying again: no such protocol or port, or forbidden
    /// (RFC 9293 §3.9.2.2, RFC 5461 §2, RFC 4443 §3.1).
    /// </summary>
    public bool IsHard => Kind == IcmpKind.DestinationUnreachable
        && (Source.Address.IsV4 ? Code is 2 or 3 or 9 or 10 or 13 : Code is 1 or 4);

    /// <summary>Checks and reads a message. Never throws, on any octets.</summary>
    /// <param name="packet">The packet around it.</param>
    /// <param name="message">The fields.</param>
    /// <param name="reason">Why it was refused.</param>
    public static bool TryParse(in IpPacket packet, out IcmpMessage message, out DropReason reason)
    {
        message = default;
        reason = Check(packet);
        if (reason != DropReason.None) return false;

        ReadOnlySpan<byte> bytes = packet.Payload;
        bool isV4 = packet.Source.IsV4;
        if (KindOf(isV4, bytes[0], bytes[1]) is not IcmpKind kind)
        {
            reason = DropReason.IrrelevantIcmp;
            return false;
        }

        int mtu = kind == IcmpKind.PacketTooBig ? ReadMtu(isV4, bytes) : 0;
        ReadOnlySpan<byte> cited = bytes[HeaderLength..];
        message = new IcmpMessage { Kind = kind, Code = bytes[1], Mtu = mtu };
        reason = isV4 ? CiteV4(cited, ref message) : CiteV6(cited, ref message);
        return reason == DropReason.None;
    }

    private static DropReason Check(in IpPacket packet)
    {
        ReadOnlySpan<byte> bytes = packet.Payload;
        bool isV4 = packet.Source.IsV4;
        if (packet.Protocol != (isV4 ? IpProtocol.Icmp : IpProtocol.IcmpV6)) return DropReason.NotIcmp;
        if (bytes.Length < HeaderLength) return DropReason.TooShort;

        // ICMP of IPv4 has no pseudo-header (RFC 792), ICMPv6 has one (RFC 4443 §2.3).
        uint sum = isV4 ? 0 : InternetChecksum.PseudoHeader(
            packet.Source, packet.Destination, IpProtocol.IcmpV6, bytes.Length);
        return InternetChecksum.IsValid(InternetChecksum.Accumulate(bytes, sum)) ? DropReason.None : DropReason.BadChecksum;
    }

    private static IcmpKind? KindOf(bool isV4, byte type, byte code) => (isV4, type) switch
    {
        (true, 3) => code == 4 ? IcmpKind.PacketTooBig : IcmpKind.DestinationUnreachable,
        (true, 11) or (false, 3) => IcmpKind.TimeExceeded,
        (true, 12) or (false, 4) => IcmpKind.ParameterProblem,
        (false, 1) => IcmpKind.DestinationUnreachable,
        (false, 2) => IcmpKind.PacketTooBig,
        _ => null,
    };

    private static int ReadMtu(bool isV4, ReadOnlySpan<byte> bytes) => isV4
        ? BinaryPrimitives.ReadUInt16BigEndian(bytes[6..])
        : (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]), int.MaxValue);

    // The cited packet is cut short and may have been changed on its way (hop limit, NAT), so that neither its lengths
    // nor its checksums mean anything here.
    private static DropReason CiteV4(ReadOnlySpan<byte> cited, ref IcmpMessage message)
    {
        if (cited.Length < 20) return DropReason.TooShort;
        if (cited[0] >> 4 != 4) return DropReason.BadVersion;

        int headerLength = (cited[0] & 0xf) * 4;
        if (headerLength < 20) return DropReason.BadHeaderLength;

        const int fragmentOffset = 0x1fff;
        if ((BinaryPrimitives.ReadUInt16BigEndian(cited[6..]) & fragmentOffset) != 0) return DropReason.Fragment;
        if (cited[9] != IpProtocol.Tcp) return DropReason.NotTcp;
        if (cited.Length < headerLength + CitedTcpLength) return DropReason.TooShort;

        message = message.WithSegment(
            IpAddress.FromBytes(cited.Slice(12, 4)), IpAddress.FromBytes(cited.Slice(16, 4)), cited[headerLength..]);
        return DropReason.None;
    }

    private static DropReason CiteV6(ReadOnlySpan<byte> cited, ref IcmpMessage message)
    {
        if (cited.Length < 40) return DropReason.TooShort;
        if (cited[0] >> 4 != 6) return DropReason.BadVersion;

        byte protocol = cited[6];
        ReadOnlySpan<byte> segment = cited[40..];
        DropReason reason = IpPacket.SkipExtensionHeaders(ref protocol, ref segment);
        if (reason != DropReason.None) return reason;
        if (protocol != IpProtocol.Tcp) return DropReason.NotTcp;
        if (segment.Length < CitedTcpLength) return DropReason.TooShort;

        message = message.WithSegment(
            IpAddress.FromBytes(cited.Slice(8, 16)), IpAddress.FromBytes(cited.Slice(24, 16)), segment);
        return DropReason.None;
    }

    private IcmpMessage WithSegment(IpAddress source, IpAddress destination, ReadOnlySpan<byte> segment) => this with
    {
        Source = new IpEndpoint(source, BinaryPrimitives.ReadUInt16BigEndian(segment)),
        Destination = new IpEndpoint(destination, BinaryPrimitives.ReadUInt16BigEndian(segment[2..])),
        SequenceNumber = BinaryPrimitives.ReadUInt32BigEndian(segment[4..]),
    };
}
