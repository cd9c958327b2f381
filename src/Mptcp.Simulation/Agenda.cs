using Mptcp.Tcp;

namespace Mptcp.Simulation;

/// <summary>When each of some numbered things wants to act, the earliest at hand, and of those the lowest number: a heap.</summary>
internal sealed class Agenda
{
    private readonly List<Instant> _times = [];
    private readonly List<int> _heap = [];
    private readonly List<int> _places = [];

    /// <summary>When the first is due.</summary>
    public Instant Next => _heap.Count > 0 ? _times[_heap[0]] : Instant.Never;

    /// <summary>The one that <see cref="Next"/> is of.</summary>
    public int First => _heap[0];

    /// <summary>When one of them is due.</summary>
    public Instant TimeOf(int number) => _times[number];

    /// <summary>Adds one more, with the next number.</summary>
    public void Add()
    {
        _times.Add(Instant.Never);
        _places.Add(_heap.Count);
        _heap.Add(_places.Count - 1);
    }

    /// <summary>Says when one of them wants to act.</summary>
    public void Set(int number, Instant time)
    {
        Instant before = _times[number];
        if (time == before)
        {
            return;
        }

        _times[number] = time;
        if (time < before)
        {
            Rise(number, _places[number]);
        }
        else
        {
            Sink(number, _places[number]);
        }
    }

    private bool IsBefore(int one, int other) =>
        _times[one] < _times[other] || (_times[one] == _times[other] && one < other);

    private void Rise(int number, int at)
    {
        for (; at > 0 && IsBefore(number, _heap[(at - 1) / 2]); at = (at - 1) / 2)
        {
            Put(_heap[(at - 1) / 2], at);
        }

        Put(number, at);
    }

    private void Sink(int number, int at)
    {
        for (int child = (2 * at) + 1; child < _heap.Count; child = (2 * at) + 1)
        {
            child += child + 1 < _heap.Count && IsBefore(_heap[child + 1], _heap[child]) ? 1 : 0;
            if (!IsBefore(_heap[child], number))
            {
                break;
            }

            Put(_heap[child], at);
            at = child;
        }

        Put(number, at);
    }

    private void Put(int number, int at) => (_heap[at], _places[number]) = (number, at);
}
