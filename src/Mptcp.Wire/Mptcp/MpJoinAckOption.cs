using System.Buffers.Binary;

namespace Mptcp.Wire;

/// <summary>
/// MP_JOIN of the third packet (RFC 8684 §3.2, Figure 7): the leftmost 160 bits of the initiator's HMAC, held by value so
/// that two of them compare with <c>==</c>.
/// </summary>
public readonly record struct MpJoinAckOption
{
    /// <summary>Octets of the truncated HMAC.</summary>
    public const int HmacLength = 20;

    private const int WireLength = 24;

    private readonly ulong _hmac0;
    private readonly ulong _hmac1;
    private readonly uint _hmac2;

    /// <summary>Takes the leftmost 160 bits of an HMAC.</summary>
    /// <param name="hmac">At least 20 octets, of which the first 20 are taken.</param>
    public MpJoinAckOption(ReadOnlySpan<byte> hmac)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(hmac.Length, HmacLength, nameof(hmac));
        _hmac0 = BinaryPrimitives.ReadUInt64BigEndian(hmac);
        _hmac1 = BinaryPrimitives.ReadUInt64BigEndian(hmac[8..]);
        _hmac2 = BinaryPrimitives.ReadUInt32BigEndian(hmac[16..]);
    }

    /// <summary>Octets of the option: 24.</summary>
    public int Length => WireLength;

    /// <summary>Reads an option.</summary>
    /// <param name="option">The whole option, kind and length included.</param>
    /// <param name="value">The fields.</param>
    /// <returns>False when it is another option or another form.</returns>
    public static bool TryParse(ReadOnlySpan<byte> option, out MpJoinAckOption value)
    {
        value = default;
        if (!MptcpOption.Is(option, MptcpSubtype.MpJoin) || option.Length != WireLength) return false;

        value = new MpJoinAckOption(option[4..]);
        return true;
    }

    /// <summary>Copies the truncated HMAC.</summary>
    /// <param name="destination">At least 20 octets.</param>
    public void CopyHmac(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, _hmac0);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _hmac1);
        BinaryPrimitives.WriteUInt32BigEndian(destination[16..], _hmac2);
    }

    /// <summary>Writes the option.</summary>
    /// <returns>False when it does not fit.</returns>
    public bool TryWrite(ref TcpOptionWriter writer)
    {
        if (!MptcpOption.TryBegin(ref writer, MptcpSubtype.MpJoin, WireLength, 0, out Span<byte> option)) return false;

        option[3] = 0;
        CopyHmac(option[4..]);
        return true;
    }
}
