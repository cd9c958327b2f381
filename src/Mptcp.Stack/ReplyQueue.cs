using Mptcp.Multipath;
using Mptcp.Wire;

namespace Mptcp.Stack;

/// <summary>Segments in answer to others that no connection is for, a bounded number at a time.</summary>
internal sealed class ReplyQueue(MemoryBudget budget)
{
    private const int Limit = 256;
    private const int OptionsRoom = 4;

    // The fields of a header, and the largest options.
    private const int ReplySize = 160;
    private readonly MemoryCharge _charge = new(budget);
    private readonly Queue<(int Link, TcpHeaderFields Header, byte[] Options)> _replies = new();

    /// <summary>A RST, which takes its numbers from the segment (RFC 9293 §3.10.7.1); none for a RST.</summary>
    /// <param name="link">The link.</param>
    /// <param name="segment">What it answers.</param>
    /// <param name="reason">Why a join is refused (RFC 8684 §3.6); null for anything else.</param>
    public void AddReset(int link, in TcpSegment segment, MpTcpRstOption? reason = null)
    {
        if (segment.Rst)
        {
            return;
        }

        Span<byte> room = stackalloc byte[OptionsRoom];
        var options = new TcpOptionWriter(room);
        reason?.TryWrite(ref options);
        Add(link, options.Written.ToArray(), new TcpHeaderFields
        {
            Source = segment.Destination,
            Destination = segment.Source,
            SequenceNumber = segment.Ack ? segment.AcknowledgmentNumber : 0,
            AcknowledgmentNumber = segment.Ack ? 0 : unchecked(segment.SequenceNumber + (uint)segment.SequenceLength),
            Flags = segment.Ack ? TcpFlags.Rst : TcpFlags.Rst | TcpFlags.Ack,
        });
    }

    /// <summary>Any other answer.</summary>
    public void Add(int link, byte[] options, in TcpHeaderFields header)
    {
        if (_replies.Count < Limit && _charge.TryTake(ReplySize))
        {
            _replies.Enqueue((link, header, options));
        }
    }

    public bool TryTransmit(Span<byte> buffer, out int link, out int length)
    {
        (link, length) = (-1, 0);
        if (!_replies.TryDequeue(out (int Link, TcpHeaderFields Header, byte[] Options) next))
        {
            return false;
        }

        _charge.Set(_charge.Bytes - ReplySize);
        (link, length) = (next.Link, TcpPacket.Write(buffer, next.Header, next.Options, 0));
        return true;
    }
}
