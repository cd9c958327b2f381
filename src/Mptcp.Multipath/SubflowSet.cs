using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>The subflows of a connection: those that live, in the order in which they may send, and those that ended.</summary>
internal sealed class SubflowSet(IScheduler scheduler)
{
    private readonly List<Subflow> _alive = [];
    private const int EndedLimit = 64;
    private const long ReminderInterval = 400 * Instant.Millisecond;
    private const long RareReminderInterval = 10 * Instant.Second;
    private const long EagerReminders = 60 * Instant.Second;

    /// <summary>What a subflow takes without its queues, in bytes: about that.</summary>
    public const long SubflowSize = 6 * 1024;

    private readonly List<SubflowInfo> _ended = [];
    private readonly Queue<Subflow> _toForget = new();
    private int _made;

    /// <summary>Those that are not closed, or have a RST to send yet.</summary>
    public IReadOnlyList<Subflow> Alive => _alive;

    public int Count => _alive.Count;

    /// <summary>The number of the next subflow.</summary>
    public int NextNumber => _made;

    public bool AnyAlive => _alive.Exists(subflow => subflow.IsAlive);

    /// <summary>Whether a subflow could take over from one that is suspect.</summary>
    public bool AnyTrusted => _alive.Exists(subflow => subflow is { IsUsable: true, IsTrusted: true });

    public bool AllFinished => _alive.TrueForAll(s => s.Connection.State is TcpState.Closed or TcpState.TimeWait);

    /// <summary>Those that are not closed.</summary>
    public int CountAlive
    {
        get
        {
            int count = 0;
            for (int i = 0; i < _alive.Count; i++)
            {
                count += _alive[i].IsAlive ? 1 : 0;
            }

            return count;
        }
    }

    /// <summary>Subflows beside the initial one that count against the limit: half-open ones of the peer do not.</summary>
    public int Further
    {
        get
        {
            int count = 0;
            for (int i = 0; i < _alive.Count; i++)
            {
                count += _alive[i] is { Number: > 0, IsAlive: true, AwaitsProof: false } ? 1 : 0;
            }

            return count;
        }
    }

    /// <summary>Joins of the peer whose third ACK has not come.</summary>
    public int HalfOpen
    {
        get
        {
            int count = 0;
            for (int i = 0; i < _alive.Count; i++)
            {
                count += _alive[i] is { IsAlive: true, AwaitsProof: true } ? 1 : 0;
            }

            return count;
        }
    }

    public Subflow? FirstUsable => _alive.Find(subflow => subflow.IsUsable);

    public Instant NextTimeout
    {
        get
        {
            Instant next = Instant.Never;
            for (int i = 0; i < _alive.Count; i++)
            {
                next = Instant.Min(next, Instant.Min(_alive[i].NextTimeout, SilenceDeadline(_alive[i])));
            }

            return next;
        }
    }

    public long LargestRtt
    {
        get
        {
            long largest = 0;
            for (int i = 0; i < _alive.Count; i++)
            {
                largest = Math.Max(largest, _alive[i].Connection.SmoothedRtt);
            }

            return largest;
        }
    }

    /// <summary>
    /// Bytes that can be on their way together until the slowest path has answered: the sum of the rates, times the
    /// longest round trip.
    /// </summary>
    public long Capacity
    {
        get
        {
            long longest = LargestRtt;
            long sum = 0;
            for (int i = 0; i < _alive.Count; i++)
            {
                TcpConnection connection = _alive[i].Connection;
                long roundTrip = Math.Max(connection.SmoothedRtt, 1);
                sum += (long)((Int128)connection.CongestionWindow * longest / roundTrip);
            }

            return sum;
        }
    }

    public void Add(Subflow subflow)
    {
        _made++;
        _alive.Add(subflow);
    }

    /// <summary>Ends the life of a subflow that has nothing more to send.</summary>
    public void Retire(int index)
    {
        // A peer may open and reset subflows for as long as it likes: the oldest are forgotten.
        if (_ended.Count == EndedLimit)
        {
            _ended.RemoveAt(0);
        }

        _ended.Add(_alive[index].Info);
        _toForget.Enqueue(_alive[index]);
        _alive.RemoveAt(index);
    }

