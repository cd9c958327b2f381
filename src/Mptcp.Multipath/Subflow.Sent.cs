using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <content>What it has sent and not delivered: how long that takes, and what of it others are to bring.</content>
public sealed partial class Subflow
{
    // Where the head of the stream is looked for: what is sent again for others stands further behind.
    private const int NearFront = 512;

    // When the bottleneck will have passed on what was sent.
    private Instant _passedBy;

    /// <summary>How long its path's bottleneck needs for what was sent, at the rate at which it delivers, in nanoseconds.</summary>
    internal long Backlog => Math.Max(0, _passedBy - _connection.Now);

    /// <summary>Whether its round trips say that what it sends stands in a queue: half as long again as without one.</summary>
    internal bool HasQueue => 2 * Connection.SmoothedRtt > 3 * Floor.RoundTrip;

    private void NoteSent(int length)
    {
        if (Connection.DeliveryRate > 0)
        {
            // In slow start twice as much is on its way as was delivered at that rate; where a queue has formed, the rate is the
            // bottleneck's.
            bool grows = Connection.InSlowStart && !HasQueue;
            long rate = Connection.DeliveryRate * (grows ? 2 : 1);
            Instant begin = _passedBy < _connection.Now ? _connection.Now : _passedBy;
            _passedBy = begin + Ratio.Of(length, Instant.Second, rate);
        }
    }

    /// <summary>Hands everything that it has not delivered to the other subflows, each mapping once.</summary>
    internal void ReinjectAll(DataSender sender) => ReinjectSentBefore(_connection.Now, sender);

    /// <summary>When it first sent a byte; null where it does not have it, or where that was handed to the others.</summary>
    internal Instant? SentAt(long dataOffset)
    {
        for (int i = 0; i < Math.Min(_sent.Count, NearFront); i++)
        {
            ref SendMapping mapping = ref _sent[i];
            if (mapping.DataOffset <= dataOffset && dataOffset < mapping.DataEnd)
            {
                return mapping.Reinjected ? null : mapping.SentAt;
            }

            if (_dataAscends && mapping.DataOffset > dataOffset)
            {
                break;
            }
        }

        return null;
    }

    /// <summary>Hands what it sent until then, and has not delivered, to the other subflows, each mapping once.</summary>
    internal void ReinjectSentBefore(Instant latest, DataSender sender)
    {
        for (int i = 0; i < _sent.Count && _sent[i].SentAt <= latest; i++)
        {
            ref SendMapping mapping = ref _sent[i];
            if (!mapping.Reinjected && mapping.DataEnd > sender.Una)
            {
                mapping.Reinjected = true;
                sender.Reinject(mapping.DataOffset, mapping.DataEnd, this);
            }
        }
    }

    /// <summary>What it repeats may be there sooner by another subflow: the mapping at a place goes there as well, once.</summary>
    private void ReinjectAt(long offset)
    {
        int index = _sent.Find(offset);
        if (index >= 0 && !_sent[index].Reinjected)
        {
            _sent[index].Reinjected = true;
            _connection.Reinject(_sent[index].DataOffset, _sent[index].DataEnd, this);
        }
    }

    /// <summary>The lowest data offset that it would read from the send queue for a retransmission.</summary>
    internal long LowestHeld()
    {
        long lowest = long.MaxValue;
        for (int i = 0; i < _sent.Count; i++)
        {
            if (_sent[i].Detached is null)
            {
                lowest = Math.Min(lowest, _sent[i].DataOffset);
                if (_dataAscends)
                {
                    break;
                }
            }
        }

        return lowest;
    }

    /// <summary>The lowest data offset from <paramref name="acknowledged"/> on that it has not delivered.</summary>
    internal long LowestOwed(long acknowledged)
    {
        long lowest = long.MaxValue;
        for (int i = 0; i < _sent.Count; i++)
        {
            if (_sent[i].DataEnd > acknowledged)
            {
                lowest = Math.Min(lowest, Math.Max(_sent[i].DataOffset, acknowledged));
            }
        }

        return lowest;
    }

    /// <summary>
    /// Copies what the send queue is about to release: even when the data arrived by another way, this subflow has to
    /// deliver its own sequence numbers (RFC 8684 §3.3.6).
    /// </summary>
    internal void Detach(long below)
    {
        for (int i = 0; i < _sent.Count; i++)
        {
            ref SendMapping mapping = ref _sent[i];
            if (mapping.Detached is null && mapping.DataOffset < below)
            {
                _connection.CopySent(mapping.DataOffset, _sent.Detach(ref mapping));
            }
        }
    }
}
