using System.Buffers.Binary;

namespace Mptcp.Wire;

/// <summary>MP_FAIL (RFC 8684 §3.7, Figure 16): a mapping's checksum was wrong.</summary>
/// <param name="DataSequenceNumber">The full data sequence number at which the failed mapping begins.</param>
public readonly record struct MpFailOption(ulong DataSequenceNumber)
{
    private const int WireLength = 12;

    /// <summary>Octets of the option: 12.</summary>
    public int Length => WireLength;

    /// <summary>Reads an option.</summary>
    /// <param name="option">The whole option, kind and length included.</param>
    /// <param name="value">The fields.</param>
    /// <returns>False when it is another option or of another length.</returns>
    public static bool TryParse(ReadOnlySpan<byte> option, out MpFailOption value)
    {
        value = default;
        if (!MptcpOption.Is(option, MptcpSubtype.MpFail) || option.Length != WireLength) return false;

        value = new MpFailOption(BinaryPrimitives.ReadUInt64BigEndian(option[4..]));
        return true;
    }

    /// <summary>Writes the option.</summary>
    /// <returns>False when it does not fit.</returns>
    public bool TryWrite(ref TcpOptionWriter writer)
    {
        if (!MptcpOption.TryBegin(ref writer, MptcpSubtype.MpFail, WireLength, 0, out Span<byte> option)) return false;

        option[3] = 0;
        BinaryPrimitives.WriteUInt64BigEndian(option[4..], DataSequenceNumber);
        return true;
    }
}
