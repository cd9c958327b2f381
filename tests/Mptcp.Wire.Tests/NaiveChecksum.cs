namespace Mptcp.Wire.Tests;

/// <summary>The Internet checksum as RFC 1071 §1 defines it, word by word: what the fast one is held to.</summary>
internal static class NaiveChecksum
{
    public static ushort Sum(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (int i = 0; i < bytes.Length; i += 2)
        {
            uint low = i + 1 < bytes.Length ? bytes[i + 1] : 0u;
            sum += ((uint)bytes[i] << 8) | low;
            if (sum > 0xffff) sum -= 0xffff;
        }

        return (ushort)sum;
    }

    public static ushort Checksum(ReadOnlySpan<byte> bytes) => (ushort)~Sum(bytes);

    /// <summary>The pseudo-header as octets (RFC 9293 §3.1, RFC 8200 §8.1).</summary>
    public static byte[] PseudoHeader(IpAddress source, IpAddress destination, byte protocol, int length)
    {
        byte[] from = source.ToIPAddress().GetAddressBytes();
        byte[] to = destination.ToIPAddress().GetAddressBytes();
        return source.IsV4
            ? [.. from, .. to, 0, protocol, (byte)(length >> 8), (byte)length]
            : [.. from, .. to, 0, 0, (byte)(length >> 8), (byte)length, 0, 0, 0, protocol];
    }
}
