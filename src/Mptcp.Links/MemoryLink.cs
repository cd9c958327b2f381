using System.Collections.Concurrent;
using Mptcp.Hosting;

namespace Mptcp.Links;

/// <summary>
/// One end of a cable inside the process: a packet written here is read there. It drops what its queue cannot hold.
/// </summary>
public sealed class MemoryLink : ILink
{
    private readonly ConcurrentQueue<byte[]> _arrived = new();
    private readonly ILinkWaiter _waiter;
    private readonly int _capacity;
    private MemoryLink _far;

    private MemoryLink(ILinkWaiter waiter, int capacity)
    {
        (_waiter, _capacity) = (waiter, capacity);
        _far = this;
    }

    /// <summary>
    /// Whether the cable is plugged in; false: packets written here vanish, as on a cut path. From any thread.
    /// </summary>
    public bool Up { get; set; } = true;

    /// <summary>Makes both ends of a cable.</summary>
    /// <param name="near">Woken when a packet waits at the near end.</param>
    /// <param name="far">Woken when a packet waits at the far end.</param>
    /// <param name="capacity">Packets that may wait at each end, at least 1.</param>
    public static (MemoryLink Near, MemoryLink Far) CreatePair(ILinkWaiter near, ILinkWaiter far, int capacity = 1024)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        var pair = (Near: new MemoryLink(near, capacity), Far: new MemoryLink(far, capacity));
        (pair.Near._far, pair.Far._far) = (pair.Far, pair.Near);
        return pair;
    }

    /// <inheritdoc/>
    public int TryRead(Span<byte> buffer)
    {
        if (!_arrived.TryDequeue(out byte[]? packet))
            return 0;
        packet.CopyTo(buffer);
        return packet.Length;
    }

    /// <inheritdoc/>
    public int TryWrite(ReadOnlySpan<byte> packet)
    {
        if (!Up)
            return packet.Length;
        if (_far._arrived.Count >= _far._capacity)
            return 0;
        _far._arrived.Enqueue(packet.ToArray());
        _far._waiter.Wake();
        return packet.Length;
    }
}

/// <summary>What a loop with links in memory sleeps on.</summary>
public sealed class MemoryWaiter : ILinkWaiter
{
    private const long NanosecondsPerMillisecond = 1_000_000;

    private readonly object _gate = new();
    private bool _awake;

    /// <inheritdoc/>
    public void Wait(long nanoseconds)
    {
        // Up to the next millisecond: waking early would turn the loop in circles until the deadline.
        long milliseconds = (nanoseconds + NanosecondsPerMillisecond - 1) / NanosecondsPerMillisecond;
        lock (_gate)
        {
            if (!_awake)
                Monitor.Wait(_gate, (int)Math.Min(milliseconds, int.MaxValue));
            _awake = false;
        }
    }

    /// <inheritdoc/>
    public void Wake()
    {
        lock (_gate)
        {
            _awake = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
