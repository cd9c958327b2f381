namespace Mptcp.Multipath;

/// <summary>The latest events of a connection, for whoever comes to read them.</summary>
internal sealed class EventLog
{
    private const int Limit = 256;
    private readonly Queue<ConnectionEvent> _events = new();

    public void Add(ConnectionEventKind kind, Subflow subflow, string reason) =>
        Add(new ConnectionEvent(kind, subflow.Number, subflow.Local, subflow.Remote, reason));

    public void Add(in ConnectionEvent added)
    {
        // Nobody may be reading: the oldest go.
        if (_events.Count == Limit)
        {
            _events.Dequeue();
        }

        _events.Enqueue(added);
    }

    public bool TryTake(out ConnectionEvent taken) => _events.TryDequeue(out taken);
}
