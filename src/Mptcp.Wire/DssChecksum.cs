namespace Mptcp.Wire;

/// <summary>
/// The checksum of a data sequence mapping (RFC 8684 §3.3.1): the mapped octets and a pseudo-header of the data sequence
/// number (always its 64-bit form), the subflow sequence number, the data-level length and 16 zero bits. A DATA_FIN adds
/// one to the length and no octet to the data (RFC 8684 §3.3.3).
/// </summary>
public static class DssChecksum
{
    /// <summary>The checksum field of the mapping.</summary>
    /// <param name="dataSequenceNumber">The full data sequence number of the mapping's first octet.</param>
    /// <param name="subflowSequenceNumber">Relative subflow sequence number; 0 for a DATA_FIN without payload.</param>
    /// <param name="dataLength">Data-level length, a DATA_FIN included.</param>
    /// <param name="payloadSum">Sum of the mapped octets by <see cref="InternetChecksum"/>, 0 for none.</param>
    public static ushort Compute(ulong dataSequenceNumber, uint subflowSequenceNumber, ushort dataLength, uint payloadSum) =>
        InternetChecksum.Finish(Sum(dataSequenceNumber, subflowSequenceNumber, dataLength, payloadSum));

    /// <summary>Whether a received mapping agrees with its checksum.</summary>
    /// <param name="dataSequenceNumber">The full data sequence number, promoted to 64 bits when the option had 32.</param>
    /// <param name="subflowSequenceNumber">Relative subflow sequence number as received.</param>
    /// <param name="dataLength">Data-level length as received.</param>
    /// <param name="payloadSum">Sum of the octets that arrived.</param>
    /// <param name="checksum">The checksum field of the option.</param>
    public static bool Verify(
        ulong dataSequenceNumber, uint subflowSequenceNumber, ushort dataLength, uint payloadSum, ushort checksum) =>
        InternetChecksum.IsValid(InternetChecksum.AddUInt16(
            Sum(dataSequenceNumber, subflowSequenceNumber, dataLength, payloadSum), checksum));

    private static uint Sum(ulong dataSequenceNumber, uint subflowSequenceNumber, ushort dataLength, uint payloadSum)
    {
        uint sum = InternetChecksum.AddUInt64(payloadSum, dataSequenceNumber);
        sum = InternetChecksum.AddUInt32(sum, subflowSequenceNumber);
        return InternetChecksum.AddUInt16(sum, dataLength);
    }
}
