namespace Mptcp.Multipath;

/// <summary>Disjoint ranges of a 64-bit space, in order; neighbours that touch are one.</summary>
internal sealed class IntervalSet
{
    private readonly List<(long Left, long Right)> _ranges = [];

    public int Count => _ranges.Count;

    /// <summary>The memory of the list, in bytes.</summary>
    public long Memory => _ranges.Capacity * 2L * sizeof(long);

    public (long Left, long Right) this[int index] => _ranges[index];

    /// <summary>The end of the last range, or 0.</summary>
    public long End => _ranges.Count == 0 ? 0 : _ranges[^1].Right;

    /// <summary>Adds [left, right).</summary>
    public void Add(long left, long right)
    {
        int first = FirstEndingAtOrAfter(left);
        int beyond = first;
        while (beyond < _ranges.Count && _ranges[beyond].Left <= right)
        {
            left = Math.Min(left, _ranges[beyond].Left);
            right = Math.Max(right, _ranges[beyond].Right);
            beyond++;
        }

        if (beyond == first)
        {
            _ranges.Insert(first, (left, right));
            return;
        }

        _ranges[first] = (left, right);
        _ranges.RemoveRange(first + 1, beyond - first - 1);
    }

    /// <summary>The end of what follows <paramref name="next"/> without a hole; what lies below it is forgotten.</summary>
    public long Advance(long next)
    {
        int count = 0;
        while (count < _ranges.Count && _ranges[count].Left <= next)
        {
            next = Math.Max(next, _ranges[count].Right);
            count++;
        }

        _ranges.RemoveRange(0, count);
        return next;
    }

    /// <summary>Whether [left, right) is there without a hole.</summary>
    public bool Contains(long left, long right)
    {
        int index = FirstEndingAtOrAfter(right);
        return index < _ranges.Count && _ranges[index].Left <= left;
    }

    /// <summary>Where the range that holds <paramref name="offset"/> ends; the offset itself when none does.</summary>
    public long EndOfRangeAt(long offset)
    {
        int index = FirstEndingAtOrAfter(offset + 1);
        return index < _ranges.Count && _ranges[index].Left <= offset ? _ranges[index].Right : offset;
    }

    /// <summary>Where the first range after <paramref name="offset"/> begins; the largest number when there is none.</summary>
    public long NextRangeAfter(long offset)
    {
        int index = FirstEndingAtOrAfter(offset + 1);
        return index < _ranges.Count ? _ranges[index].Left : long.MaxValue;
    }

    private int FirstEndingAtOrAfter(long offset)
    {
        int low = 0;
        int high = _ranges.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_ranges[middle].Right < offset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
