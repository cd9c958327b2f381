using Mptcp.Tcp;

namespace Mptcp.Simulation;

/// <summary>
/// Repeats the near end's data with other bytes: it loses one segment, and what comes again goes on with every bit of its
/// payload turned.
/// </summary>
/// <param name="lost">Which segment with data it loses, from 1.</param>
internal sealed class RepeatChanger(int lost) : TcpMiddlebox<RepeatChanger.Flow>
{
    protected override void HandleSegment(Instant now, Heading heading, TcpView segment, Flow flow, MiddleboxOutput output)
    {
        if (heading == Heading.Inward || segment.Payload.IsEmpty || flow.NearOrigin is null)
        {
            output.Send(heading, segment.Packet);
            return;
        }

        long start = flow.NearOffset(segment.Sequence);
        if (start >= flow.SeenTo)
        {
            flow.SeenTo = start + segment.Payload.Length;
            if (++flow.DataSegments == lost)
            {
                output.Drop(heading, segment.Packet);
                return;
            }
        }
        else
        {
            foreach (ref byte value in segment.Payload)
            {
                value = (byte)~value;
            }

            segment.Seal();
        }

        output.Send(heading, segment.Packet);
    }

    internal sealed class Flow : BoxFlow
    {
        public long SeenTo { get; set; } = 1;

        public int DataSegments { get; set; }
    }
}
