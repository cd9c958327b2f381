namespace Mptcp.Stack;

/// <summary>The deadlines of sockets, the earliest at hand: a binary heap in which each socket knows its place.</summary>
internal sealed class DeadlineHeap
{
    private readonly List<StackSocket> _heap = [];

    /// <summary>The socket whose deadline is the earliest; null when none has one.</summary>
    public StackSocket? First => _heap.Count > 0 ? _heap[0] : null;

    /// <summary>Takes a socket in, by its <see cref="StackSocket.Deadline"/>.</summary>
    public void Add(StackSocket socket)
    {
        _heap.Add(socket);
        Rise(socket, _heap.Count - 1);
    }

    /// <summary>Takes a socket out, if it is inside.</summary>
    public void Remove(StackSocket socket)
    {
        int at = socket.HeapPlace;
        if (at < 0)
        {
            return;
        }

        StackSocket last = _heap[^1];
        _heap.RemoveAt(_heap.Count - 1);
        socket.HeapPlace = -1;
        if (last != socket)
        {
            Rise(last, at);
            Sink(last, last.HeapPlace);
        }
    }

    private void Rise(StackSocket socket, int at)
    {
        for (; at > 0 && _heap[(at - 1) / 2].Deadline > socket.Deadline; at = (at - 1) / 2)
        {
            Put(_heap[(at - 1) / 2], at);
        }

        Put(socket, at);
    }

    private void Sink(StackSocket socket, int at)
    {
        for (int child = 2 * at + 1; child < _heap.Count; child = 2 * at + 1)
        {
            child += child + 1 < _heap.Count && _heap[child + 1].Deadline < _heap[child].Deadline ? 1 : 0;
            if (_heap[child].Deadline >= socket.Deadline)
            {
                break;
            }

            Put(_heap[child], at);
            at = child;
        }

        Put(socket, at);
    }

    private void Put(StackSocket socket, int at) => (_heap[at], socket.HeapPlace) = (socket, at);
}
