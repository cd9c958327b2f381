using Mptcp.Simulation;
using Mptcp.Tcp;

namespace Mptcp.Lab;

/// <summary>
/// Two directions of a path in real time, between two ends. Belongs to one <see cref="PathEmulator"/>, which disposes the
/// ends. Every public member may be called from any thread.
/// </summary>
public sealed class EmulatedPath
{
    // So that one busy device does not keep the others waiting.
    private const int PacketsPerTurn = 64;

    private readonly Lock _gate = new();
    private readonly PathModel _forward;
    private readonly PathModel _back;
    private PathEmulator? _emulator;
    private long _refused;
    private long _latest;
    private long _late;

    /// <summary>Joins two ends.</summary>
    /// <param name="first">Where forward packets come from.</param>
    /// <param name="second">Where they go.</param>
    /// <param name="forward">From the first to the second.</param>
    /// <param name="back">From the second to the first.</param>
    /// <param name="seed">Decides about losses.</param>
    public EmulatedPath(PathEnd first, PathEnd second, PathOptions forward, PathOptions back, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        (First, Second) = (first, second);
        _forward = new PathModel(forward, unchecked(2 * seed));
        _back = new PathModel(back, unchecked((2 * seed) + 1));
        first.Attach(this, PathDirection.Forward);
        second.Attach(this, PathDirection.Back);
    }

    /// <summary>What became of the packets from the first end to the second.</summary>
    public PathCounters Forward
    {
        get
        {
            lock (_gate)
            {
                return _forward.Counters;
            }
        }
    }

    /// <summary>What became of the packets from the second end to the first.</summary>
    public PathCounters Back
    {
        get
        {
            lock (_gate)
            {
                return _back.Counters;
            }
        }
    }

    /// <summary>Packets that came to an end whose host did not take them.</summary>
    public long Refused => Volatile.Read(ref _refused);

    /// <summary>
    /// How late the machine was at worst in handing over a packet: what a measurement beside a busy neighbour is worth.
    /// </summary>
    public TimeSpan LongestDelay => TimeSpan.FromTicks(Volatile.Read(ref _latest) / TimeSpan.NanosecondsPerTick);

    /// <summary>Packets that were handed over more than a millisecond late.</summary>
    public long LatePackets => Volatile.Read(ref _late);

    /// <summary>Cuts both directions without a word to anybody, or mends them.</summary>
    public bool BlackHoled
    {
        get
        {
            lock (_gate)
            {
                return _forward.BlackHoled;
            }
        }

        set
        {
            lock (_gate)
            {
                _forward.BlackHoled = _back.BlackHoled = value;
            }
        }
    }

    internal PathEnd First { get; }

    internal PathEnd Second { get; }

    /// <summary>When the next packet arrives at an end.</summary>
    internal Instant NextTimeout
    {
        get
        {
            lock (_gate)
            {
                return Instant.Min(_forward.NextTimeout, _back.NextTimeout);
            }
        }
    }

    /// <exception cref="InvalidOperationException">The path has an emulator.</exception>
    internal void Attach(PathEmulator emulator) => _emulator = _emulator is null
        ? emulator
        : throw new InvalidOperationException("A path belongs to one emulator.");

    /// <summary>Puts a packet on the path from a thread that is not the emulator's.</summary>
    internal void Offer(PathDirection direction, ReadOnlySpan<byte> packet)
    {
        Instant next = Send(direction == PathDirection.Forward ? _forward : _back, packet);
        _emulator?.WakeFor(next);
    }

    /// <summary>Moves what can move now, on the emulator's thread.</summary>
    internal void Pump(Span<byte> buffer)
    {
        Take(First, _forward, buffer);
        Take(Second, _back, buffer);
        Give(_forward, Second, buffer);
        Give(_back, First, buffer);
    }

    private void Take(PathEnd end, PathModel model, Span<byte> buffer)
    {
        for (int i = 0; i < PacketsPerTurn; i++)
        {
            int length = end.TakeFromHost(buffer);
            if (length < 1)
            {
                break;
            }

            Send(model, buffer[..length]);
        }
    }

    private Instant Send(PathModel model, ReadOnlySpan<byte> packet)
    {
        lock (_gate)
        {
            // Inside the lock, so that time never goes back for the model.
            model.Send(PathEmulator.Now(), packet);
            return model.NextTimeout;
        }
    }

    private void Give(PathModel model, PathEnd end, Span<byte> buffer)
    {
        while (true)
        {
            int length;
            long late;
            lock (_gate)
            {
                Instant now = PathEmulator.Now();
                late = now - model.NextTimeout;
                if (!model.TryReceive(now, buffer, out length))
                {
                    return;
                }
            }

            NoteDelay(late);

            if (!end.GiveToHost(buffer[..length]))
            {
                Volatile.Write(ref _refused, _refused + 1);
            }
        }
    }

    private void NoteDelay(long late)
    {
        if (late > _latest)
        {
            Volatile.Write(ref _latest, late);
        }

        if (late > Instant.Millisecond)
        {
            Volatile.Write(ref _late, _late + 1);
        }
    }
}
