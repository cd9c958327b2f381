using System.Diagnostics;
using Mptcp.Links;
using Mptcp.Tcp;

namespace Mptcp.Lab;

/// <summary>
/// Runs emulated paths in real time on one thread of its own. Linux only. Every public member may be called from any
/// thread.
/// </summary>
public sealed class PathEmulator : IDisposable
{
    private const int PacketRoom = 65_536;

    // What the thread waits for: everything is too early while it is awake, nothing is while it looks.
    private const long Awake = long.MinValue;
    private const long Looking = long.MaxValue;

    private readonly PollWaiter _waiter;
    private readonly Thread _thread;
    private readonly byte[] _buffer = new byte[PacketRoom];
    private long _sleepsUntil = Awake;
    private volatile bool _stopping;

    /// <summary>Starts the thread. The paths and their ends belong to the emulator from now on.</summary>
    /// <exception cref="LinkException">The process has no file descriptor left.</exception>
    public PathEmulator(IReadOnlyList<EmulatedPath> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        Paths = paths;
        _waiter = new PollWaiter([.. paths.SelectMany(path => new[] { path.First.Device, path.Second.Device }).OfType<TunDevice>()]);
        foreach (EmulatedPath path in paths)
        {
            path.Attach(this);
        }

        _thread = new Thread(Run) { IsBackground = true, Name = "path emulator" };
        _thread.Start();
    }

    /// <summary>The paths, in the order in which they were given.</summary>
    public IReadOnlyList<EmulatedPath> Paths { get; }

    /// <summary>Cuts a path, or mends it.</summary>
    /// <param name="path">Its number, from 0.</param>
    /// <param name="blackHoled">True: packets vanish.</param>
    public void SetBlackHole(int path, bool blackHoled) => Paths[path].BlackHoled = blackHoled;

    /// <summary>Stops the thread and disposes the ends: TUNs vanish.</summary>
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
        foreach (EmulatedPath path in Paths)
        {
            path.First.Dispose();
            path.Second.Dispose();
        }
    }

    /// <summary>The emulator's clock.</summary>
    internal static Instant Now()
    {
        // Ticks of the stopwatch are nanoseconds on Linux.
        long ticks = Stopwatch.GetTimestamp();
        return new Instant((long)((UInt128)ticks * (ulong)Instant.Second / (ulong)Stopwatch.Frequency));
    }

    /// <summary>Ends the sleep if it would last beyond <paramref name="next"/>.</summary>
    internal void WakeFor(Instant next)
    {
        if (!_stopping && next.Nanoseconds < Volatile.Read(ref _sleepsUntil))
        {
            _waiter.Wake();
        }
    }

    private void Run()
    {
        // An emulator that comes late is a worse path than the one it was told to be. Without the right, it does its best.
        RealTimeThread.Enter();
        while (!_stopping)
        {
            foreach (EmulatedPath path in Paths)
            {
                path.Pump(_buffer);
            }

            Sleep();
        }
    }

    private void Sleep()
    {
        // Order matters: whoever offers a packet after we looked at its path must find that we look, or until when.
        Interlocked.Exchange(ref _sleepsUntil, Looking);
        Instant next = Now() + Instant.Second;
        foreach (EmulatedPath path in Paths)
        {
            next = Instant.Min(next, path.NextTimeout);
        }

        Volatile.Write(ref _sleepsUntil, next.Nanoseconds);
        _waiter.Wait(Math.Max(0, next - Now()));
        Volatile.Write(ref _sleepsUntil, Awake);
    }
}
