using Mptcp.Wire;

namespace Mptcp.Stack.Tests;

/// <summary>Counts the packets that arrive other than they were sent, and those of them that no checksum of TCP finds.</summary>
internal sealed class Escapes
{
    private readonly HashSet<ulong> _sent = [];

    /// <summary>Packets that arrived damaged.</summary>
    public long Damaged { get; private set; }

    /// <summary>Those that look sound.</summary>
    public long Escaped { get; private set; }

    public void HandleSent(ReadOnlySpan<byte> packet) => _sent.Add(Hash(packet));

    public void HandleDelivered(ReadOnlySpan<byte> packet)
    {
        if (!_sent.Contains(Hash(packet)))
        {
            Damaged++;
            Escaped += IpPacket.TryParse(packet, out IpPacket ip, out _) && TcpSegment.TryParse(ip, out _, out _) ? 1 : 0;
        }
    }

    // FNV-1a.
    private static ulong Hash(ReadOnlySpan<byte> packet)
    {
        ulong hash = 14695981039346656037;
        foreach (byte value in packet)
        {
            hash = unchecked((hash ^ value) * 1099511628211);
        }

        return hash;
    }
}
