using Mptcp.Wire;

namespace Mptcp.Stack;

/// <summary>Waits for connections on a port. Made by <see cref="NetworkStack.TryListen(in ListenOptions)"/>.</summary>
public sealed class StackListener
{
    private readonly Queue<StackSocket> _ready = new();

    internal StackListener(in ListenOptions options, SocketOptions socket)
    {
        (Address, Port, Backlog, Options) = (options.Address, options.Port, options.Backlog, socket);
        FastOpen = new FastOpenRequests(options.FastOpen);
    }

    /// <summary>The address it listens on, 0.0.0.0 or :: for those of a family; null for every one.</summary>
    public IpAddress? Address { get; }

    /// <summary>The port it listens on.</summary>
    public ushort Port { get; }

    /// <summary>How many connections may wait, half-open ones included. It counts for those that come from now on.</summary>
    public int Backlog { get; set; }

    /// <summary>What the connections that come from now on are told.</summary>
    public SocketOptions Options { get; set; }

    /// <summary>How many connections may be open by a Fast Open cookie alone; 0 takes none.</summary>
    public int FastOpenLimit
    {
        get => FastOpen.Limit;
        set => FastOpen.Limit = value;
    }

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
