using Mptcp.Wire;

namespace Mptcp.Stack;

/// <summary>RSTs in answer to segments that no connection is for (RFC 9293 §3.10.7.1), a bounded number at a time.</summary>
internal sealed class ResetQueue
{
    private const int Limit = 256;
    private readonly Queue<(int Link, TcpHeaderFields Reset)> _resets = new();

    public void Add(int link, in TcpSegment segment)
    {
        if (segment.Rst || _resets.Count == Limit)
        {
            return;
        }

        // The reset takes its numbers from the segment.
        _resets.Enqueue((link, new TcpHeaderFields
        {
            Source = segment.Destination,
            Destination = segment.Source,
            SequenceNumber = segment.Ack ? segment.AcknowledgmentNumber : 0,
            AcknowledgmentNumber = segment.Ack ? 0 : unchecked(segment.SequenceNumber + (uint)segment.SequenceLength),
            Flags = segment.Ack ? TcpFlags.Rst : TcpFlags.Rst | TcpFlags.Ack,
        }));
    }

    public bool TryTransmit(Span<byte> buffer, out int link, out int length)
    {
        (link, length) = (-1, 0);
        if (!_resets.TryDequeue(out (int Link, TcpHeaderFields Reset) next))
        {
            return false;
        }

        (link, length) = (next.Link, TcpPacket.Write(buffer, next.Reset, [], 0));
        return true;
    }
}
