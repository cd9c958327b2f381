using System.Buffers.Binary;

namespace Mptcp.Wire;

/// <summary>MP_FASTCLOSE (RFC 8684 §3.5, Figure 14): the whole connection ends at once.</summary>
/// <param name="ReceiverKey">The key of the option's receiver, which proves that the sender knows the connection.</param>
public readonly record struct MpFastCloseOption(ulong ReceiverKey)
{
    private const int WireLength = 12;

    /// <summary>Octets of the option: 12.</summary>
    public int Length => WireLength;

    /// <summary>Reads an option.</summary>
    /// <param name="option">The whole option, kind and length included.</param>
    /// <param name="value">The fields.</param>
    /// <returns>False when it is another option or of another length.</returns>
    public static bool TryParse(ReadOnlySpan<byte> option, out MpFastCloseOption value)
    {
        value = default;
        if (!MptcpOption.Is(option, MptcpSubtype.MpFastClose) || option.Length != WireLength) return false;

        value = new MpFastCloseOption(BinaryPrimitives.ReadUInt64BigEndian(option[4..]));
        return true;
    }

    /// <summary>Writes the option.</summary>
    /// <returns>False when it does not fit.</returns>
    public bool TryWrite(ref TcpOptionWriter writer)
    {
        if (!MptcpOption.TryBegin(ref writer, MptcpSubtype.MpFastClose, WireLength, 0, out Span<byte> option)) return false;

        option[3] = 0;
        BinaryPrimitives.WriteUInt64BigEndian(option[4..], ReceiverKey);
        return true;
    }
}
