using System.Buffers.Binary;

namespace Mptcp.Wire;

/// <summary>MP_JOIN of a SYN (RFC 8684 §3.2, Figure 5).</summary>
/// <param name="Backup">Whether the sender asks to use this subflow only when no other is available.</param>
/// <param name="AddressId">The sender's identifier of the source address.</param>
/// <param name="Token">The receiver's token of the connection to join.</param>
/// <param name="Nonce">The sender's random number.</param>
public readonly record struct MpJoinSynOption(bool Backup, byte AddressId, uint Token, uint Nonce)
{
    internal const int BackupFlag = 1;

    private const int WireLength = 12;

    /// <summary>Octets of the option: 12.</summary>
    public int Length => WireLength;

    /// <summary>Reads an option.</summary>
    /// <param name="option">The whole option, kind and length included.</param>
    /// <param name="value">The fields.</param>
    /// <returns>False when it is another option or another form.</returns>
    public static bool TryParse(ReadOnlySpan<byte> option, out MpJoinSynOption value)
    {
        value = default;
        if (!MptcpOption.Is(option, MptcpSubtype.MpJoin) || option.Length != WireLength) return false;

        value = new MpJoinSynOption(
            (option[2] & BackupFlag) != 0,
            option[3],
            BinaryPrimitives.ReadUInt32BigEndian(option[4..]),
            BinaryPrimitives.ReadUInt32BigEndian(option[8..]));
        return true;
    }

    /// <summary>Writes the option.</summary>
    /// <returns>False when it does not fit.</returns>
    public bool TryWrite(ref TcpOptionWriter writer)
    {
        int flags = Backup ? BackupFlag : 0;
        if (!MptcpOption.TryBegin(ref writer, MptcpSubtype.MpJoin, WireLength, flags, out Span<byte> option)) return false;

        option[3] = AddressId;
        BinaryPrimitives.WriteUInt32BigEndian(option[4..], Token);
        BinaryPrimitives.WriteUInt32BigEndian(option[8..], Nonce);
        return true;
    }
}
