using Mptcp.Hosting;
using Mptcp.Simulation;

namespace Mptcp.Lab;

/// <summary>
/// The end of an emulated path in memory: a link for an engine's loop, without a device. The loop sleeps in an
/// <see cref="EmulatorLinkWaiter"/> that knows the link. One thread reads and writes it; the emulator has the other side.
/// </summary>
public sealed class EmulatorLink : PathEnd, ILink
{
    // As many packets as the kernel lets wait for a reader of a TUN, and some.
    private const int Capacity = 1024;
    private const int SlotSize = 2048;

    private readonly Lock _gate = new();
    private readonly (byte[] Bytes, int Length)[] _ring = new (byte[], int)[Capacity];
    private EmulatedPath? _path;
    private PathDirection _outgoing;
    private long _taken;
    private long _given;

    /// <summary>Packets that arrived and found the engine too slow.</summary>
    public long Overruns { get; private set; }

    /// <summary>Whether a packet waits for the engine.</summary>
    internal bool HasPacket => Volatile.Read(ref _given) != Volatile.Read(ref _taken);

    internal EmulatorLinkWaiter? Waiter { get; set; }

    /// <inheritdoc/>
    public int TryRead(Span<byte> buffer)
    {
        if (!HasPacket)
        {
            return 0;
        }

        lock (_gate)
        {
            (byte[] bytes, int length) = _ring[_taken % Capacity];
            bytes.AsSpan(0, length).CopyTo(buffer);
            Volatile.Write(ref _taken, _taken + 1);
            return length;
        }
    }

    /// <inheritdoc/>
    public int TryWrite(ReadOnlySpan<byte> packet)
    {
        if (_path is null)
        {
            return 0;
        }

        _path.Offer(_outgoing, packet);
        return packet.Length;
    }

    // What the engine sends goes straight into the model.
    internal override int TakeFromHost(Span<byte> buffer) => 0;

    internal override bool GiveToHost(ReadOnlySpan<byte> packet)
    {
        lock (_gate)
        {
            if (_given - _taken == Capacity)
            {
                Overruns++;
                return false;
            }

            ref (byte[] Bytes, int Length) slot = ref _ring[_given % Capacity];
            if (slot.Bytes is null || slot.Bytes.Length < packet.Length)
            {
                slot.Bytes = new byte[Math.Max(SlotSize, packet.Length)];
            }

            packet.CopyTo(slot.Bytes);
            slot.Length = packet.Length;
            Volatile.Write(ref _given, _given + 1);
        }

        Waiter?.PacketCame();
        return true;
    }

    internal override void Attach(EmulatedPath path, PathDirection outgoing) => (_path, _outgoing) = (path, outgoing);
}
