using Mptcp.Tcp;

namespace Mptcp.Simulation;

/// <summary>
/// Copies of packets on their way, taken out in the order of their arrival, and in that of their departure where two
/// arrive at once. Most paths keep the order, which costs a queue; only what is overtaken needs a heap.
/// </summary>
internal sealed class Flight
{
    private const int SmallestSlot = 2048;

    private readonly Queue<Entry> _inOrder = new();
    private readonly PriorityQueue<Entry, Key> _others = new(Comparer<Key>.Create(static (a, b) => a.CompareTo(b)));
    private readonly List<byte[]> _slots = [];
    private readonly Stack<int> _free = new();
    private long _lastInOrder = long.MinValue;
    private long _order;

    /// <summary>When the next one arrives.</summary>
    public Instant Next { get; private set; } = Instant.Never;

    /// <summary>Adds a packet; returns its copy, which may be changed at once.</summary>
    /// <param name="at">When it arrives.</param>
    /// <param name="packet">The packet.</param>
    /// <param name="overtaken">Whether those behind it are expected to arrive earlier.</param>
    public Span<byte> Add(Instant at, ReadOnlySpan<byte> packet, bool overtaken)
    {
        if (!_free.TryPop(out int slot))
        {
            slot = _slots.Count;
            _slots.Add([]);
        }

        if (_slots[slot].Length < packet.Length)
        {
            _slots[slot] = new byte[Math.Max(packet.Length, SmallestSlot)];
        }

        packet.CopyTo(_slots[slot]);
        var entry = new Entry(new Key(at.Nanoseconds, _order++), slot, packet.Length);
        if (overtaken || at.Nanoseconds < _lastInOrder)
        {
            _others.Enqueue(entry, entry.Key);
        }
        else
        {
            _lastInOrder = at.Nanoseconds;
            _inOrder.Enqueue(entry);
        }

        Next = Instant.Min(Next, at);
        return _slots[slot].AsSpan(0, packet.Length);
    }

    /// <summary>Takes the next packet out; there must be one. The bytes are valid until the next call.</summary>
    public ReadOnlySpan<byte> Take()
    {
        Entry entry = IsNextOvertaken() ? _others.Dequeue() : _inOrder.Dequeue();
        _free.Push(entry.Slot);
        long next = _inOrder.TryPeek(out Entry first) ? first.Key.At : Instant.Never.Nanoseconds;
        Next = new Instant(_others.Count > 0 ? Math.Min(next, _others.Peek().Key.At) : next);
        return _slots[entry.Slot].AsSpan(0, entry.Length);
    }

    private bool IsNextOvertaken() =>
        _others.Count > 0 && (!_inOrder.TryPeek(out Entry entry) || _others.Peek().Key.CompareTo(entry.Key) < 0);

    private readonly record struct Key(long At, long Order)
    {
        public int CompareTo(Key other) => At != other.At ? At.CompareTo(other.At) : Order.CompareTo(other.Order);
    }

    private readonly record struct Entry(Key Key, int Slot, int Length);
}
