using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// Finds which subflows of a connection share a bottleneck, by their round trips. As in RFC 8382 it is delay that speaks and no
/// network has to help; but one sender sees all of its subflows with one clock, and can compare moments where that RFC
/// compares statistics. Not thread-safe: it belongs to its connection's thread.
/// </summary>
public sealed class BottleneckDetector
{
    private const long Interval = Instant.Second;
    private readonly List<(int Number, int Group, DelayTrace Trace)> _traces = [];
    private readonly List<(int One, int Other, BottleneckPair Pair)> _pairs = [];
    private Instant _next;

    /// <summary>Takes a round trip in nanoseconds of a subflow, measured at <paramref name="now"/>.</summary>
    /// <returns>Whether groups have changed.</returns>
    public bool Add(Instant now, int number, long roundTrip)
    {
        Trace(number).Add(now, roundTrip);
        if (now < _next || _pairs.Count == 0)
        {
            return false;
        }

        _next = now + Interval;
        bool changed = false;
        for (int i = 0; i < _pairs.Count; i++)
        {
            changed |= _pairs[i].Pair.Judge(now);
        }

        if (changed)
        {
            Regroup();
        }

        return changed;
    }

    /// <summary>A subflow is gone.</summary>
    public void Remove(int number)
    {
        _traces.RemoveAll(entry => entry.Number == number);
        _pairs.RemoveAll(entry => entry.One == number || entry.Other == number);
        Regroup();
    }

    /// <summary>The least number of the subflows that share a bottleneck with one; its own when there is none.</summary>
    public int GroupOf(int number)
    {
        int index = _traces.FindIndex(entry => entry.Number == number);
        return index < 0 ? number : _traces[index].Group;
    }

    /// <summary>What two subflows are to each other; null for one that has sent nothing.</summary>
    public BottleneckPair? Between(int one, int other) =>
        _pairs.Find(entry => entry.One == Math.Min(one, other) && entry.Other == Math.Max(one, other)).Pair;

    /// <summary>Whoever shares with one of a group belongs to it.</summary>
    private void Regroup()
    {
        for (int i = 0; i < _traces.Count; i++)
        {
            _traces[i] = _traces[i] with { Group = _traces[i].Number };
        }

        foreach ((int one, int other, BottleneckPair pair) in _pairs)
        {
            if (!pair.IsShared)
            {
                continue;
            }

            (int first, int second) = (GroupOf(one), GroupOf(other));
            for (int i = 0; i < _traces.Count; i++)
            {
                if (_traces[i].Group == Math.Max(first, second))
                {
                    _traces[i] = _traces[i] with { Group = Math.Min(first, second) };
                }
            }
        }
    }

    private DelayTrace Trace(int number)
    {
        for (int i = 0; i < _traces.Count; i++)
        {
            if (_traces[i].Number == number)
            {
                return _traces[i].Trace;
            }
        }

        var trace = new DelayTrace();
        foreach ((int other, _, DelayTrace its) in _traces)
        {
            _pairs.Add((Math.Min(number, other), Math.Max(number, other), new BottleneckPair(its, trace)));
        }

        _traces.Add((number, number, trace));
        return trace;
    }
}
