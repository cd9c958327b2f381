using Mptcp.Tcp;

namespace Mptcp.Simulation;

/// <summary>
/// One direction of a path: a queue, a rate or a recording, a delay, and what a medium does to packets. Time is an
/// argument, so the same model runs in virtual and in real time; all is integers, so the same seed and inputs give the same
/// packets at the same nanoseconds everywhere. Not thread-safe. Allocates nothing once it has held its largest backlog.
/// </summary>
public sealed class PathModel
{
    private const int Million = 1_000_000;
    private const int TailChance = 100_000;

    // How RED sees an idle time where no rate says it: in packets of one millisecond.
    private const long UnknownPacketTime = Instant.Millisecond;
    private const int TypicalPacket = 1000;

    private readonly PathOptions _options;
    private readonly ulong _seed;
    private readonly Queue<(Instant Sent, int Length)> _queue = new();
    private readonly Flight _flight = new();
    private readonly RedState? _red;
    private readonly TraceCursor? _trace;
    private readonly PathCut[] _cuts;
    private CrossTrafficSource? _others;
    private Instant? _start;
    private Instant _busyUntil;

    // What the last packet takes beyond the whole nanoseconds of _busyUntil, in 1/rate of a nanosecond: a train of
    // packets keeps the exact rate whatever the rounding of each.
    private long _busyRemainder;
    private long _queuedBytes;
    private Instant _latestArrival;
    private bool _inBurst;
    private long _dataSegments;

    private Tally _offered, _delivered, _queueDrops, _earlyDrops, _marked, _lost, _blackHoled, _corrupted, _duplicated;

    // One stream of random numbers each: a new one leaves the others as they are.
    private enum Fate
    {
        Loss,
        Duplicate,
        Reorder,
        BurstState,
        BurstLoss,
        Jitter,
        Early,
        Corrupt,
        CorruptPlace,
        CorruptBits,
        DataLoss,
        Tail,
        Count = 16,
    }

    /// <summary>Makes an idle, empty path.</summary>
    /// <param name="options">What it is like.</param>
    /// <param name="seed">Decides, with the index of a packet, about loss, duplicates, reordering, jitter and damage.</param>
    /// <param name="start">Where recording and cuts begin; null: with the first packet.</param>
    /// <exception cref="ArgumentException">A negative figure, a chance over a million, or a rate beside a recording.</exception>
    public PathModel(PathOptions options, ulong seed, Instant? start = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        (_options, _seed, _start) = (options, seed, start);
        _red = options.Red is { } red ? new RedState(red) : null;
        _trace = options.Trace is { } trace ? new TraceCursor(trace) : null;
        _cuts = [.. options.Cuts];
    }

    /// <summary>While true, packets vanish: those offered, and those that would arrive.</summary>
    public bool BlackHoled { get; set; }

    /// <summary>What became of the packets so far.</summary>
    public PathCounters Counters => new(_offered, _delivered, _queueDrops, _lost, _blackHoled)
    {
        EarlyDrops = _earlyDrops,
        Marked = _marked,
        Corrupted = _corrupted,
        Duplicated = _duplicated,
    };

    /// <summary>When <see cref="TryReceive"/> has something to do.</summary>
    public Instant NextTimeout => _flight.Next;

    /// <summary>Bytes that wait in the queue at <paramref name="now"/>, with those being serialised.</summary>
    public long QueuedBytes(Instant now)
    {
        while (_queue.TryPeek(out (Instant Sent, int Length) head) && head.Sent <= now)
        {
            _queue.Dequeue();
            _queuedBytes -= head.Length;
        }

        return _queuedBytes;
    }

