using Mptcp.Multipath;

namespace Mptcp;

/// <summary>What the codes of events mean.</summary>
public static class MptcpEventCodes
{
    /// <summary>What a code says to people: no capital, no full stop; empty for <see cref="MptcpEventCode.None"/>.</summary>
    /// <param name="code">The code.</param>
    public static string Describe(this MptcpEventCode code) => ((ConnectionEventCode)code).Sentence();

    /// <summary>Whether it is a fallback, a reset, a failure, or something that had to be ignored.</summary>
    /// <param name="code">The code.</param>
    public static bool IsTrouble(this MptcpEventCode code) =>
        code is not (MptcpEventCode.None or MptcpEventCode.ClosedInOrder) && (int)code is < 300 or >= 400;
}
