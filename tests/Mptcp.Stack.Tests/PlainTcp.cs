using Mptcp.Simulation;
using Mptcp.Tcp;

namespace Mptcp.Stack.Tests;

/// <summary>A connection whose SYN loses its proposal of Multipath TCP on the way.</summary>
internal static class PlainTcp
{
    /// <summary>An IP packet with a full segment, in bytes.</summary>
    public const int Packet = 1500;

    /// <summary>What it carries beside headers and timestamps, in bytes.</summary>
    public const int Payload = 1448;

    public static BulkFlow Start(Bottleneck link, Func<int, ICongestionController> controller)
    {
        link.Path.Filter = WithoutMultipath;
        BulkFlow flow = link.Start(controller);
        link.Path.Filter = null;
        return flow;
    }

    private static bool WithoutMultipath(PathDirection direction, Span<byte> packet)
    {
        byte[] copy = packet.ToArray();
        MptcpStripper.Strip(copy, segment => segment.Contains("Syn", StringComparison.Ordinal));
        copy.CopyTo(packet);
        return true;
    }
}
