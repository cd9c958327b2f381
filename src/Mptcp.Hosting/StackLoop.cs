using System.Collections.Concurrent;
using System.Diagnostics;
using Mptcp.Stack;
using Mptcp.Tcp;

namespace Mptcp.Hosting;

/// <summary>What an operation on the loop's thread came to.</summary>
/// <param name="Done">False: try again after the next event.</param>
/// <param name="Result">What it gave, once done.</param>
public readonly record struct Attempt<T>(bool Done, T Result);

/// <summary>
/// The one thread that owns a stack, its clock and its links. Everything else reaches the stack by posting an operation,
/// which is tried again after every event until it is done. Every public member may be called from any thread.
/// </summary>
public sealed class StackLoop : IDisposable
{
    private const int PacketRoom = 65_536;
    private const int ReadsPerTurn = 64;
    private readonly NetworkStack _stack;
    private readonly IReadOnlyList<ILink> _links;
    private readonly ILinkWaiter _waiter;
    private readonly ConcurrentQueue<IOperation> _posted = new();
    private readonly List<IOperation> _pending = [];
    private readonly byte[] _buffer = new byte[PacketRoom];
    private readonly Thread _thread;
    private volatile bool _stopping;
    private long _packetsRefusedByLinks;

    /// <summary>Starts the thread. The stack and the links belong to it from now on; the waiter is disposed with it.</summary>
    public StackLoop(NetworkStack stack, IReadOnlyList<ILink> links, ILinkWaiter waiter)
    {
        (_stack, _links, _waiter) = (stack, links, waiter);
        _thread = new Thread(Run) { IsBackground = true, Name = "mptcp loop" };
        _thread.Start();
    }

    private interface IOperation
    {
        bool TryComplete(NetworkStack stack, Instant now);

        void Cancel();
    }

    /// <summary>Packets that a link did not take: to the engine they are lost on the way.</summary>
    public long PacketsRefusedByLinks => Volatile.Read(ref _packetsRefusedByLinks);

    /// <summary>Tries <paramref name="attempt"/> on the loop's thread until it is done.</summary>
    /// <exception cref="ObjectDisposedException">The loop has stopped.</exception>
    /// <exception cref="OperationCanceledException">The token, or the loop's end, came first.</exception>
    public Task<T> RunAsync<T>(Func<NetworkStack, Instant, Attempt<T>> attempt, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_stopping, this);
        var operation = new Operation<T>(attempt, cancellationToken);
        _posted.Enqueue(operation);
        _waiter.Wake();
        return operation.Task;
    }

    /// <summary>Stops the thread; operations that are not done are cancelled.</summary>
    public void Dispose()
    {
        if (_stopping)
        {
            return;
        }

        _stopping = true;
        _waiter.Wake();
        _thread.Join();
        _waiter.Dispose();
    }

    private static Instant Now()
    {
        // Ticks of the stopwatch are nanoseconds on Linux and 100 ns on Windows.
        long ticks = Stopwatch.GetTimestamp();
        return new Instant((long)((UInt128)ticks * (ulong)Instant.Second / (ulong)Stopwatch.Frequency));
    }

    private void Run()
    {
        while (!_stopping)
        {
            Receive();
            Instant now = Now();
            if (_stack.NextTimeout <= now)
            {
                _stack.HandleTimeout(now);
            }

            RunOperations(now);
            Transmit(now);
            Instant next = _stack.NextTimeout;
            _waiter.Wait(next == Instant.Never ? Instant.Second : Math.Clamp(next - Now(), 0, Instant.Second));
        }

        _pending.AddRange(_posted);
        _pending.ForEach(operation => operation.Cancel());
    }

    private void Receive()
    {
        for (int link = 0; link < _links.Count; link++)
        {
            for (int i = 0; i < ReadsPerTurn; i++)
            {
                int length = _links[link].TryRead(_buffer);
                if (length < 1)
                {
                    break;
                }

                Instant now = Now();
                _stack.HandlePacket(now, link, _buffer.AsSpan(0, length));
                Transmit(now);
            }
        }
    }

    private void Transmit(Instant now)
    {
        while (_stack.TryTransmit(now, _buffer, out int link, out int length))
        {
            if (link < 0 || _links[link].TryWrite(_buffer.AsSpan(0, length)) < 1)
            {
                Volatile.Write(ref _packetsRefusedByLinks, _packetsRefusedByLinks + 1);
            }
        }
    }

    private void RunOperations(Instant now)
    {
        while (_posted.TryDequeue(out IOperation? operation))
        {
            _pending.Add(operation);
        }

        for (int i = 0; i < _pending.Count;)
        {
            if (_pending[i].TryComplete(_stack, now))
            {
                _pending.RemoveAt(i);
            }
            else
            {
                i++;
            }
        }
    }

    private sealed class Operation<T>(Func<NetworkStack, Instant, Attempt<T>> attempt, CancellationToken cancellationToken)
        : IOperation
    {
        // Continuations never run on the loop's thread.
        private readonly TaskCompletionSource<T> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Task => _source.Task;

        public bool TryComplete(NetworkStack stack, Instant now)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                _source.TrySetCanceled(cancellationToken);
                return true;
            }

            try
            {
                Attempt<T> outcome = attempt(stack, now);
                if (outcome.Done)
                {
                    _source.TrySetResult(outcome.Result);
                }

                return outcome.Done;
            }
            catch (IOException e)
            {
                _source.TrySetException(e);
                return true;
            }
        }

        public void Cancel() => _source.TrySetCanceled(CancellationToken.None);
    }
}