    /// <summary>Offers a packet. <paramref name="now"/> never goes back.</summary>
    /// <returns>What became of it as far as that is known now.</returns>
    public PacketFate Send(Instant now, ReadOnlySpan<byte> packet)
    {
        _start ??= now;
        TakeOthers(now);
        var index = (ulong)_offered.Packets;
        _offered = _offered.Plus(packet.Length);

        // Drawn for each packet that is offered, so that losses go by its index, whatever the queue did before.
        bool lost = IsLost(index) | IsDataLost(packet);
        if (IsCut(now))
        {
            _blackHoled = _blackHoled.Plus(packet.Length);
            return PacketFate.BlackHoled;
        }

        long queued = QueuedBytes(now);
        bool mark = false;
        if (_red is not null && IsEarlyDrop(now, queued, index, packet, out mark))
        {
            _earlyDrops = _earlyDrops.Plus(packet.Length);
            return PacketFate.EarlyDrop;
        }

        if (queued + packet.Length > _options.QueueBytes || IsTailDrop(queued + packet.Length, index))
        {
            _queueDrops = _queueDrops.Plus(packet.Length);
            return PacketFate.QueueDrop;
        }

        Instant sent = Serialise(now, packet.Length);
        _queue.Enqueue((sent, packet.Length));
        _queuedBytes += packet.Length;
        if (lost)
        {
            _lost = _lost.Plus(packet.Length);
            return PacketFate.Lost;
        }

        Launch(index, sent, packet, mark);
        return PacketFate.OnItsWay;
    }

    /// <summary>Takes the next packet that has arrived by <paramref name="now"/>; false when there is none.</summary>
    /// <param name="now">The time.</param>
    /// <param name="buffer">At least as long as the longest packet offered.</param>
    /// <param name="length">The packet's length.</param>
    public bool TryReceive(Instant now, Span<byte> buffer, out int length)
    {
        bool received = TryTake(now, out ReadOnlySpan<byte> packet);
        packet.CopyTo(buffer);
        length = packet.Length;
        return received;
    }

    /// <summary>Takes the next packet that has arrived by <paramref name="now"/>, without a copy.</summary>
    /// <param name="now">The time.</param>
    /// <param name="packet">The packet; its bytes are valid until the next call of any method.</param>
    internal bool TryTake(Instant now, out ReadOnlySpan<byte> packet)
    {
        while (_flight.Next is var at && at != Instant.Never && at <= now)
        {
            packet = _flight.Take();
            if (!IsCut(at))
            {
                _delivered = _delivered.Plus(packet.Length);
                return true;
            }

            _blackHoled = _blackHoled.Plus(packet.Length);
        }

        packet = default;
        return false;
    }

    /// <summary>Lets in what others have sent until then.</summary>
    private void TakeOthers(Instant now)
    {
        if (_options.CrossTraffic is not { } traffic)
        {
            return;
        }

        _others ??= new CrossTrafficSource(traffic, ~_seed, _start!.Value);
        for (; _others.Next <= now; _others.Advance())
        {
            if (QueuedBytes(_others.Next) + CrossTraffic.PacketBytes <= _options.QueueBytes)
            {
                _queue.Enqueue((Serialise(_others.Next, CrossTraffic.PacketBytes), CrossTraffic.PacketBytes));
                _queuedBytes += CrossTraffic.PacketBytes;
            }
        }
    }

    private bool IsLost(ulong index)
    {
        bool lost = Happens(index, Fate.Loss, _options.LossPerMillion);
        if (_options.BurstLoss is { } burst)
        {
            _inBurst ^= Happens(index, Fate.BurstState, _inBurst ? burst.LeavePerMillion : burst.EnterPerMillion);
            lost |= Happens(index, Fate.BurstLoss, _inBurst ? burst.BadPerMillion : burst.GoodPerMillion);
        }

        return lost;
    }

    private bool IsTailDrop(long queued, ulong index) => queued > _options.QueueBytes - _options.RandomTailBytes
        && _options.RandomTailBytes > 0 && Happens(index, Fate.Tail, TailChance);

    private bool IsDataLost(ReadOnlySpan<byte> packet) => _options.DataLossPerMillion > 0
        && PacketHeaders.CarriesTcpPayload(packet)
        && Happens((ulong)_dataSegments++, Fate.DataLoss, _options.DataLossPerMillion);

