using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Tool.Simulate;

/// <summary>Counts for each flow the packets that did not get on their way, both directions, by the receiver's port.</summary>
internal sealed class FlowDrops : INetworkObserver
{
    private readonly Dictionary<ushort, long> _byPort = [];

    public long this[ushort port] => _byPort.GetValueOrDefault(port);

    public void HandleSent(Instant now, SimulatedPath path, PathDirection direction, PacketFate fate, ReadOnlySpan<byte> packet)
    {
        if (fate != PacketFate.OnItsWay
            && IpPacket.TryParse(packet, out IpPacket ip, out _)
            && TcpSegment.TryParse(ip, verifyChecksum: false, out TcpSegment segment, out _))
        {
            // Receivers' ports are below those that senders get.
            ushort port = Math.Min(segment.Source.Port, segment.Destination.Port);
            _byPort[port] = _byPort.GetValueOrDefault(port) + 1;
        }
    }

    public void HandleDelivered(Instant now, SimulatedPath path, PathDirection direction, ReadOnlySpan<byte> packet)
    {
    }
}
