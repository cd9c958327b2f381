using System.Buffers.Binary;

namespace Mptcp.Wire;

/// <summary>The flags of MP_CAPABLE (RFC 8684 §3.1), A the leftmost.</summary>
[Flags]
public enum MpCapableFlags : byte
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary>H: HMAC-SHA256. D to G name algorithms that are not defined.</summary>
    HmacSha256 = 0x01,

    /// <summary>G: not defined.</summary>
    AlgorithmG = 0x02,

    /// <summary>F: not defined.</summary>
    AlgorithmF = 0x04,

    /// <summary>E: not defined.</summary>
    AlgorithmE = 0x08,

    /// <summary>D: not defined.</summary>
    AlgorithmD = 0x10,

    /// <summary>C: do not open subflows to the source address and port of this one.</summary>
    DenyJoinInitialAddress = 0x20,

    /// <summary>B: extensibility; a SYN that has it set is not for this version.</summary>
    Extensibility = 0x40,

    /// <summary>A: the DSS checksum is required.</summary>
    ChecksumRequired = 0x80,
}

/// <summary>
/// MP_CAPABLE (RFC 8684 §3.1), of which the length tells the form: 4 (SYN), 12 (SYN/ACK: the sender's key), 20 (third
/// ACK: both keys), 22 and 24 (first data: both keys, data-level length, checksum).
/// </summary>
public readonly record struct MpCapableOption
{
    /// <summary>Octets of the option in a SYN, without keys.</summary>
    public const int SynLength = 4;

    /// <summary>The version of RFC 8684.</summary>
    public const byte Version1 = 1;

    /// <summary>The protocol version, 0 to 15.</summary>
    public byte Version { get; init; }

    /// <summary>The flags.</summary>
    public MpCapableFlags Flags { get; init; }

    /// <summary>The key of the option's sender.</summary>
    public ulong? SenderKey { get; init; }

    /// <summary>The key of the option's receiver; only with <see cref="SenderKey"/>.</summary>
    public ulong? ReceiverKey { get; init; }

    /// <summary>Data-level length of the mapping that starts with the first octet of data; only with both keys.</summary>
    public ushort? DataLength { get; init; }

    /// <summary>Checksum of that mapping; only with <see cref="DataLength"/>.</summary>
    public ushort? Checksum { get; init; }

    /// <summary>Whether flag A asks for DSS checksums.</summary>
    public bool ChecksumRequired => (Flags & MpCapableFlags.ChecksumRequired) != 0;

    /// <summary>Whether flag H offers HMAC-SHA256.</summary>
    public bool HmacSha256 => (Flags & MpCapableFlags.HmacSha256) != 0;

    /// <summary>Whether flag C forbids subflows to the initial address and port.</summary>
    public bool DenyJoinInitialAddress => (Flags & MpCapableFlags.DenyJoinInitialAddress) != 0;

    /// <summary>Whether flag B is set.</summary>
    public bool Extensibility => (Flags & MpCapableFlags.Extensibility) != 0;

    /// <summary>Octets of the option.</summary>
    public int Length => SenderKey is null ? SynLength
        : ReceiverKey is null ? 12
        : DataLength is null ? 20
        : Checksum is null ? 22
        : 24;

    /// <summary>Reads an option.</summary>
    /// <param name="option">The whole option, kind and length included.</param>
    /// <param name="value">The fields.</param>
    /// <returns>False when it is another option or its length is of none of the forms.</returns>
    public static bool TryParse(ReadOnlySpan<byte> option, out MpCapableOption value)
    {
        value = default;
        if (!MptcpOption.Is(option, MptcpSubtype.MpCapable) || option.Length is not (4 or 12 or 20 or 22 or 24)) return false;

        value = new MpCapableOption
        {
            Version = (byte)(option[2] & 0xf),
            Flags = (MpCapableFlags)option[3],
            SenderKey = option.Length >= 12 ? BinaryPrimitives.ReadUInt64BigEndian(option[4..]) : null,
            ReceiverKey = option.Length >= 20 ? BinaryPrimitives.ReadUInt64BigEndian(option[12..]) : null,
            DataLength = option.Length >= 22 ? BinaryPrimitives.ReadUInt16BigEndian(option[20..]) : null,
            Checksum = option.Length >= 24 ? BinaryPrimitives.ReadUInt16BigEndian(option[22..]) : null,
        };
        return true;
    }

    /// <summary>Writes the option.</summary>
    /// <returns>False when it does not fit.</returns>
    public bool TryWrite(ref TcpOptionWriter writer)
    {
        int length = Length;
        if (!MptcpOption.TryBegin(ref writer, MptcpSubtype.MpCapable, length, Version & 0xf, out Span<byte> option)) return false;

        option[3] = (byte)Flags;
        if (length >= 12) BinaryPrimitives.WriteUInt64BigEndian(option[4..], SenderKey.GetValueOrDefault());
        if (length >= 20) BinaryPrimitives.WriteUInt64BigEndian(option[12..], ReceiverKey.GetValueOrDefault());
        if (length >= 22) BinaryPrimitives.WriteUInt16BigEndian(option[20..], DataLength.GetValueOrDefault());
        if (length >= 24) BinaryPrimitives.WriteUInt16BigEndian(option[22..], Checksum.GetValueOrDefault());
        return true;
    }
}