    private bool IsCut(Instant at)
    {
        if (_cuts.Length > 0)
        {
            long sinceStart = at - _start!.Value;
            foreach (PathCut cut in _cuts)
            {
                if (cut.Holds(sinceStart))
                {
                    return true;
                }
            }
        }

        return BlackHoled;
    }

    private bool IsEarlyDrop(Instant now, long queued, ulong index, ReadOnlySpan<byte> packet, out bool mark)
    {
        long packetTime = _options.BitsPerSecond > 0
            ? Math.Max(1, TypicalPacket * 8 * Instant.Second / _options.BitsPerSecond)
            : UnknownPacketTime;
        long idle = queued == 0 && _offered.Packets > 1 ? Math.Max(0, now - _busyUntil) / packetTime : 0;
        RedState.Verdict verdict = _red!.Judge(queued, idle, Draw(index, Fate.Early));
        mark = verdict == RedState.Verdict.Early && _options.Red!.MarksEcn && PacketHeaders.IsEcnCapable(packet);
        return verdict != RedState.Verdict.Pass && !mark;
    }

    private Instant Serialise(Instant now, int length)
    {
        if (_trace is not null)
        {
            return _busyUntil = _start!.Value + _trace.Carry(now - _start.Value, length);
        }

        if (_busyUntil < now)
        {
            (_busyUntil, _busyRemainder) = (now, 0);
        }

        if (_options.BitsPerSecond > 0)
        {
            (long whole, _busyRemainder) = Math.DivRem(length * 8 * Instant.Second + _busyRemainder, _options.BitsPerSecond);
            _busyUntil += whole;
        }

        return _busyUntil;
    }

    private void Launch(ulong index, Instant sent, ReadOnlySpan<byte> packet, bool mark)
    {
        Instant at = sent + _options.DelayNanoseconds;
        if (_options.JitterNanoseconds > 0)
        {
            at += (long)(Draw(index, Fate.Jitter) % (ulong)(_options.JitterNanoseconds + 1));
            if (!_options.JitterReorders)
            {
                at = _latestArrival = at < _latestArrival ? _latestArrival : at;
            }
        }

        bool late = Happens(index, Fate.Reorder, _options.ReorderPerMillion);
        Span<byte> copy = _flight.Add(late ? at + _options.ReorderNanoseconds : at, packet, late);
        if (mark)
        {
            PacketHeaders.MarkCongestion(copy);
            _marked = _marked.Plus(packet.Length);
        }

        if (Happens(index, Fate.Corrupt, _options.CorruptPerMillion) && packet.Length >= sizeof(ulong))
        {
            Damage(copy, Draw(index, Fate.CorruptPlace), Draw(index, Fate.CorruptBits));
            _corrupted = _corrupted.Plus(packet.Length);
        }

        if (Happens(index, Fate.Duplicate, _options.DuplicatePerMillion))
        {
            _flight.Add(at, packet, overtaken: false);
            _duplicated = _duplicated.Plus(packet.Length);
        }
    }

    private void Damage(Span<byte> packet, ulong place, ulong pattern)
    {
        // The width from the high bits of the place, the first bit from the low ones.
        int width = 1 + (int)((place >> 32) % (ulong)_options.CorruptBits);
        int first = (int)((uint)place % (uint)(packet.Length * 8 - width + 1));
        for (int i = 0; i < width; i++)
        {
            if (i == 0 || i == width - 1 || (pattern >> i & 1) != 0)
            {
                packet[(first + i) >> 3] ^= (byte)(0x80 >> ((first + i) & 7));
            }
        }
    }

    private ulong Draw(ulong index, Fate fate) => SplitMix64.At(_seed, index * (ulong)Fate.Count + (ulong)fate);

    private bool Happens(ulong index, Fate fate, int perMillion) =>
        perMillion > 0 && Draw(index, fate) % Million < (ulong)perMillion;
}
