using Mptcp.Tcp;

namespace Mptcp.Simulation;

/// <summary>Sees every packet of a run. It may not change anything.</summary>
public interface INetworkObserver
{
    /// <summary>A node sent a packet, and the path decided about it.</summary>
    /// <param name="now">The time.</param>
    /// <param name="path">The path.</param>
    /// <param name="direction">Which way.</param>
    /// <param name="fate">What became of it.</param>
    /// <param name="packet">The packet as the path got it, before it could be damaged.</param>
    void HandleSent(Instant now, SimulatedPath path, PathDirection direction, PacketFate fate, ReadOnlySpan<byte> packet);

    /// <summary>A packet arrived.</summary>
    /// <param name="now">The time.</param>
    /// <param name="path">The path.</param>
    /// <param name="direction">Which way.</param>
    /// <param name="packet">The packet as the node gets it.</param>
    void HandleDelivered(Instant now, SimulatedPath path, PathDirection direction, ReadOnlySpan<byte> packet);
}