    /// <summary>What the queues of those that live take, in bytes; a further subflow itself is a few KiB.</summary>
    public long Memory
    {
        get
        {
            long sum = Math.Max(_alive.Count - 1, 0) * SubflowSize;
            for (int i = 0; i < _alive.Count; i++)
            {
                sum += _alive[i].Memory;
            }

            return sum;
        }
    }

    /// <summary>A subflow whose addresses and ports are free.</summary>
    public bool TryTakeEnded(out Subflow? subflow) => _toForget.TryDequeue(out subflow);

    public void CopyTo(List<SubflowInfo> destination)
    {
        destination.Clear();
        destination.AddRange(_ended);
        _alive.ForEach(subflow => destination.Add(subflow.Info));
        destination.Sort((a, b) => a.Number.CompareTo(b.Number));
    }

    public void CopyTo(List<SubflowTcpInfo> destination)
    {
        destination.Clear();
        _alive.ForEach(subflow => destination.Add(new SubflowTcpInfo(subflow.Info, subflow.Connection.Info)));
        destination.Sort((a, b) => a.Subflow.Number.CompareTo(b.Subflow.Number));
    }

    /// <summary>Brings them into the order in which the scheduler asks them; nearly always they are in it.</summary>
    public void Sort()
    {
        long before = _alive.Count > 1 ? RankOf(_alive[0]) : 0;
        for (int i = 1; i < _alive.Count; i++)
        {
            Subflow subflow = _alive[i];
            long rank = RankOf(subflow);
            if (rank >= before)
            {
                before = rank;
                continue;
            }

            int at = i;
            for (; at > 0 && RankOf(_alive[at - 1]) > rank; at--)
            {
                _alive[at] = _alive[at - 1];
            }

            _alive[at] = subflow;
        }
    }

    /// <summary>Whether a subflow gets no new data because a better one is there.</summary>
    public bool IsSpared(Subflow subflow, in ConnectionSample connection) => _alive.Count > 1
        && ((!subflow.IsTrusted && AnyTrusted) || IsIdleBackup(subflow) || Rests(subflow, connection));

    /// <summary>Whether a subflow gets nothing because what it would be given would be late, and there are others.</summary>
    public bool IsFull(Subflow subflow) => subflow.HasQueue && AnyUsableBeside(subflow) && scheduler.IsFull(SampleOf(subflow));

