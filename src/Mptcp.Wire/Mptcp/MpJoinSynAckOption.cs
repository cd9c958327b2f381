using System.Buffers.Binary;

namespace Mptcp.Wire;

/// <summary>MP_JOIN of a SYN/ACK (RFC 8684 §3.2, Figure 6).</summary>
/// <param name="Backup">Whether the sender asks to use this subflow only when no other is available.</param>
/// <param name="AddressId">The sender's identifier of its address.</param>
/// <param name="TruncatedHmac">The leftmost 64 bits of the sender's HMAC.</param>
/// <param name="Nonce">The sender's random number.</param>
public readonly record struct MpJoinSynAckOption(bool Backup, byte AddressId, ulong TruncatedHmac, uint Nonce)
{
    private const int WireLength = 16;

    /// <summary>Octets of the option: 16.</summary>
    public int Length => WireLength;

    /// <summary>Reads an option.</summary>
    /// <param name="option">The whole option, kind and length included.</param>
    /// <param name="value">The fields.</param>
    /// <returns>False when it is another option or another form.</returns>
    public static bool TryParse(ReadOnlySpan<byte> option, out MpJoinSynAckOption value)
    {
        value = default;
        if (!MptcpOption.Is(option, MptcpSubtype.MpJoin) || option.Length != WireLength) return false;

        value = new MpJoinSynAckOption(
            (option[2] & MpJoinSynOption.BackupFlag) != 0,
            option[3],
            BinaryPrimitives.ReadUInt64BigEndian(option[4..]),
            BinaryPrimitives.ReadUInt32BigEndian(option[12..]));
        return true;
    }

    /// <summary>Writes the option.</summary>
    /// <returns>False when it does not fit.</returns>
    public bool TryWrite(ref TcpOptionWriter writer)
    {
        int flags = Backup ? MpJoinSynOption.BackupFlag : 0;
        if (!MptcpOption.TryBegin(ref writer, MptcpSubtype.MpJoin, WireLength, flags, out Span<byte> option)) return false;

        option[3] = AddressId;
        BinaryPrimitives.WriteUInt64BigEndian(option[4..], TruncatedHmac);
        BinaryPrimitives.WriteUInt32BigEndian(option[12..], Nonce);
        return true;
    }
}
