using System.Buffers.Binary;
using System.Net;

namespace Mptcp.Lab;

/// <summary>
/// A TCP segment of a capture, read by code that shares nothing with the engine's: a fault that both ends of the engine
/// agree on would otherwise pass.
/// </summary>
internal sealed class AuditedSegment
{
    private const int MultipathKind = 30;

    private AuditedSegment(IPEndPoint source, IPEndPoint destination, ReadOnlyMemory<byte> tcp)
    {
        ReadOnlySpan<byte> header = tcp.Span;
        (Source, Destination) = (source, destination);
        Sequence = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        Flags = header[13];
        Payload = tcp[((header[12] >> 4) * 4)..];
        ReadOnlyMemory<byte> options = tcp[20..((header[12] >> 4) * 4)];
        for (int at = 0; at < options.Length && options.Span[at] != 0;)
        {
            int length = options.Span[at] == 1 ? 1 : at + 1 < options.Length ? options.Span[at + 1] : 0;
            if (length == 0 || (length == 1 && options.Span[at] != 1) || at + length > options.Length)
            {
                Malformed = true;
                break;
            }

            if (options.Span[at] == MultipathKind && length >= 3)
            {
                Options.Add(options.Slice(at, length).ToArray());
            }

            at += length;
        }
    }

    public IPEndPoint Source { get; }

    public IPEndPoint Destination { get; }

    public uint Sequence { get; }

    public byte Flags { get; }

    public bool Syn => (Flags & 2) != 0;

    public bool Rst => (Flags & 4) != 0;

    public bool Ack => (Flags & 16) != 0;

    public ReadOnlyMemory<byte> Payload { get; }

    /// <summary>The options of Multipath TCP, whole.</summary>
    public List<byte[]> Options { get; } = [];

    /// <summary>Whether the list of options breaks off.</summary>
    public bool Malformed { get; }

    /// <summary>The segment in an IP packet; null for anything else.</summary>
    public static AuditedSegment? TryRead(ReadOnlyMemory<byte> packet)
    {
        ReadOnlySpan<byte> ip = packet.Span;
        if (ip.Length < 40)
        {
            return null;
        }

        bool isV4 = ip[0] >> 4 == 4;
        int headerLength = isV4 ? (ip[0] & 15) * 4 : 40;
        int total = isV4
            ? BinaryPrimitives.ReadUInt16BigEndian(ip[2..])
            : 40 + BinaryPrimitives.ReadUInt16BigEndian(ip[4..]);
        if ((isV4 ? ip[9] : ip[6]) != 6 || total > ip.Length || total < headerLength + 20)
        {
            return null;
        }

        ReadOnlySpan<byte> source = isV4 ? ip[12..16] : ip[8..24];
        ReadOnlySpan<byte> destination = isV4 ? ip[16..20] : ip[24..40];
        ReadOnlyMemory<byte> tcp = packet[headerLength..total];
        int dataOffset = (tcp.Span[12] >> 4) * 4;
        return dataOffset < 20 || dataOffset > tcp.Length ? null : new AuditedSegment(
            new IPEndPoint(new IPAddress(source), BinaryPrimitives.ReadUInt16BigEndian(tcp.Span)),
            new IPEndPoint(new IPAddress(destination), BinaryPrimitives.ReadUInt16BigEndian(tcp.Span[2..])),
            tcp);
    }

    /// <summary>The first option of a subtype, and of a length if one is given.</summary>
    public byte[]? Find(int subtype, params int[] lengths) => Options.Find(
        option => option[2] >> 4 == subtype && (lengths.Length == 0 || lengths.Contains(option.Length)));
}
