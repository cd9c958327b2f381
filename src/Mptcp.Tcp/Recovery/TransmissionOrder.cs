namespace Mptcp.Tcp;

/// <summary>
/// The ranges in flight in the order of their last transmission, which is all that RACK has to look at. A range is named
/// by its number, which counts all that were ever sent. A doubly linked list in a ring of the scoreboard's size.
/// </summary>
/// <param name="capacity">How many ranges the scoreboard has room for, a power of two.</param>
internal sealed class TransmissionOrder(int capacity)
{
    /// <summary>No range.</summary>
    public const long None = -1;

    /// <summary>What each range of the capacity takes, in bytes.</summary>
    public const int LinkSize = 2 * sizeof(long);

    private (long Before, long After)[] _links = new (long, long)[capacity];
    private long _last = None;

    /// <summary>The one that was sent first, or <see cref="None"/>.</summary>
    public long First { get; private set; } = None;

    /// <summary>The one that was sent next after this one, or <see cref="None"/>.</summary>
    public long After(long number) => Links(number).After;

    /// <summary>A range was sent: it is the last.</summary>
    public void Append(long number)
    {
        Links(number) = (_last, None);
        Join(_last, number);
        _last = number;
    }

    /// <summary>A range that is there is in flight no more.</summary>
    public void Remove(long number)
    {
        (long before, long after) = Links(number);
        Join(before, after);
        if (after == None)
        {
            _last = before;
        }
        else
        {
            Links(after).Before = before;
        }
    }

    /// <summary>Takes out all.</summary>
    public void Clear() => (First, _last) = (None, None);

    /// <summary>Makes room for twice as many.</summary>
    public void Grow()
    {
        (long Before, long After)[] smaller = _links;
        _links = new (long, long)[smaller.Length * 2];
        for (long number = First; number != None; number = After(number))
        {
            Links(number) = smaller[number & (smaller.Length - 1)];
        }
    }

    private void Join(long before, long after)
    {
        if (before == None)
        {
            First = after;
        }
        else
        {
            Links(before).After = after;
        }
    }

    private ref (long Before, long After) Links(long number) => ref _links[number & (_links.Length - 1)];
}
