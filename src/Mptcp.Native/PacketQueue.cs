using Mptcp.Tcp;

namespace Mptcp.Native;

/// <summary>Packets that have left the stack and wait to be taken, each with its interface and its time.</summary>
internal sealed class PacketQueue
{
    private readonly Queue<Packet> _packets = new();
    private readonly Stack<byte[]> _free = new();
    private const int FreeLimit = 256;
    private const int Ordinary = 1536;

    public readonly record struct Packet(byte[] Buffer, int Length, int Link, Instant LeftAt);

    public void Add(ReadOnlySpan<byte> packet, int link, Instant leftAt)
    {
        byte[] buffer = packet.Length > Ordinary || !_free.TryPop(out byte[]? free)
            ? new byte[Math.Max(packet.Length, Ordinary)]
            : free;
        packet.CopyTo(buffer);
        _packets.Enqueue(new Packet(buffer, packet.Length, link, leftAt));
    }

    /// <summary>The oldest packet, which stays until <see cref="Remove"/>.</summary>
    public bool TryPeek(out Packet packet) => _packets.TryPeek(out packet);

    public void Remove()
    {
        byte[] buffer = _packets.Dequeue().Buffer;
        if (buffer.Length == Ordinary && _free.Count < FreeLimit)
        {
            _free.Push(buffer);
        }
    }
}
