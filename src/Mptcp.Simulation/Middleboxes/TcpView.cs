using System.Buffers.Binary;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>
/// A TCP segment that may be changed in its packet, IPv4 or IPv6. After any change <see cref="Seal"/> makes the lengths and
/// checksums right again.
/// </summary>
internal readonly ref struct TcpView
{
    private readonly int _tcp;

    private TcpView(Span<byte> packet, int tcp)
    {
        Packet = packet;
        _tcp = tcp;
    }

    public Span<byte> Packet { get; }

    public IpEndpoint Source => Endpoint(source: true);

    public IpEndpoint Destination => Endpoint(source: false);

    public uint Sequence
    {
        get => BinaryPrimitives.ReadUInt32BigEndian(Tcp[4..]);
        set => BinaryPrimitives.WriteUInt32BigEndian(Tcp[4..], value);
    }

    public uint Acknowledgment
    {
        get => BinaryPrimitives.ReadUInt32BigEndian(Tcp[8..]);
        set => BinaryPrimitives.WriteUInt32BigEndian(Tcp[8..], value);
    }

    public TcpFlags Flags
    {
        get => (TcpFlags)Tcp[13];
        set => Tcp[13] = (byte)value;
    }

    public ushort Window
    {
        get => BinaryPrimitives.ReadUInt16BigEndian(Tcp[14..]);
        set => BinaryPrimitives.WriteUInt16BigEndian(Tcp[14..], value);
    }

    public Span<byte> Options => Tcp[TcpPacket.HeaderLength..HeaderLength];

    public Span<byte> Payload => Tcp[HeaderLength..];

    public bool Has(TcpFlags flag) => (Flags & flag) != 0;

    /// <summary>SEG.LEN: payload, SYN and FIN.</summary>
    public int SequenceLength => Payload.Length + (Has(TcpFlags.Syn) ? 1 : 0) + (Has(TcpFlags.Fin) ? 1 : 0);

    private Span<byte> Tcp => Packet[_tcp..];

    private int HeaderLength => (Tcp[12] >> 4) * 4;

    /// <summary>Opens a packet whose headers are plain and whose checksums are right; other packets are nobody's business.</summary>
    public static bool TryOpen(Span<byte> packet, out TcpView view)
    {
        view = default;
        if (!IpPacket.TryParse(packet, out IpPacket ip, out _)
            || packet.Length - ip.Payload.Length != TcpPacket.IpHeaderLength(ip.Source.IsV4)
            || !TcpSegment.TryParse(ip, out _, out _))
        {
            return false;
        }

        view = new TcpView(packet, packet.Length - ip.Payload.Length);
        return true;
    }

    /// <summary>Makes a segment with this one's headers in another buffer; it is not sealed.</summary>
    /// <param name="buffer">Room for the packet.</param>
    /// <param name="options">At most 40 bytes; they are padded.</param>
    /// <param name="payload">The data.</param>
    public TcpView Compose(Span<byte> buffer, scoped ReadOnlySpan<byte> options, scoped ReadOnlySpan<byte> payload)
    {
        int padded = (options.Length + 3) & ~3;
        int length = _tcp + TcpPacket.HeaderLength + padded + payload.Length;
        Packet[..(_tcp + TcpPacket.HeaderLength)].CopyTo(buffer);
        Span<byte> rest = buffer[(_tcp + TcpPacket.HeaderLength)..length];
        payload.CopyTo(rest[padded..]);
        options.CopyTo(rest);
        rest[options.Length..padded].Fill(TcpOptionKind.NoOperation);
        buffer[_tcp + 12] = (byte)((TcpPacket.HeaderLength + padded) / 4 << 4);
        return new TcpView(buffer[..length], _tcp);
    }

    /// <summary>Makes lengths and checksums right; returns the packet.</summary>
    public Span<byte> Seal()
    {
        bool v4 = _tcp == PacketHeaders.V4Length;
        if (v4)
        {
            BinaryPrimitives.WriteUInt16BigEndian(Packet[2..], (ushort)Packet.Length);
            BinaryPrimitives.WriteUInt16BigEndian(Packet[10..], 0);
            ushort header = InternetChecksum.Finish(InternetChecksum.Accumulate(Packet[.._tcp]));
            BinaryPrimitives.WriteUInt16BigEndian(Packet[10..], header);
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(Packet[4..], (ushort)Tcp.Length);
        }

        Span<byte> checksum = Tcp[PacketHeaders.TcpChecksum..];
        BinaryPrimitives.WriteUInt16BigEndian(checksum, 0);
        uint sum = InternetChecksum.PseudoHeader(Source.Address, Destination.Address, IpProtocol.Tcp, Tcp.Length);
        BinaryPrimitives.WriteUInt16BigEndian(checksum, InternetChecksum.Finish(InternetChecksum.Accumulate(Tcp, sum)));
        return Packet;
    }

    private IpEndpoint Endpoint(bool source)
    {
        (int at, int size) = (_tcp == PacketHeaders.V4Length, source) switch
        {
            (true, true) => (12, 4),
            (true, false) => (16, 4),
            (false, true) => (8, 16),
            _ => (24, 16),
        };
        return new IpEndpoint(
            IpAddress.FromBytes(Packet.Slice(at, size)), BinaryPrimitives.ReadUInt16BigEndian(Tcp[(source ? 0 : 2)..]));
    }
}
