using System.Buffers;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>
/// Writes every packet that was sent as pcapng: an interface for each path, in their order at the start, "outbound" for
/// forward and "inbound" for back. What did not get on its way has a comment that says why.
/// </summary>
public sealed class PcapngTrace : INetworkObserver
{
    private readonly IBufferWriter<byte> _output;
    private readonly Dictionary<SimulatedPath, int> _interfaces = [];

    /// <summary>Begins the capture.</summary>
    /// <param name="output">Where to write.</param>
    /// <param name="paths">The paths of the network.</param>
    public PcapngTrace(IBufferWriter<byte> output, IReadOnlyList<SimulatedPath> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        _output = output;
        PcapngFormat.WriteSectionHeader(output);
        foreach (SimulatedPath path in paths)
        {
            _interfaces.Add(path, _interfaces.Count);
            PcapngFormat.WriteInterface(output, path.Name, snapLength: 0);
        }
    }

    /// <inheritdoc/>
    public void HandleSent(Instant now, SimulatedPath path, PathDirection direction, PacketFate fate, ReadOnlySpan<byte> packet) =>
        PcapngFormat.WritePacket(
            _output,
            _interfaces[path],
            now.Nanoseconds,
            packet,
            direction == PathDirection.Forward ? PcapngDirection.Outbound : PcapngDirection.Inbound,
            fate == PacketFate.OnItsWay ? null : TextTrace.Name(fate));

    /// <inheritdoc/>
    public void HandleDelivered(Instant now, SimulatedPath path, PathDirection direction, ReadOnlySpan<byte> packet)
    {
    }
}

/// <summary>Tells several observers.</summary>
public sealed class ObserverList(IReadOnlyList<INetworkObserver> observers) : INetworkObserver
{
    /// <inheritdoc/>
    public void HandleSent(Instant now, SimulatedPath path, PathDirection direction, PacketFate fate, ReadOnlySpan<byte> packet)
    {
        foreach (INetworkObserver observer in observers)
        {
            observer.HandleSent(now, path, direction, fate, packet);
        }
    }

    /// <inheritdoc/>
    public void HandleDelivered(Instant now, SimulatedPath path, PathDirection direction, ReadOnlySpan<byte> packet)
    {
        foreach (INetworkObserver observer in observers)
        {
            observer.HandleDelivered(now, path, direction, packet);
        }
    }
}
