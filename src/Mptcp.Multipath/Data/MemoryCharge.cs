namespace Mptcp.Multipath;

/// <summary>What one owner has taken of a <see cref="MemoryBudget"/>, so that exactly that goes back.</summary>
public sealed class MemoryCharge(MemoryBudget budget)
{
    /// <summary>What is taken, in bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>Whether <paramref name="bytes"/> more could be taken.</summary>
    public bool HasRoom(long bytes) => budget.Used + bytes <= budget.Limit;

    /// <summary>Takes bytes more; false, and nothing is taken, when they are not left.</summary>
    public bool TryTake(long bytes)
    {
        bool taken = budget.TryTake(bytes);
        Bytes += taken ? bytes : 0;
        return taken;
    }

    /// <summary>Holds this much from now on, whether or not it is left: for what is bounded by something else.</summary>
    public void Set(long bytes)
    {
        budget.Take(bytes - Bytes);
        Bytes = bytes;
    }

    /// <summary>Gives all of it back.</summary>
    public void Release() => Set(0);
}
