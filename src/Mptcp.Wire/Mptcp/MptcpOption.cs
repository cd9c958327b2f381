namespace Mptcp.Wire;

/// <summary>The subtypes of the MPTCP option (RFC 8684 §8.3).</summary>
public enum MptcpSubtype : byte
{
    /// <summary>MP_CAPABLE.</summary>
    MpCapable = 0,

    /// <summary>MP_JOIN.</summary>
    MpJoin = 1,

    /// <summary>Data sequence signal.</summary>
    Dss = 2,

    /// <summary>ADD_ADDR.</summary>
    AddAddress = 3,

    /// <summary>REMOVE_ADDR.</summary>
    RemoveAddress = 4,

    /// <summary>MP_PRIO.</summary>
    MpPrio = 5,

    /// <summary>MP_FAIL.</summary>
    MpFail = 6,

    /// <summary>MP_FASTCLOSE.</summary>
    MpFastClose = 7,

    /// <summary>MP_TCPRST.</summary>
    MpTcpRst = 8,

    /// <summary>MP_EXPERIMENTAL.</summary>
    MpExperimental = 15,
}

/// <summary>What all MPTCP options share (RFC 8684 §3): kind 30, and a subtype in the high half of the third octet.</summary>
public static class MptcpOption
{
    /// <summary>Tells the subtype of an option.</summary>
    /// <param name="option">The whole option, kind and length included.</param>
    /// <param name="subtype">The subtype, which may be none of the named ones.</param>
    /// <returns>False when it is not an MPTCP option or its length octet is not its length.</returns>
    public static bool TryGetSubtype(ReadOnlySpan<byte> option, out MptcpSubtype subtype)
    {
        if (option.Length < 3 || option[0] != TcpOptionKind.Mptcp || option[1] != option.Length)
        {
            subtype = default;
            return false;
        }

        subtype = (MptcpSubtype)(option[2] >> 4);
        return true;
    }

    internal static bool Is(ReadOnlySpan<byte> option, MptcpSubtype subtype) =>
        TryGetSubtype(option, out MptcpSubtype actual) && actual == subtype;

    /// <summary>Reserves an option and fills its first three octets.</summary>
    internal static bool TryBegin(
        ref TcpOptionWriter writer, MptcpSubtype subtype, int length, int lowNibble, out Span<byte> option)
    {
        if (!writer.TryReserve(length, out option)) return false;
        option[0] = TcpOptionKind.Mptcp;
        option[1] = (byte)length;
        option[2] = (byte)(((int)subtype << 4) | lowNibble);
        return true;
    }
}
