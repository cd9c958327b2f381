namespace Mptcp.Stack;

/// <summary>A port that takes connections. Owned by its stack, and like it not thread-safe.</summary>
public sealed class StackListener
{
    private readonly Queue<StackSocket> _ready = new();

    internal StackListener(ushort port, int backlog, int fastOpen)
    {
        (Port, Backlog) = (port, backlog);
        FastOpen = new FastOpenRequests(fastOpen);
    }

    /// <summary>The port it listens on, on every local address.</summary>
    public ushort Port { get; }

    /// <summary>How many connections may wait, half-open ones included.</summary>
    public int Backlog { get; }

    /// <summary>Connections that wait to be accepted.</summary>
    public int Ready => _ready.Count;

    internal int HalfOpen { get; set; }

    internal FastOpenRequests FastOpen { get; }

    internal bool HasRoom => _ready.Count + HalfOpen < Backlog;

    /// <summary>
    /// Takes a connection that is established, or that a Fast Open brought data for (SYN-RECEIVED); false when none waits.
    /// </summary>
    public bool TryAccept(out StackSocket socket) => _ready.TryDequeue(out socket!);

    internal void Add(StackSocket socket) => _ready.Enqueue(socket);
}
