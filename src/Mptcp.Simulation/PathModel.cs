using Mptcp.Tcp;

namespace Mptcp.Simulation;

/// <summary>
/// One direction of a path: a drop-tail queue, a rate, a delay, and what a medium does to packets. Time is an argument, so
/// the same model runs in virtual and in real time; all is integers, so the same seed and inputs give the same packets at
/// the same nanoseconds everywhere. Not thread-safe. Allocates nothing once it has held its largest backlog.
/// </summary>
public sealed class PathModel
{
    private const int SmallestSlot = 2048;
    private const int Million = 1_000_000;

    private readonly PathOptions _options;
    private readonly ulong _seed;
    private readonly Queue<(Instant Sent, int Length)> _queue = new();
    private readonly PriorityQueue<(int Slot, int Length), (long At, long Order)> _onTheWay = new();
    private readonly List<byte[]> _slots = [];
    private readonly Stack<int> _free = new();
    private Instant _busyUntil;

    // What the last packet takes beyond the whole nanoseconds of _busyUntil, in 1/rate of a nanosecond: a train of
    // packets keeps the exact rate whatever the rounding of each.
    private long _busyRemainder;
    private long _queuedBytes;
    private long _order;

    private enum Fate
    {
        Loss,
        Duplicate,
        Reorder,
        Count,
    }

    /// <summary>Makes an idle, empty path.</summary>
    /// <param name="options">What it is like.</param>
    /// <param name="seed">Decides, with the index of a packet, about loss, duplicates and reordering.</param>
    /// <exception cref="ArgumentOutOfRangeException">A negative figure, or a chance over a million.</exception>
    public PathModel(PathOptions options, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegative(options.BitsPerSecond);
        ArgumentOutOfRangeException.ThrowIfNegative(options.DelayNanoseconds);
        ArgumentOutOfRangeException.ThrowIfNegative(options.QueueBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(options.ReorderNanoseconds);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)options.LossPerMillion, (uint)Million);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)options.DuplicatePerMillion, (uint)Million);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)options.ReorderPerMillion, (uint)Million);
        (_options, _seed) = (options, seed);
    }

    /// <summary>While true, packets vanish: those offered, and those that would arrive.</summary>
    public bool BlackHoled { get; set; }

    /// <summary>What became of the packets so far.</summary>
    public PathCounters Counters { get; private set; }

    /// <summary>When <see cref="TryReceive"/> has something to do.</summary>
    public Instant NextTimeout => _onTheWay.TryPeek(out _, out (long At, long Order) next) ? new Instant(next.At) : Instant.Never;

    /// <summary>Bytes that wait in the queue at <paramref name="now"/>, with those being serialised.</summary>
    public long QueuedBytes(Instant now)
    {
        while (_queue.TryPeek(out (Instant Sent, int Length) head) && head.Sent <= now)
        {
            _queue.Dequeue();
            _queuedBytes -= head.Length;
        }

        return _queuedBytes;
    }

    /// <summary>Offers a packet. <paramref name="now"/> never goes back.</summary>
    public void Send(Instant now, ReadOnlySpan<byte> packet)
    {
        var index = (ulong)Counters.Offered.Packets;
        Counters = Counters with { Offered = Counters.Offered.Plus(packet.Length) };
        if (BlackHoled)
        {
            Counters = Counters with { BlackHoled = Counters.BlackHoled.Plus(packet.Length) };
            return;
        }

        if (QueuedBytes(now) + packet.Length > _options.QueueBytes)
        {
            Counters = Counters with { QueueDrops = Counters.QueueDrops.Plus(packet.Length) };
            return;
        }

        Instant sent = Serialise(now, packet.Length);
        _queue.Enqueue((sent, packet.Length));
        _queuedBytes += packet.Length;
        if (Happens(index, Fate.Loss, _options.LossPerMillion))
        {
            Counters = Counters with { Lost = Counters.Lost.Plus(packet.Length) };
            return;
        }

        Instant at = sent + _options.DelayNanoseconds;
        Launch(Happens(index, Fate.Reorder, _options.ReorderPerMillion) ? at + _options.ReorderNanoseconds : at, packet);
        if (Happens(index, Fate.Duplicate, _options.DuplicatePerMillion))
        {
            Launch(at, packet);
        }
    }

    /// <summary>Takes the next packet that has arrived by <paramref name="now"/>; false when there is none.</summary>
    /// <param name="now">The time.</param>
    /// <param name="buffer">At least as long as the longest packet offered.</param>
    /// <param name="length">The packet's length.</param>
    public bool TryReceive(Instant now, Span<byte> buffer, out int length)
    {
        while (_onTheWay.TryPeek(out (int Slot, int Length) packet, out (long At, long Order) key) && key.At <= now.Nanoseconds)
        {
            _onTheWay.Dequeue();
            _free.Push(packet.Slot);
            length = packet.Length;
            if (!BlackHoled)
            {
                Counters = Counters with { Delivered = Counters.Delivered.Plus(length) };
                _slots[packet.Slot].AsSpan(0, length).CopyTo(buffer);
                return true;
            }

            Counters = Counters with { BlackHoled = Counters.BlackHoled.Plus(length) };
        }

        length = 0;
        return false;
    }

    private Instant Serialise(Instant now, int length)
    {
        if (_busyUntil < now)
        {
            (_busyUntil, _busyRemainder) = (now, 0);
        }

        if (_options.BitsPerSecond > 0)
        {
            (long whole, _busyRemainder) = Math.DivRem(length * 8 * Instant.Second + _busyRemainder, _options.BitsPerSecond);
            _busyUntil += whole;
        }

        return _busyUntil;
    }

    private void Launch(Instant at, ReadOnlySpan<byte> packet)
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
        _onTheWay.Enqueue((slot, packet.Length), (at.Nanoseconds, _order++));
    }

    private bool Happens(ulong index, Fate fate, int perMillion) =>
        perMillion > 0 && SplitMix64.At(_seed, index * (ulong)Fate.Count + (ulong)fate) % Million < (ulong)perMillion;
}
