namespace Mptcp.Wire;

/// <summary>MP_PRIO (RFC 8684 §3.3.8, Figure 11): changes the priority of the subflow that carries it.</summary>
/// <param name="Backup">Whether the sender asks to use this subflow only when no other is available.</param>
public readonly record struct MpPrioOption(bool Backup)
{
    private const int BackupFlag = 1;
    private const int WireLength = 3;
    private const int Version0LengthWithAddressId = 4;

    /// <summary>Octets of the option: 3.</summary>
    public int Length => WireLength;

    /// <summary>Reads an option; the address identifier that version 0 allowed after it is ignored.</summary>
    /// <param name="option">The whole option, kind and length included.</param>
    /// <param name="value">The fields.</param>
    /// <returns>False when it is another option or of another length.</returns>
    public static bool TryParse(ReadOnlySpan<byte> option, out MpPrioOption value)
    {
        value = default;
        if (!MptcpOption.Is(option, MptcpSubtype.MpPrio)) return false;
        if (option.Length is not (WireLength or Version0LengthWithAddressId)) return false;

        value = new MpPrioOption((option[2] & BackupFlag) != 0);
        return true;
    }

    /// <summary>Writes the option.</summary>
    /// <returns>False when it does not fit.</returns>
    public bool TryWrite(ref TcpOptionWriter writer) =>
        MptcpOption.TryBegin(ref writer, MptcpSubtype.MpPrio, WireLength, Backup ? BackupFlag : 0, out _);
}
