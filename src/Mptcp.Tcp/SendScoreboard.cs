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
}

/// <summary>
/// The ranges between SND.UNA and SND.NXT, in order, with what is known of each (RFC 6675). Loss is judged by
/// transmission order: a range is lost when one that was sent three transmissions later has arrived, so a lost
/// retransmission is found as well.
/// </summary>
internal sealed class SendScoreboard
{
    private const int ReorderingThreshold = 3;
    private SentRange[] _ring = new SentRange[16];
    private int _head;
    private long _order;
    private long _deliveredOrder = -1;
    private int _lost;
    private AckOutcome _outcome;

    public int Count { get; private set; }

    public long BytesInFlight { get; private set; }

    public ref SentRange this[int index] => ref _ring[(_head + index) & (_ring.Length - 1)];

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
        Mark(ref this[Count - 1], now);
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
        this[index].Length = length;
        this[index].Fin = false;
    }

    /// <summary>The first range that is lost and was not sent again, or -1.</summary>
    public int FirstLost()
    {
        for (int i = 0; _lost > 0 && i < Count; i++)
        {
            if (this[i].Lost && !this[i].Sacked)
            {
                return i;
            }
        }

        return -1;
    }

    public void MarkRetransmitted(int index, Instant now)
    {
        ref SentRange range = ref this[index];
        _lost -= range.Lost ? 1 : 0;
        range.Lost = false;
        Mark(ref range, now);
    }

    public void Acknowledge(long una)
    {
        while (Count > 0 && this[0].End <= una)
        {
            Deliver(ref this[0]);
            _head = (_head + 1) & (_ring.Length - 1);
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
        for (int i = 0; i < Count; i++)
        {
            ref SentRange range = ref this[i];
            if (range.Start >= right)
            {
                break;
            }

            if (!range.Sacked && range.Start >= left && range.End <= right)
            {
                Deliver(ref range);
                range.Sacked = true;
            }
        }
    }

    /// <summary>Marks what transmission order shows to be lost. True when something new was marked.</summary>
    public bool DetectLosses()
    {
        bool any = false;
        for (int i = 0; i < Count; i++)
        {
            ref SentRange range = ref this[i];
            if (range.InFlight && range.Order + ReorderingThreshold <= _deliveredOrder)
            {
                MarkLost(ref range);
                any = true;
            }
        }

        return any;
    }

    public void MarkHeadLost()
    {
        if (Count > 0 && this[0].InFlight)
        {
            MarkLost(ref this[0]);
        }
    }

    public void MarkAllLost()
    {
        for (int i = 0; i < Count; i++)
        {
            if (this[i].InFlight)
            {
                MarkLost(ref this[i]);
            }
        }
    }

    private void Grow()
    {
        var larger = new SentRange[_ring.Length * 2];
        for (int i = 0; i < Count; i++)
        {
            larger[i] = this[i];
        }

        (_ring, _head) = (larger, 0);
    }

    private void MarkLost(ref SentRange range)
    {
        BytesInFlight -= range.SequenceLength;
        range.Lost = true;
        _lost++;
    }

    private void Mark(ref SentRange range, Instant now)
    {
        range.Order = _order++;
        range.SentAt = now;
        range.Transmissions++;
        BytesInFlight += range.SequenceLength;
    }

    private void Deliver(ref SentRange range)
    {
        if (range.Sacked)
        {
            return;
        }

        NoteDelivered(range, range.SequenceLength);
        BytesInFlight -= range.Lost ? 0 : range.SequenceLength;
        _lost -= range.Lost ? 1 : 0;
        range.Lost = false;
        _deliveredOrder = Math.Max(_deliveredOrder, range.Order);
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
