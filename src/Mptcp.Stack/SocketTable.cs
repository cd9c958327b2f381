using Mptcp.Tcp;

namespace Mptcp.Stack;

/// <summary>
/// The sockets of a host in the order of their making: whose turn it is to send, and when the next has something due.
/// A socket that had nothing to send sleeps until something is done to its connection or its deadline has come. So a
/// packet costs the same, however many connections have nothing to do with it.
/// </summary>
internal sealed class SocketTable
{
    private readonly List<StackSocket> _all = [];

    // In the order of _all.
    private readonly List<StackSocket> _awake = [];
    private readonly DeadlineHeap _deadlines = new();
    private int _turn;
    private bool _anyOver;

    /// <summary>Every socket whose connection is not over.</summary>
    public IReadOnlyList<StackSocket> All => _all;

    /// <summary>Those that are to be asked what they want.</summary>
    public IReadOnlyList<StackSocket> Awake => _awake;

    /// <summary>When the host was last asked for packets: what is done without a time is done then.</summary>
    public Instant Now { get; private set; }

    /// <summary>The earliest deadline of all.</summary>
    public Instant NextTimeout
    {
        get
        {
            Instant next = _deadlines.First?.Deadline ?? Instant.Never;
            for (int i = 0; i < _awake.Count; i++)
            {
                next = Instant.Min(next, _awake[i].NextTimeout);
            }

            return next;
        }
    }

    public void Add(StackSocket socket)
    {
        socket.Place = _all.Count;
        _all.Add(socket);
        Wake(socket);
    }

    /// <summary>Something is done to its connection.</summary>
    public void Wake(StackSocket socket)
    {
        // One that is forgotten can still be read.
        if (!socket.IsAwake && socket.Place >= 0)
        {
            socket.IsAwake = true;
            _deadlines.Remove(socket);
            _awake.Insert(FirstAwake(socket.Place), socket);
        }
    }

    /// <summary>Its connection has nothing to send.</summary>
    public void Sleep(StackSocket socket)
    {
        socket.IsAwake = false;
        _awake.RemoveAt(FirstAwake(socket.Place));
        _anyOver |= socket.IsOver;
        socket.Deadline = socket.NextTimeout;
        if (socket.Deadline != Instant.Never)
        {
            _deadlines.Add(socket);
        }
    }

    /// <summary>The time is <paramref name="now"/>: those that have something due wake up.</summary>
    public void HandleTime(Instant now)
    {
        Now = now;
        while (_deadlines.First is { } socket && socket.Deadline <= now)
        {
            Wake(socket);
        }
    }

    /// <summary>The first that is awake, beginning with the one whose turn it is; null when all sleep.</summary>
    public StackSocket? First() => _awake.Count == 0 ? null : _awake[FirstAwake(Turn) % _awake.Count];

    /// <summary>The next after <paramref name="socket"/>; null when each was asked once since <see cref="First"/>.</summary>
    public StackSocket? After(StackSocket socket)
    {
        StackSocket? next = _awake.Count == 0 ? null : _awake[FirstAwake(socket.Place + 1) % _awake.Count];
        return next is not null && Distance(next) > Distance(socket) ? next : null;
    }

    /// <summary>A socket has sent: the turn is the next one's, so that who has much to send does not starve the others.</summary>
    public void HandleSent(StackSocket socket) => _turn = (socket.Place + 1) % _all.Count;

    /// <summary>Takes out one whose connection is over.</summary>
    public bool TryTakeOver(out StackSocket? over)
    {
        over = _anyOver ? _all.Find(static socket => socket.IsOver) : null;
        _anyOver = over is not null;
        if (over is null)
        {
            return false;
        }

        if (over.IsAwake)
        {
            Sleep(over);
        }

        _deadlines.Remove(over);
        _all.RemoveAt(over.Place);
        for (int i = over.Place; i < _all.Count; i++)
        {
            _all[i].Place = i;
        }

        over.Place = -1;

        return true;
    }

    private int Turn => _turn % _all.Count;

    private int Distance(StackSocket socket) => (socket.Place - Turn + _all.Count) % _all.Count;

    /// <summary>How many of those that are awake come before a place.</summary>
    private int FirstAwake(int place)
    {
        (int low, int high) = (0, _awake.Count);
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = _awake[middle].Place < place ? (middle + 1, high) : (low, middle);
        }

        return low;
    }
}
