using Mptcp.Wire;

namespace Mptcp.Tcp;

/// <summary>What arrived beyond RCV.NXT: disjoint ranges in order, and of the latest how lately (RFC 2018 §4).</summary>
internal sealed class ReceiveRanges
{
    // A range a segment, and as many holes: a window of 6 MB in which every second segment is lost. What comes beyond that
    // is not kept, and comes again.
    private const int Limit = 2048;
    private const int InitialCapacity = 16;

    // As many blocks as fit one segment.
    private const int Recent = 4;

    private readonly long[] _recent = new long[Recent];
    private (long Left, long Right)[] _ranges = new (long, long)[InitialCapacity];

    public int Count { get; private set; }

    /// <summary>The memory that it takes beyond that of its birth, in bytes.</summary>
    public long Memory => (_ranges.Length - InitialCapacity) * 2L * sizeof(long);

    /// <summary>Adds a range; false when it is full and the range cannot be kept.</summary>
    public bool Add(long left, long right)
    {
        int first = FirstEndingAtOrAfter(left);
        int beyond = first;
        for (; beyond < Count && _ranges[beyond].Left <= right; beyond++)
        {
            (left, right) = (Math.Min(left, _ranges[beyond].Left), Math.Max(right, _ranges[beyond].Right));
        }

        if (beyond == first && !TryMakeRoom(first))
        {
            return false;
        }

        _ranges[first] = (left, right);
        Remove(first + 1, beyond);
        HandleLatest(left);
        return true;
    }

    /// <summary>What of a range is here already, as far as one kept range has it; empty when nothing is.</summary>
    public (long Left, long Right) FirstOverlap(long left, long right)
    {
        int index = FirstEndingAtOrAfter(left + 1);
        return index < Count && _ranges[index].Left < right
            ? (Math.Max(left, _ranges[index].Left), Math.Min(right, _ranges[index].Right))
            : default;
    }

    /// <summary>The new RCV.NXT once everything up to <paramref name="next"/> has arrived.</summary>
    public long Advance(long next)
    {
        int count = 0;
        for (; count < Count && _ranges[count].Left <= next; count++)
        {
            next = Math.Max(next, _ranges[count].Right);
        }

        Remove(0, count);
        return next;
    }

    /// <summary>Writes blocks, that of the latest segment first, then those reported before; returns how many.</summary>
    public int CopyTo(Span<SackBlock> blocks, uint origin)
    {
        int count = 0;
        for (int i = 0; i < Recent && count < blocks.Length; i++)
        {
            // One that has grown since at its left, or was filled up to, is known by another name, or gone.
            int index = FirstEndingAtOrAfter(_recent[i] + 1);
            if (index < Count && _ranges[index].Left == _recent[i])
            {
                blocks[count++] = BlockOf(index, origin);
            }
        }

        // As many as possible: where recent ones are gone, others are told of once more.
        for (int index = Count - 1; index >= 0 && count < blocks.Length; index--)
        {
            SackBlock block = BlockOf(index, origin);
            if (!blocks[..count].Contains(block))
            {
                blocks[count++] = block;
            }
        }

        return count;
    }

    private SackBlock BlockOf(int index, uint origin) => new(
        unchecked(origin + (uint)_ranges[index].Left), unchecked(origin + (uint)_ranges[index].Right));

    private int FirstEndingAtOrAfter(long offset)
    {
        // Most segments come behind all others.
        if (Count == 0 || _ranges[Count - 1].Right < offset)
        {
            return Count;
        }

        int low = 0;
        for (int high = Count - 1; low < high;)
        {
            int middle = (low + high) / 2;
            (low, high) = _ranges[middle].Right < offset ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    private bool TryMakeRoom(int index)
    {
        if (Count == Limit)
        {
            return false;
        }

        if (Count == _ranges.Length)
        {
            Array.Resize(ref _ranges, 2 * Count);
        }

        Array.Copy(_ranges, index, _ranges, index + 1, Count - index);
        Count++;
        return true;
    }

    private void Remove(int from, int to)
    {
        if (to > from)
        {
            Array.Copy(_ranges, to, _ranges, from, Count - to);
            Count -= to - from;
        }
    }

    /// <summary>The range that begins here has the latest segment.</summary>
    private void HandleLatest(long left)
    {
        int at = Array.IndexOf(_recent, left);
        Array.Copy(_recent, 0, _recent, 1, at < 0 ? Recent - 1 : at);
        _recent[0] = left;
    }
}
