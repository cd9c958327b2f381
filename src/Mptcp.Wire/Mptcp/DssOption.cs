using System.Buffers.Binary;

namespace Mptcp.Wire;

/// <summary>
/// The data sequence signal (RFC 8684 §3.3, Figure 9): a DATA_ACK, a data sequence mapping, or both, and DATA_FIN. Fields
/// whose presence flag is false are 0 when read and not sent.
/// </summary>
public readonly record struct DssOption
{
    private const int DataAckPresent = 0x01;
    private const int DataAckIs64 = 0x02;
    private const int MappingPresent = 0x04;
    private const int DataSequenceIs64 = 0x08;
    private const int DataFinFlag = 0x10;

    /// <summary>Whether there is a DATA_ACK (flag A).</summary>
    public bool HasDataAck { get; init; }

    /// <summary>Whether the DATA_ACK has 64 bits (flag a).</summary>
    public bool DataAck64 { get; init; }

    /// <summary>The next data sequence number that is expected; the low 32 bits alone unless <see cref="DataAck64"/>.</summary>
    public ulong DataAck { get; init; }

    /// <summary>Whether there is a mapping (flag M).</summary>
    public bool HasMapping { get; init; }

    /// <summary>Whether the data sequence number has 64 bits (flag m).</summary>
    public bool DataSequence64 { get; init; }

    /// <summary>Where the mapping begins in the data sequence space; the low 32 bits alone unless <see cref="DataSequence64"/>.</summary>
    public ulong DataSequenceNumber { get; init; }

    /// <summary>Where the mapping begins on the subflow, relative to its initial sequence number (the SYN is 0).</summary>
    public uint SubflowSequenceNumber { get; init; }

    /// <summary>Data-level length, DATA_FIN included; 0 is an infinite mapping (RFC 8684 §3.7).</summary>
    public ushort DataLength { get; init; }

    /// <summary>Whether the mapping has a checksum: the option's length tells (RFC 8684 §3.3).</summary>
    public bool HasChecksum { get; init; }

    /// <summary>The mapping's checksum (<see cref="DssChecksum"/>).</summary>
    public ushort Checksum { get; init; }

    /// <summary>Whether the mapping's last octet is the DATA_FIN (flag F).</summary>
    public bool DataFin { get; init; }

    /// <summary>Whether this announces the infinite mapping of fallback (RFC 8684 §3.7).</summary>
    public bool IsInfiniteMapping => HasMapping && DataLength == 0;

    /// <summary>Octets of the option: 4 to 28.</summary>
    public int Length =>
        4 + (HasDataAck ? AckLength(DataAck64) : 0) + (HasMapping ? MappingLength(DataSequence64, HasChecksum) : 0);

    /// <summary>Reads an option.</summary>
    /// <param name="option">The whole option, kind and length included.</param>
    /// <param name="value">The fields.</param>
    /// <returns>False when it is another option or its length does not agree with its flags.</returns>
    public static bool TryParse(ReadOnlySpan<byte> option, out DssOption value)
    {
        value = default;
        if (!MptcpOption.Is(option, MptcpSubtype.Dss) || option.Length < 4) return false;

        int flags = option[3];
        bool hasAck = (flags & DataAckPresent) != 0;
        bool ack64 = hasAck && (flags & DataAckIs64) != 0;
        bool hasMapping = (flags & MappingPresent) != 0;
        bool sequence64 = hasMapping && (flags & DataSequenceIs64) != 0;
        int mappingAt = 4 + (hasAck ? AckLength(ack64) : 0);
        int plainLength = mappingAt + (hasMapping ? MappingLength(sequence64, hasChecksum: false) : 0);
        bool hasChecksum = hasMapping && option.Length == plainLength + 2;
        if (option.Length != plainLength && !hasChecksum) return false;

        value = new DssOption
        {
            HasDataAck = hasAck,
            DataAck64 = ack64,
            DataAck = hasAck ? Read(option[4..], ack64) : 0,
            DataFin = (flags & DataFinFlag) != 0,
        };
        if (hasMapping) value = value.WithMapping(option[mappingAt..], sequence64, hasChecksum);
        return true;
    }

    /// <summary>Writes the option.</summary>
    /// <returns>False when it does not fit.</returns>
    public bool TryWrite(ref TcpOptionWriter writer)
    {
        if (!MptcpOption.TryBegin(ref writer, MptcpSubtype.Dss, Length, 0, out Span<byte> option)) return false;

        option[3] = (byte)Flags();
        Span<byte> rest = option[4..];
        if (HasDataAck) rest = Write(rest, DataAck, DataAck64);
        if (!HasMapping) return true;

        rest = Write(rest, DataSequenceNumber, DataSequence64);
        BinaryPrimitives.WriteUInt32BigEndian(rest, SubflowSequenceNumber);
        BinaryPrimitives.WriteUInt16BigEndian(rest[4..], DataLength);
        if (HasChecksum) BinaryPrimitives.WriteUInt16BigEndian(rest[6..], Checksum);
        return true;
    }

    private static int AckLength(bool is64) => is64 ? 8 : 4;

    private static int MappingLength(bool is64, bool hasChecksum) => (is64 ? 8 : 4) + 4 + 2 + (hasChecksum ? 2 : 0);

    private static ulong Read(ReadOnlySpan<byte> bytes, bool is64) =>
        is64 ? BinaryPrimitives.ReadUInt64BigEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes);

    private static Span<byte> Write(Span<byte> bytes, ulong number, bool is64)
    {
        if (is64)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes, number);
            return bytes[8..];
        }

        BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)number);
        return bytes[4..];
    }

    private DssOption WithMapping(ReadOnlySpan<byte> mapping, bool sequence64, bool hasChecksum)
    {
        ReadOnlySpan<byte> rest = mapping[(sequence64 ? 8 : 4)..];
        return this with
        {
            HasMapping = true,
            DataSequence64 = sequence64,
            DataSequenceNumber = Read(mapping, sequence64),
            SubflowSequenceNumber = BinaryPrimitives.ReadUInt32BigEndian(rest),
            DataLength = BinaryPrimitives.ReadUInt16BigEndian(rest[4..]),
            HasChecksum = hasChecksum,
            Checksum = hasChecksum ? BinaryPrimitives.ReadUInt16BigEndian(rest[6..]) : (ushort)0,
        };
    }

    private int Flags() =>
        (HasDataAck ? DataAckPresent : 0)
        | (HasDataAck && DataAck64 ? DataAckIs64 : 0)
        | (HasMapping ? MappingPresent : 0)
        | (HasMapping && DataSequence64 ? DataSequenceIs64 : 0)
        | (DataFin ? DataFinFlag : 0);
}
