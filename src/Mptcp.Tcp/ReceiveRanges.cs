using Mptcp.Wire;

namespace Mptcp.Tcp;

/// <summary>What arrived beyond RCV.NXT: a few disjoint ranges, the latest first, as SACK reports them (RFC 2018 §4).</summary>
internal sealed class ReceiveRanges
{
    private const int Capacity = 64;
    private readonly (long Left, long Right)[] _ranges = new (long, long)[Capacity];

    public int Count { get; private set; }

    /// <summary>Adds a range; false when it is full and the range cannot be kept.</summary>
    public bool Add(long left, long right)
    {
        for (int i = 0; i < Count;)
        {
            (long l, long r) = _ranges[i];
            if (l <= right && r >= left)
            {
                (left, right) = (Math.Min(l, left), Math.Max(r, right));
                RemoveAt(i);
            }
            else
            {
                i++;
            }
        }

        if (Count == Capacity)
        {
            return false;
        }

        Array.Copy(_ranges, 0, _ranges, 1, Count);
        _ranges[0] = (left, right);
        Count++;
        return true;
    }

    /// <summary>What of a range is here already, as far as one kept range has it; empty when nothing is.</summary>
    public (long Left, long Right) FirstOverlap(long left, long right)
    {
        for (int i = 0; i < Count; i++)
        {
            (long l, long r) = (Math.Max(left, _ranges[i].Left), Math.Min(right, _ranges[i].Right));
            if (l < r)
            {
                return (l, r);
            }
        }

        return default;
    }

    /// <summary>The new RCV.NXT once everything up to <paramref name="next"/> has arrived.</summary>
    public long Advance(long next)
    {
        for (int i = 0; i < Count;)
        {
            if (_ranges[i].Left <= next)
            {
                next = Math.Max(next, _ranges[i].Right);
                RemoveAt(i);
                i = 0;
            }
            else
            {
                i++;
            }
        }

        return next;
    }

    public int CopyTo(Span<SackBlock> blocks, uint origin)
    {
        int count = Math.Min(Count, blocks.Length);
        for (int i = 0; i < count; i++)
        {
            blocks[i] = new SackBlock(
                unchecked(origin + (uint)_ranges[i].Left), unchecked(origin + (uint)_ranges[i].Right));
        }

        return count;
    }

    private void RemoveAt(int index)
    {
        Count--;
        Array.Copy(_ranges, index + 1, _ranges, index, Count - index);
    }
}
