using Mptcp.Wire;

namespace Mptcp.Tcp;

/// <summary>What the peer says of ranges that arrived out of order (RFC 2018) or twice (RFC 2883).</summary>
public sealed partial class TcpConnection
{
    private void TakeSackBlocks(Instant now, in TcpOptions options, long ack)
    {
        bool echoes = _writer.Timestamps && options.HasTimestamps;
        _sender.BeginAck(now, echoes ? unchecked(options.TimestampEcho - _configuration.TimestampOffset) : null);
        for (int i = 0; i < options.SackCount; i++)
        {
            (long left, long right) = OffsetsOf(options.GetSack(i));
            if (left >= right || right > _sender.Next)
            {
                continue;
            }

            // RFC 2883 §4: the first block repeats what is acknowledged, by the number or by the second block.
            bool inSecond = i == 0 && options.SackCount > 1 && OffsetsOf(options.GetSack(1)) is var second
                && left >= second.Left && right <= second.Right;
            if (i == 0 && (right <= ack || inSecond))
            {
                _sender.HandleDuplicateSack(left, right);
            }
            else if (left >= _sender.Una)
            {
                _sender.HandleSack(left, right);
            }
        }
    }

    private (long Left, long Right) OffsetsOf(SackBlock block) => (
        SequenceNumbers.Unwrap(block.Left, _configuration.InitialSequenceNumber, _sender.Una),
        SequenceNumbers.Unwrap(block.Right, _configuration.InitialSequenceNumber, _sender.Una));
}
