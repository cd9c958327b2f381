using System.Buffers.Binary;

namespace Mptcp.Wire;

/// <summary>A view of a TCP segment within an IP packet, its checksum verified. Parsing never throws, on any octets.</summary>
public readonly ref struct TcpSegment
{
    private readonly ReadOnlySpan<byte> _header;

    private TcpSegment(in IpPacket packet, int headerLength)
    {
        _header = packet.Payload[..headerLength];
        Payload = packet.Payload[headerLength..];
        Source = new IpEndpoint(packet.Source, BinaryPrimitives.ReadUInt16BigEndian(_header));
        Destination = new IpEndpoint(packet.Destination, BinaryPrimitives.ReadUInt16BigEndian(_header[2..]));
        Ecn = packet.Ecn;
    }

    /// <summary>Who sent it.</summary>
    public IpEndpoint Source { get; }

    /// <summary>To whom it was sent.</summary>
    public IpEndpoint Destination { get; }

    /// <summary>SEG.SEQ.</summary>
    public uint SequenceNumber => BinaryPrimitives.ReadUInt32BigEndian(_header[4..]);

    /// <summary>SEG.ACK, to be read only when <see cref="Ack"/> is set.</summary>
    public uint AcknowledgmentNumber => BinaryPrimitives.ReadUInt32BigEndian(_header[8..]);

    /// <summary>The control bits.</summary>
    public TcpFlags Flags => (TcpFlags)_header[13];

    /// <summary>SEG.WND as in the header, not scaled.</summary>
    public ushort Window => BinaryPrimitives.ReadUInt16BigEndian(_header[14..]);

    /// <summary>SEG.UP, to be read only when URG is set.</summary>
    public ushort UrgentPointer => BinaryPrimitives.ReadUInt16BigEndian(_header[18..]);

    /// <summary>The options, padding included: 0 to 40 octets.</summary>
    public ReadOnlySpan<byte> Options => _header[TcpPacket.HeaderLength..];

    /// <summary>The data.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>The ECN field of the IP header, 0 to 3.</summary>
    public int Ecn { get; }

    /// <summary>Whether SYN is set.</summary>
    public bool Syn => (Flags & TcpFlags.Syn) != 0;

    /// <summary>Whether ACK is set.</summary>
    public bool Ack => (Flags & TcpFlags.Ack) != 0;

    /// <summary>Whether FIN is set.</summary>
    public bool Fin => (Flags & TcpFlags.Fin) != 0;

    /// <summary>Whether RST is set.</summary>
    public bool Rst => (Flags & TcpFlags.Rst) != 0;

    /// <summary>SEG.LEN: octets of data, plus one each for SYN and FIN.</summary>
    public int SequenceLength => Payload.Length + (Syn ? 1 : 0) + (Fin ? 1 : 0);

    /// <summary>Checks and opens a segment.</summary>
    /// <param name="packet">The packet around it.</param>
    /// <param name="segment">The view, over the same memory.</param>
    /// <param name="reason">Why it was refused.</param>
    public static bool TryParse(in IpPacket packet, out TcpSegment segment, out DropReason reason) =>
        TryParse(packet, verifyChecksum: true, out segment, out reason);

    /// <summary>Checks and opens a segment, optionally trusting a link that vouches for the checksum.</summary>
    /// <param name="packet">The packet around it.</param>
    /// <param name="verifyChecksum">False where offload left the checksum unfinished.</param>
    /// <param name="segment">The view, over the same memory.</param>
    /// <param name="reason">Why it was refused.</param>
    public static bool TryParse(in IpPacket packet, bool verifyChecksum, out TcpSegment segment, out DropReason reason)
    {
        segment = default;
        reason = Check(packet, verifyChecksum, out int headerLength);
        if (reason != DropReason.None) return false;

        segment = new TcpSegment(packet, headerLength);
        return true;
    }

    private static DropReason Check(in IpPacket packet, bool verifyChecksum, out int headerLength)
    {
        headerLength = 0;
        ReadOnlySpan<byte> bytes = packet.Payload;
        if (packet.Protocol != IpProtocol.Tcp) return DropReason.NotTcp;
        if (bytes.Length < TcpPacket.HeaderLength) return DropReason.TooShort;

        headerLength = (bytes[12] >> 4) * 4;
        if (headerLength < TcpPacket.HeaderLength || headerLength > bytes.Length) return DropReason.BadHeaderLength;
        if (packet.Source.IsMulticastOrBroadcast || packet.Destination.IsMulticastOrBroadcast) return DropReason.BadAddress;
        if (!verifyChecksum) return DropReason.None;

        uint sum = InternetChecksum.PseudoHeader(packet.Source, packet.Destination, IpProtocol.Tcp, bytes.Length);
        return InternetChecksum.IsValid(InternetChecksum.Accumulate(bytes, sum)) ? DropReason.None : DropReason.BadChecksum;
    }
}
