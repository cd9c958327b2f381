using Mptcp.Tcp;

namespace Mptcp.Simulation;

/// <summary>Drops segments of the near end that carry an option it does not know.</summary>
/// <param name="segments">Which segments it looks at.</param>
internal sealed class UnknownOptionDropper(SegmentKinds segments) : TcpMiddlebox<BoxFlow>
{
    protected override void HandleSegment(Instant now, Heading heading, TcpView segment, BoxFlow flow, MiddleboxOutput output)
    {
        if (heading == Heading.Outward
            && (OptionRemover.KindOf(segment, flow) & segments) != 0
            && HasUnknown(segment.Options))
        {
            output.Drop(heading, segment.Packet);
        }
        else
        {
            output.Send(heading, segment.Packet);
        }
    }

    private static bool HasUnknown(ReadOnlySpan<byte> options)
    {
        int at = 0;
        while (OptionEditor.TryFind(options, ref at, out byte kind, out int length))
        {
            if (!OptionEditor.IsCommon(kind))
            {
                return true;
            }

            at += length;
        }

        return false;
    }
}
