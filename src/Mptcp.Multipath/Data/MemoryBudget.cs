namespace Mptcp.Multipath;

/// <summary>
/// The memory that all queues of a host may take together. Buffers grow out of it and give it back; what cannot grow
/// stays as it is. Owned by one stack; not thread-safe.
/// </summary>
/// <param name="limit">The limit in bytes.</param>
/// <seealso cref="MemoryCharge"/>
public sealed class MemoryBudget(long limit)
{
    /// <summary>The limit in bytes.</summary>
    public long Limit { get; } = limit;

    /// <summary>What is taken, in bytes; above the limit only by what must not be refused, such as data in flight.</summary>
    public long Used { get; private set; }

    /// <summary>Takes bytes; false, and nothing is taken, when they are not left.</summary>
    public bool TryTake(long bytes)
    {
        if (Used + bytes > Limit)
        {
            return false;
        }

        Used += bytes;
        return true;
    }

    /// <summary>Takes bytes for what is bounded by something else already; less than 0 gives them back.</summary>
    public void Take(long bytes) => Used += bytes;
}
