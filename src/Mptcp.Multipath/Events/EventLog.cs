using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>The latest events of a connection, for whoever comes to read them.</summary>
/// <param name="now">The time.</param>
internal sealed class EventLog(Func<Instant> now)
{
    private const int Limit = 256;
    private readonly Queue<ConnectionEvent> _events = new();
    private readonly Dictionary<ConnectionEventCode, int> _counts = [];

    /// <summary>How often an event had this code, those that were never taken included.</summary>
    public int CountOf(ConnectionEventCode code) => _counts.GetValueOrDefault(code);

    /// <summary>Replaces the list's content by what happened how often, by code.</summary>
    public void CopyCounts(List<(ConnectionEventCode Code, int Count)> destination)
    {
        destination.Clear();
        foreach ((ConnectionEventCode code, int count) in _counts)
        {
            destination.Add((code, count));
        }

        destination.Sort();
    }

    public void Add(ConnectionEventKind kind, Subflow subflow, ConnectionEventCode code, string detail = "") =>
        Add(new ConnectionEvent(kind, subflow.Number, subflow.Local, subflow.Remote, code, detail));

    public void Add(in ConnectionEvent added)
    {
        Count(added.Code);

        // Nobody may be reading: the oldest go.
        if (_events.Count == Limit)
        {
            _events.Dequeue();
        }

        _events.Enqueue(added with { At = now() });
    }

    /// <summary>Something that may happen with every segment is counted and not told.</summary>
    public void Count(ConnectionEventCode code) => _counts[code] = CountOf(code) + 1;

    public bool TryTake(out ConnectionEvent taken) => _events.TryDequeue(out taken);
}
