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
    private readonly Lock _gate = new();
    private readonly Thread _thread;
    private bool _ended;
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

    /// <summary>
    /// Tries <paramref name="attempt"/> on the loop's thread until it is done. What it throws, the caller gets.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The loop has stopped.</exception>
    /// <exception cref="OperationCanceledException">The token, or the loop's end, came first.</exception>
    public Task<T> RunAsync<T>(Func<NetworkStack, Instant, Attempt<T>> attempt, CancellationToken cancellationToken = default)
    {
        var operation = new Operation<T>(this, attempt, cancellationToken);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_ended, this);
            _posted.Enqueue(operation);
            _waiter.Wake();
        }

        return operation.Task;
    }

    /// <summary>Stops the thread; operations that are not done are cancelled.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_ended)
            {
                return;
            }

            _ended = true;
            _stopping = true;
            _waiter.Wake();
        }

        _thread.Join();
        _waiter.Dispose();
    }

    private void Wake()
    {
        lock (_gate)
        {
            if (!_ended)
            {
                _waiter.Wake();
            }
        }
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
            bool maybeMore = Receive();
            Instant now = Now();
            if (_stack.NextTimeout <= now)
            {
                _stack.HandleTimeout(now);
            }

            RunOperations(now);
            Transmit(now);
            Instant next = _stack.NextTimeout;
            _waiter.Wait(maybeMore
                ? 0
                : next == Instant.Never ? Instant.Second : Math.Clamp(next - Now(), 0, Instant.Second));
        }

        _pending.AddRange(_posted);
        _pending.ForEach(operation => operation.Cancel());
    }

    // True when a link was left before it was empty, so that the others, and the operations, get their turn.
    private bool Receive()
    {
        bool maybeMore = false;
        for (int link = 0; link < _links.Count; link++)
        {
            int reads = 0;
            for (int length; reads < ReadsPerTurn && (length = _links[link].TryRead(_buffer)) > 0; reads++)
            {
                Instant now = Now();
                _stack.HandlePacket(now, link, _buffer.AsSpan(0, length));
                Transmit(now);
            }

            maybeMore |= reads == ReadsPerTurn;
        }

        return maybeMore;
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

        // One that is done may be what another waited for: an abort ends a read.
        bool progress = _pending.Count > 0;
        while (progress)
        {
            progress = _pending.RemoveAll(operation => operation.TryComplete(_stack, now)) > 0;
        }
    }

    private sealed class Operation<T> : IOperation
    {
        // Continuations never run on the loop's thread.
        private readonly TaskCompletionSource<T> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Func<NetworkStack, Instant, Attempt<T>> _attempt;
        private readonly CancellationToken _token;
        private readonly CancellationTokenRegistration _registration;

        public Operation(
            StackLoop loop, Func<NetworkStack, Instant, Attempt<T>> attempt, CancellationToken cancellationToken)
        {
            (_attempt, _token) = (attempt, cancellationToken);

            // Only the loop's thread ends an operation, so that a buffer is its caller's again once the task has ended.
            _registration = cancellationToken.UnsafeRegister(static loop => ((StackLoop)loop!).Wake(), loop);
        }

        public Task<T> Task => _source.Task;

        public bool TryComplete(NetworkStack stack, Instant now)
        {
            if (_token.IsCancellationRequested)
            {
                Cancel();
                return true;
            }

            try
            {
                Attempt<T> outcome = _attempt(stack, now);
                if (outcome.Done)
                {
                    _registration.Unregister();
                    _source.TrySetResult(outcome.Result);
                }

                return outcome.Done;
            }
            catch (Exception e)
            {
                // The attempt is the caller's code, and so is what it throws.
                _registration.Unregister();
                _source.TrySetException(e);
                return true;
            }
        }

        public void Cancel()
        {
            _registration.Unregister();
            _source.TrySetCanceled(_token);
        }
    }
}
