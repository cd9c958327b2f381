using System.Runtime.CompilerServices;

namespace Mptcp.Tcp;

/// <summary>One transmitted range that is not yet acknowledged.</summary>
internal struct SentRange
{
    public long Start;
    public int Length;
    public bool Syn;
    public bool Fin;
    public bool Sacked;
    public bool Lost;
    public int Transmissions;
    public long Order;
    public Instant SentAt;
    public DeliveryMark Mark;

    public readonly int SequenceLength => Length + (Syn ? 1 : 0) + (Fin ? 1 : 0);

    public readonly long End => Start + SequenceLength;

    public readonly bool InFlight => !Sacked && !Lost;
}

/// <summary>What an acknowledgement brought, with all its SACK blocks.</summary>
internal struct AckOutcome
{
    /// <summary>Bytes newly acknowledged, selectively or not.</summary>
    public long Delivered;

    /// <summary>Bytes in flight before it.</summary>
    public long InFlightBefore;

    /// <summary>Of the ranges it acknowledged, the one that was sent last.</summary>
    public SentRange Latest;

    /// <summary>
    /// How many ranges the acknowledgement number passed that the last recovery repeated, and that were not known to have
    /// arrived.
    /// </summary>
    public int Repeated;

    /// <summary>How many ranges the acknowledgement number passed.</summary>
    public int Passed;

    /// <summary>Bytes found lost since the last acknowledgement.</summary>
    public long Lost;
}

/// <summary>
/// The ranges between SND.UNA and SND.NXT, in order, with what is known of each (RFC 6675). What is lost is judged by
/// RACK, by the order of transmissions, so that a lost retransmission is found as well.
/// </summary>
internal sealed class SendScoreboard
{
    private const int InitialRanges = 16;
    private readonly TransmissionOrder _inFlight = new(InitialRanges);
    private readonly List<(long Order, long Number)> _sorted = [];
    private SentRange[] _ring = new SentRange[InitialRanges];
    private int _head;
    private long _order;
    private long _recoveryOrder;
    private Rack _rack = new();
    private int _lost;
    private int _repeated;
    private long _removed;
    private long _firstLost;
    private KnownBlocks _known;
    private AckOutcome _outcome;
    private (Instant Now, uint? Echo, long MinimumRoundTrip) _ack;

    public int Count { get; private set; }

    /// <summary>What it has grown by, in bytes.</summary>
    public long Memory => (long)(_ring.Length - InitialRanges) * (Unsafe.SizeOf<SentRange>() + TransmissionOrder.LinkSize);

    public long BytesInFlight { get; private set; }

    /// <summary>How many ranges have arrived beyond one that has not.</summary>
    public int SackedRanges { get; private set; }

    /// <summary>How many ranges are judged lost and were not sent again.</summary>
    public int LostRanges => _lost;

    /// <summary>How many ranges were sent more than once.</summary>
    public int RepeatedRanges => _repeated;

    /// <summary>What RACK knows of the path.</summary>
    public ref Rack Rack => ref _rack;

    public ref SentRange this[int index] => ref _ring[(_head + index) & (_ring.Length - 1)];

    /// <summary>An acknowledgement begins. <paramref name="echo"/>: our clock in milliseconds as it echoes it.</summary>
    public void BeginAck(Instant now, uint? echo, long minimumRoundTrip) => _ack = (now, echo, minimumRoundTrip);

    /// <summary>A recovery begins: what was repeated before says nothing of it.</summary>
    public void BeginRecovery() => _recoveryOrder = _order;

    /// <summary>What was acknowledged since this was asked last.</summary>
    public AckOutcome TakeOutcome()
    {
        AckOutcome outcome = _outcome;
        if (outcome.Delivered == 0)
        {
            outcome.InFlightBefore = BytesInFlight;
        }

        _outcome = default;
        return outcome;
    }

    public void Add(SentRange range, Instant now)
    {
        if (Count == _ring.Length)
        {
            Grow();
        }

        Count++;
        this[Count - 1] = range;
        Mark(Count - 1, now);
    }

