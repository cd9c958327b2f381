using System.Buffers.Binary;

namespace Mptcp.Lab;

/// <summary>The fields of a DSS option (RFC 8684 §3.3); numbers as they are on the wire.</summary>
internal readonly record struct AuditedDss
{
    public const int Subtype = 2;

    public ulong? Ack { get; private init; }

    public bool AckIsWide { get; private init; }

    public bool HasMapping { get; private init; }

    public bool NumberIsWide { get; private init; }

    public ulong Number { get; private init; }

    public uint SubflowSequence { get; private init; }

    public ushort Length { get; private init; }

    public ushort? Checksum { get; private init; }

    public bool Fin { get; private init; }

    /// <summary>Reads it; null when its length contradicts its flags.</summary>
    public static AuditedDss? TryRead(ReadOnlySpan<byte> option)
    {
        int flags = option.Length > 3 ? option[3] : 0;
        (bool ack, bool wideAck, bool mapping, bool wide) = ((flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0, (flags & 8) != 0);
        int length = 4 + (ack ? wideAck ? 8 : 4 : 0) + (mapping ? (wide ? 8 : 4) + 6 : 0);
        if (option.Length < 4 || (option.Length != length && !(mapping && option.Length == length + 2)))
        {
            return null;
        }

        ReadOnlySpan<byte> rest = option[4..];
        var dss = new AuditedDss { HasMapping = mapping, AckIsWide = wideAck, NumberIsWide = wide, Fin = (flags & 16) != 0 };
        if (ack)
        {
            dss = dss with { Ack = ReadNumber(ref rest, wideAck) };
        }

        if (!mapping)
        {
            return dss;
        }

        ulong number = ReadNumber(ref rest, wide);
        return dss with
        {
            Number = number,
            SubflowSequence = BinaryPrimitives.ReadUInt32BigEndian(rest),
            Length = BinaryPrimitives.ReadUInt16BigEndian(rest[4..]),
            Checksum = rest.Length > 6 ? BinaryPrimitives.ReadUInt16BigEndian(rest[6..]) : null,
        };
    }

    private static ulong ReadNumber(ref ReadOnlySpan<byte> rest, bool wide)
    {
        ulong number = wide ? BinaryPrimitives.ReadUInt64BigEndian(rest) : BinaryPrimitives.ReadUInt32BigEndian(rest);
        rest = rest[(wide ? 8 : 4)..];
        return number;
    }
}
