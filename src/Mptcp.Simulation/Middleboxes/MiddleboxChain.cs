using Mptcp.Tcp;

namespace Mptcp.Simulation;

/// <summary>
/// Middleboxes one behind the other before one end of a path, the first of them next to the node. After any input, drain
/// <see cref="TryTake"/>, then read <see cref="NextTimeout"/>. Allocates nothing once it has held its largest backlog.
/// </summary>
public sealed class MiddleboxChain
{
    private const int SmallestSlot = 2048;

    private readonly Stage[] _stages;
    private readonly Queue<Item> _work = new();
    private readonly Queue<Item> _out = new();
    private readonly Stack<byte[]> _free = new();

    /// <summary>Makes a chain.</summary>
    /// <param name="boxes">From the node outwards. Each has a state of its own and stands in one chain.</param>
    public MiddleboxChain(params IReadOnlyList<Middlebox> boxes)
    {
        ArgumentNullException.ThrowIfNull(boxes);
        _stages = new Stage[boxes.Count];
        for (int i = 0; i < boxes.Count; i++)
        {
            _stages[i] = new Stage(this, boxes[i], i);
        }
    }

    /// <summary>When <see cref="HandleTimeout"/> wants to be called.</summary>
    public Instant NextTimeout
    {
        get
        {
            Instant next = Instant.Never;
            foreach (Stage stage in _stages)
            {
                next = Instant.Min(next, stage.Box.NextTimeout);
            }

            return next;
        }
    }

    /// <summary>Takes a packet that the node sends, or that arrives for it.</summary>
    public void HandlePacket(Instant now, Heading heading, ReadOnlySpan<byte> packet)
    {
        Enqueue(heading == Heading.Outward ? 0 : _stages.Length - 1, heading, packet);
        Work(now);
    }

    /// <summary>Runs what is due at <paramref name="now"/>.</summary>
    public void HandleTimeout(Instant now)
    {
        foreach (Stage stage in _stages)
        {
            if (stage.Box.NextTimeout <= now)
            {
                stage.Box.HandleTimeout(now, stage);
                Work(now);
            }
        }
    }

    /// <summary>Takes the next packet that has passed all boxes, or that one of them dropped.</summary>
    /// <param name="buffer">At least as long as the longest packet.</param>
    /// <param name="heading">Which way it goes.</param>
    /// <param name="length">Its length.</param>
    /// <param name="dropped">Whether a box dropped it.</param>
    public bool TryTake(Span<byte> buffer, out Heading heading, out int length, out bool dropped)
    {
        if (!_out.TryDequeue(out Item item))
        {
            (heading, length, dropped) = (Heading.Outward, 0, false);
            return false;
        }

        (heading, length, dropped) = (item.Heading, item.Length, item.Dropped);
        item.Packet.AsSpan(0, length).CopyTo(buffer);
        _free.Push(item.Packet);
        return true;
    }

    private void Work(Instant now)
    {
        while (_work.TryDequeue(out Item item))
        {
            _stages[item.Stage].Box.HandlePacket(now, item.Heading, item.Packet.AsSpan(0, item.Length), _stages[item.Stage]);
            _free.Push(item.Packet);
        }
    }

    private void Enqueue(int stage, Heading heading, ReadOnlySpan<byte> packet, bool dropped = false)
    {
        if (!_free.TryPop(out byte[]? copy) || copy.Length < packet.Length)
        {
            copy = new byte[Math.Max(SmallestSlot, packet.Length)];
        }

        packet.CopyTo(copy);
        bool leaves = dropped || (uint)stage >= (uint)_stages.Length;
        (leaves ? _out : _work).Enqueue(new Item(stage, heading, copy, packet.Length, dropped));
    }

    private readonly record struct Item(int Stage, Heading Heading, byte[] Packet, int Length, bool Dropped);

    private sealed class Stage(MiddleboxChain chain, Middlebox box, int index) : MiddleboxOutput
    {
        public Middlebox Box => box;

        public override void Send(Heading heading, ReadOnlySpan<byte> packet) =>
            chain.Enqueue(heading == Heading.Outward ? index + 1 : index - 1, heading, packet);

        public override void Drop(Heading heading, ReadOnlySpan<byte> packet) =>
            chain.Enqueue(index, heading, packet, dropped: true);
    }
}
