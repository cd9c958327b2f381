using Mptcp.Stack;
using Mptcp.Tcp;

namespace Mptcp.Simulation;

/// <summary>
/// What stands in a <see cref="SimulatedNetwork"/>: a host, a router, a NAT, a test's own. Packets and time in, packets
/// and a deadline out; after any input the network drains <see cref="TryTransmit"/>, then reads <see cref="NextTimeout"/>.
/// </summary>
public interface ISimulatedNode
{
    /// <summary>When <see cref="HandleTimeout"/> wants to be called.</summary>
    Instant NextTimeout { get; }

    /// <summary>Takes one IP packet that arrived on <paramref name="link"/>; its bytes are the network's.</summary>
    void HandlePacket(Instant now, int link, ReadOnlySpan<byte> packet);

    /// <summary>Runs what is due at <paramref name="now"/>.</summary>
    void HandleTimeout(Instant now);

    /// <summary>Writes the next packet into <paramref name="buffer"/> (64 KiB) and says its link; false: nothing now.</summary>
    bool TryTransmit(Instant now, Span<byte> buffer, out int link, out int length);
}

/// <summary>A host with the engine.</summary>
internal sealed class HostNode(NetworkStack stack) : ISimulatedNode
{
    public Instant NextTimeout => stack.NextTimeout;

    public void HandlePacket(Instant now, int link, ReadOnlySpan<byte> packet) => stack.HandlePacket(now, link, packet);

    public void HandleTimeout(Instant now) => stack.HandleTimeout(now);

    public bool TryTransmit(Instant now, Span<byte> buffer, out int link, out int length) =>
        stack.TryTransmit(now, buffer, out link, out length);
}

/// <summary>A node that only passes packets on: what it makes of one leaves in the same instant.</summary>
public abstract class ForwardingNode : ISimulatedNode
{
    private readonly Queue<(int Link, byte[] Packet, int Length)> _out = new();
    private readonly Stack<byte[]> _free = new();

    private protected ForwardingNode()
    {
    }

    /// <inheritdoc/>
    public Instant NextTimeout => Instant.Never;

    /// <inheritdoc/>
    public abstract void HandlePacket(Instant now, int link, ReadOnlySpan<byte> packet);

    /// <inheritdoc/>
    public void HandleTimeout(Instant now)
    {
    }

    /// <inheritdoc/>
    public bool TryTransmit(Instant now, Span<byte> buffer, out int link, out int length)
    {
        if (!_out.TryDequeue(out (int Link, byte[] Packet, int Length) next))
        {
            (link, length) = (-1, 0);
            return false;
        }

        (link, length) = (next.Link, next.Length);
        next.Packet.AsSpan(0, length).CopyTo(buffer);
        _free.Push(next.Packet);
        return true;
    }

    /// <summary>Puts a packet out on a link; returns its copy, to be changed before the call of the network ends.</summary>
    private protected Span<byte> Forward(int link, ReadOnlySpan<byte> packet)
    {
        const int smallest = 2048;
        if (!_free.TryPop(out byte[]? copy) || copy.Length < packet.Length)
        {
            copy = new byte[Math.Max(smallest, packet.Length)];
        }

        packet.CopyTo(copy);
        _out.Enqueue((link, copy, packet.Length));
        return copy.AsSpan(0, packet.Length);
    }
}