    /// <summary>Cuts a range in two, the first of <paramref name="length"/> bytes of payload.</summary>
    public void Split(int index, int length)
    {
        SentRange second = this[index];
        int head = length + (second.Syn ? 1 : 0);
        second.Start += head;
        second.Length -= length;
        second.Syn = false;
        if (Count == _ring.Length)
        {
            Grow();
        }

        for (int i = Count++; i > index + 1; i--)
        {
            this[i] = this[i - 1];
        }

        this[index + 1] = second;
        _lost += second.Lost ? 1 : 0;
        _repeated += second.Transmissions > 1 ? 1 : 0;
        this[index].Length = length;
        this[index].Fin = false;
        _known.Clear();
        SortInFlight();
    }

    /// <summary>The first range that is lost and was not sent again, or -1.</summary>
    public int FirstLost()
    {
        if (_lost == 0)
        {
            return -1;
        }

        int index = (int)Math.Max(_firstLost - _removed, 0);
        while (!this[index].Lost)
        {
            index++;
        }

        _firstLost = _removed + index;
        return index;
    }

    public void MarkRetransmitted(int index, Instant now)
    {
        ref SentRange range = ref this[index];
        if (range.InFlight)
        {
            BytesInFlight -= range.SequenceLength;
            _inFlight.Remove(_removed + index);
        }

        _lost -= range.Lost ? 1 : 0;
        _repeated += range.Transmissions == 1 ? 1 : 0;
        range.Lost = false;
        Mark(index, now);
    }

    public void Acknowledge(long una)
    {
        while (Count > 0 && this[0].End <= una)
        {
            Pass(ref this[0]);
            _head = (_head + 1) & (_ring.Length - 1);
            _removed++;
            Count--;
        }

        // A range cut by the acknowledgement (the peer or a box split it) keeps its unacknowledged end.
        if (Count > 0 && this[0].Start < una)
        {
            ref SentRange first = ref this[0];
            int cut = (int)(una - first.Start);
            NoteDelivered(first, first.Sacked ? 0 : cut);
            BytesInFlight -= first.InFlight ? cut : 0;
            int ofSyn = first.Syn ? 1 : 0;
            first.Syn = false;
            first.Start = una;
            first.Length -= cut - ofSyn;
        }
    }

    public void MarkSacked(long left, long right)
    {
        (long Left, long Right) known = _known.Exchange(left, right);
        int first = FirstFrom(left);
        MarkSacked(first, left, right, known.Left);

        // One that goes beyond the known block may be within this one.
        MarkSacked(Math.Max(first, FirstFrom(known.Right) - 1), left, right, right);
    }

    /// <summary>Marks what RACK judges to be lost (RFC 8985 §6.2). True when something new was marked.</summary>
    /// <param name="now">The time.</param>
    /// <param name="window">For how long a range may be out of order, in nanoseconds.</param>
    /// <param name="wait">After how many nanoseconds to ask again, at the latest; 0 for no need.</param>
    public bool DetectLosses(Instant now, long window, out long wait)
    {
        wait = 0;
        bool any = false;
        long next = TransmissionOrder.None;
        for (long number = _inFlight.First; number != TransmissionOrder.None; number = next)
        {
            ref SentRange range = ref this[(int)(number - _removed)];
            if (range.Order >= _rack.Order)
            {
                break;
            }

            next = _inFlight.After(number);
            long remaining = range.SentAt + _rack.RoundTrip + window - now;
            if (remaining <= 0)
            {
                MarkLost((int)(number - _removed));
                any = true;
            }
            else
            {
                wait = Math.Max(wait, remaining);
            }
        }

        return any;
    }

    /// <summary>Forgets all ranges: nothing is on its way.</summary>
    public void Clear()
    {
        _removed += Count;
        (Count, BytesInFlight, SackedRanges, _lost, _repeated) = (0, 0, 0, 0, 0);
        _inFlight.Clear();
        _known.Clear();
    }

    public void MarkHeadLost()
    {
        if (Count > 0 && this[0].InFlight)
        {
            MarkLost(0);
        }
    }

    /// <summary>Nothing is in flight any more. What the peer reported stays reported, unless it shows that it took it back.</summary>
    public void MarkAllLost()
    {
        // A peer that held what it reported would have acknowledged it with all below it (RFC 2018 §8).
        if (Count > 0 && this[0].Sacked)
        {
            ForgetSacks();
        }

        for (int i = 0; i < Count; i++)
        {
            if (this[i].InFlight)
            {
                MarkLost(i);
            }
        }
    }