    /// <summary>Whether a subflow is a backup, by either end's wish, and not needed (RFC 8684 §3.3.8).</summary>
    public bool IsIdleBackup(Subflow subflow)
    {
        for (int i = 0; subflow.IsBackup && i < _alive.Count; i++)
        {
            Subflow other = _alive[i];
            if (other is { IsUsable: true, IsTrusted: true } && (!other.IsBackup || (subflow.Avoided && !other.Avoided)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// When a subflow has been silent for too long, if another one gets on meanwhile or rests, and could take over; never
    /// otherwise.
    /// </summary>
    public Instant SilenceDeadline(Subflow subflow)
    {
        for (int i = 0; i < _alive.Count; i++)
        {
            Subflow other = _alive[i];
            if (other != subflow && other is { IsUsable: true, IsTrusted: true }
                && (other.Connection.BytesInFlight == 0 || other.Connection.LastProgress > subflow.Connection.LastProgress))
            {
                return subflow.IsUsable ? subflow.Silence.Deadline : Instant.Never;
            }
        }

        return Instant.Never;
    }

    /// <summary>Which subflow has a byte on its way, and since when; null when none that could be relieved of it.</summary>
    public (Subflow? Owner, Instant SentAt) FindOwner(long dataOffset)
    {
        for (int i = 0; i < _alive.Count; i++)
        {
            if (_alive[i].SentAt(dataOffset) is { } sentAt)
            {
                return (_alive[i], sentAt);
            }
        }

        return (null, default);
    }

    /// <summary>The subflow of the shortest round trip that could take over from one, and is not spared.</summary>
    public Subflow? QuickestBeside(Subflow subflow, in ConnectionSample connection)
    {
        Subflow? quickest = null;
        for (int i = 0; i < _alive.Count; i++)
        {
            Subflow other = _alive[i];
            if (other != subflow && other is { IsUsable: true, IsTrusted: true, Connection.SmoothedRtt: > 0 } && !IsSpared(other, connection)
                && (quickest is null || other.Connection.SmoothedRtt < quickest.Connection.SmoothedRtt))
            {
                quickest = other;
            }
        }

        return quickest;
    }

    /// <summary>A subflow by its number; null when it is over.</summary>
    public Subflow? Find(int number)
    {
        for (int i = 0; i < _alive.Count; i++)
        {
            if (_alive[i].Number == number && _alive[i].IsAlive)
            {
                return _alive[i];
            }
        }

        return null;
    }

    /// <summary>Whether another subflow is there that may carry new data.</summary>
    public bool AnyUsableBeside(Subflow subflow)
    {
        for (int i = 0; i < _alive.Count; i++)
        {
            if (_alive[i] != subflow && _alive[i].IsUsable)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Asks for the ACKs that carry signals: MP_PRIO on its own subflow, those of addresses on one that lives.</summary>
    public void RequestSignals(Instant now, bool ofAddresses)
    {
        Subflow? carrier = null;
        for (int i = 0; i < _alive.Count; i++)
        {
            Subflow subflow = _alive[i];

            // Until the handshake is done its own options have the place of signals.
            if (!subflow.IsUsable || !subflow.Handshake.Complete || !subflow.Signals.MaySend(now))
            {
                continue;
            }

            if (subflow.Signals.PriorityDue)
            {
                subflow.Connection.RequestAck();
            }

            if (carrier is null || (!carrier.IsTrusted && subflow.IsTrusted))
            {
                carrier = subflow;
            }
        }

        if (ofAddresses)
        {
            carrier?.Connection.RequestAck();
        }
    }

    /// <summary>Hands what subflows without trust hold to the others, if there is one that can take it.</summary>
    public void ReinjectSuspects(DataSender sender)
    {
        for (int i = 0; AnyTrusted && i < _alive.Count; i++)
        {
            if (!_alive[i].IsTrusted)
            {
                _alive[i].ReinjectAll(sender);
            }
        }
    }

    /// <summary>
    /// The lowest data offset from <paramref name="acknowledged"/> on that a subflow will still deliver, at most
    /// <paramref name="limit"/>. What a suspect one holds was handed to others.
    /// </summary>
    public long LowestOwed(long acknowledged, long limit)
    {
        bool trusted = AnyTrusted;
        for (int i = 0; i < _alive.Count; i++)
        {
            if (!trusted || !_alive[i].Suspect)
            {
                limit = Math.Min(limit, _alive[i].LowestOwed(acknowledged));
            }
        }

        return limit;
    }

    /// <summary>
    /// How far below <paramref name="acknowledged"/> the send queue may let go: what a subflow may still send again stays,
    /// but a suspect one, which could stay silent for minutes, takes a copy, and so does one that keeps more than
    /// <paramref name="most"/> bytes waiting (docs/decisions/0006).
    /// </summary>
    public long Release(long acknowledged, long most)
    {
        long free = acknowledged;
        for (int i = 0; i < _alive.Count; i++)
        {
            Subflow subflow = _alive[i];
            long held = subflow.IsAlive ? subflow.LowestHeld() : long.MaxValue;
            if (subflow.Suspect || (subflow.IsAlive && acknowledged - held > most))
            {
                subflow.Detach(acknowledged);
            }
            else
            {
                free = Math.Min(free, held);
            }
        }

        return free;
    }

    public void RequestFin()
    {
        for (int i = 0; i < _alive.Count; i++)
        {
            if (_alive[i].IsUsable)
            {
                _alive[i].RequestFin();
            }
        }
    }

    public void RequestAck()
    {
        for (int i = 0; i < _alive.Count; i++)
        {
            // After a half-close of ours the peer still sends, and wants to hear of the window.
            if (_alive[i].Connection.State is >= TcpState.Established and <= TcpState.CloseWait)
            {
                _alive[i].Connection.RequestAck();
            }
        }
    }

    /// <summary>An ACK on the subflow of the shortest round trip that is not longer than another one's.</summary>
    public void AcknowledgeOnFaster(Subflow than)
    {
        Subflow? fastest = null;
        long roundTrip = than.Connection.SmoothedRtt;
        for (int i = 0; i < _alive.Count; i++)
        {
            Subflow subflow = _alive[i];
            if (subflow != than && subflow is { IsUsable: true, IsTrusted: true } && subflow.Connection.SmoothedRtt <= roundTrip)
            {
                (fastest, roundTrip) = (subflow, subflow.Connection.SmoothedRtt);
            }
        }

        fastest?.Connection.RequestAck();
    }

    /// <summary>
    /// An ACK on each subflow that brought data and is silent while others bring more: a sender that has lost trust in a path
    /// takes any segment there as a sign that it is back, and cannot ask as often as it would like (docs/decisions/0010).
    /// </summary>
    public void RemindSilent(Instant now, Subflow by)
    {
        for (int i = 0; i < _alive.Count; i++)
        {
            Subflow subflow = _alive[i];
            long silent = now - subflow.LastHeard;
            if (subflow != by && silent >= ReminderInterval && subflow.NextReminder <= now && subflow is { IsUsable: true, HasBrought: true })
            {
                subflow.NextReminder = now + (silent < EagerReminders ? ReminderInterval : RareReminderInterval);
                subflow.Connection.RequestAck();
            }
        }
    }

    public void RequestProbe()
    {
        for (int i = 0; i < _alive.Count; i++)
        {
            if (_alive[i].IsUsable)
            {
                _alive[i].Connection.RequestProbe();
            }
        }
    }

    public void Close()
    {
        for (int i = 0; i < _alive.Count; i++)
        {
            _alive[i].Close();
        }
    }

    /// <summary>Resets those that still wait for a FIN or its acknowledgement.</summary>
    public void AbortUnfinished()
    {
        for (int i = 0; i < _alive.Count; i++)
        {
            if (_alive[i].Connection.State is not (TcpState.Closed or TcpState.TimeWait))
            {
                _alive[i].Abort(MpTcpRstReason.Unspecified, ConnectionEventCode.NotClosedInTime);
            }
        }
    }

    public void Abort(Subflow? except, ConnectionEventCode code)
    {
        for (int i = 0; i < _alive.Count; i++)
        {
            if (_alive[i] != except && _alive[i].IsAlive)
            {
                _alive[i].Ends(code);
                _alive[i].Connection.Abort();
            }
        }
    }

    private bool Rests(Subflow subflow, in ConnectionSample connection)
    {
        // They are in the order of their ranks: the first that works is the best.
        Subflow? best = null;
        long rate = 0;
        for (int i = 0; i < _alive.Count && _alive[i] != subflow; i++)
        {
            Subflow other = _alive[i];
            if (other is { IsUsable: true, IsTrusted: true } && !IsIdleBackup(other))
            {
                best ??= other;
                rate += other.Connection.DeliveryRate;
            }
        }

        return best is not null && scheduler.Rests(SampleOf(subflow), SampleOf(best), connection with { RateAhead = rate });
    }

    /// <summary>Whether another subflow, one that is used, would deliver a segment sooner than this one repeats it.</summary>
    public bool HasFasterThan(Subflow subflow)
    {
        if (_alive.Count < 2)
        {
            return false;
        }

        long time = DeliveryTimeOf(subflow);
        for (int i = 0; i < _alive.Count; i++)
        {
            Subflow other = _alive[i];
            if (other != subflow && other is { IsUsable: true, IsTrusted: true } && !IsIdleBackup(other)
                && SampleOf(other) is { SmoothedRtt: > 0 } sample && sample.DeliveryTime < time)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>When a segment that is given to it now will be acknowledged, in nanoseconds.</summary>
    public static long DeliveryTimeOf(Subflow subflow) => SampleOf(subflow).DeliveryTime;

    private long RankOf(Subflow subflow) => scheduler.Rank(SampleOf(subflow));

    private static SubflowSample SampleOf(Subflow subflow)
    {
        TcpConnection connection = subflow.Connection;
        return new SubflowSample(
            subflow.Number, connection.SmoothedRtt, connection.CongestionWindow, connection.BytesInFlight)
        {
            MinimumRtt = subflow.Floor.RoundTrip,
            IsDraining = subflow.IsDraining,
            Backlog = subflow.Backlog,
            DeliveryRate = connection.DeliveryRate,
            QueuedRate = subflow.HasQueue ? connection.LatestDeliveryRate : 0,
            RttVariation = connection.RttVariation,
            SegmentSize = connection.SegmentSize,
            BytesSent = subflow.BytesSent,
            Link = subflow.Path,
            Weight = subflow.Weight,
        };
    }
}