    /// <summary>What was judged lost was not: it is in flight again.</summary>
    public void UnmarkLost()
    {
        for (int i = FirstLost(); i >= 0; i = FirstLost())
        {
            this[i].Lost = false;
            _lost--;
            BytesInFlight += this[i].SequenceLength;
        }

        SortInFlight();
    }

    private void ForgetSacks()
    {
        for (int i = 0; i < Count; i++)
        {
            BytesInFlight += this[i].Sacked ? this[i].SequenceLength : 0;
            this[i].Sacked = false;
        }

        SackedRanges = 0;
        _known.Clear();
        SortInFlight();
    }

    private void Grow()
    {
        var larger = new SentRange[_ring.Length * 2];
        for (int i = 0; i < Count; i++)
        {
            larger[i] = this[i];
        }

        (_ring, _head) = (larger, 0);
        _inFlight.Grow();
    }

    private void SortInFlight()
    {
        _sorted.Clear();
        for (int i = 0; i < Count; i++)
        {
            if (this[i].InFlight)
            {
                _sorted.Add((this[i].Order, _removed + i));
            }
        }

        _sorted.Sort();
        _inFlight.Clear();
        foreach ((_, long number) in _sorted)
        {
            _inFlight.Append(number);
        }
    }

    private void MarkLost(int index)
    {
        ref SentRange range = ref this[index];
        BytesInFlight -= range.SequenceLength;
        _inFlight.Remove(_removed + index);
        range.Lost = true;
        _outcome.Lost += range.SequenceLength;
        _firstLost = _lost++ == 0 ? _removed + index : Math.Min(_firstLost, _removed + index);
    }

    /// <summary>The first range that begins at <paramref name="sequence"/> or later.</summary>
    private int FirstFrom(long sequence)
    {
        int low = 0;
        for (int high = Count; low < high;)
        {
            int middle = (low + high) / 2;
            (low, high) = this[middle].Start < sequence ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    /// <summary>The acknowledgement number has passed the head.</summary>
    private void Pass(ref SentRange head)
    {
        bool repeated = head.Transmissions > 1;
        _repeated -= repeated ? 1 : 0;
        SackedRanges -= head.Sacked ? 1 : 0;
        _outcome.Repeated += repeated && !head.Sacked && head.Order >= _recoveryOrder ? 1 : 0;
        _outcome.Passed++;
        Deliver(0, _ack.Echo);
    }

    /// <summary>Marks the ranges within a block, of those that begin before <paramref name="end"/>.</summary>
    private void MarkSacked(int first, long left, long right, long end)
    {
        for (int i = first; i < Count && this[i].Start < end; i++)
        {
            ref SentRange range = ref this[i];
            if (!range.Sacked && range.Start >= left && range.End <= right)
            {
                // What arrived out of order is not what the peer echoes the time of (RFC 7323 §4.3).
                Deliver(i, echo: null);
                range.Sacked = true;
                SackedRanges++;
            }
        }
    }

    private void Mark(int index, Instant now)
    {
        ref SentRange range = ref this[index];
        _inFlight.Append(_removed + index);
        range.Order = _order++;
        range.SentAt = now;
        range.Transmissions++;
        BytesInFlight += range.SequenceLength;
    }

    private void Deliver(int index, uint? echo)
    {
        ref SentRange range = ref this[index];
        if (range.Sacked)
        {
            return;
        }

        NoteDelivered(range, range.SequenceLength);
        if (range.Lost)
        {
            _lost--;
        }
        else
        {
            BytesInFlight -= range.SequenceLength;
            _inFlight.Remove(_removed + index);
        }

        range.Lost = false;
        _rack.HandleDelivered(_ack.Now, range, echo, _ack.MinimumRoundTrip);
    }

    private void NoteDelivered(in SentRange range, int bytes)
    {
        if (bytes == 0)
        {
            return;
        }

        if (_outcome.Delivered == 0)
        {
            _outcome.InFlightBefore = BytesInFlight;
        }

        if (_outcome.Delivered == 0 || range.Order > _outcome.Latest.Order)
        {
            _outcome.Latest = range;
        }

        _outcome.Delivered += bytes;
    }
}
