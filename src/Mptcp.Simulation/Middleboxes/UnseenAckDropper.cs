using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>Drops acknowledgments of data that has not come by, as firewalls do that check sequence numbers.</summary>
internal sealed class UnseenAckDropper : TcpMiddlebox<BoxFlow>
{
    protected override void HandleSegment(Instant now, Heading heading, TcpView segment, BoxFlow flow, MiddleboxOutput output)
    {
        bool unseen = heading == Heading.Inward
            && segment.Has(TcpFlags.Ack)
            && flow.NearOrigin is not null
            && flow.NearOffset(segment.Acknowledgment) > flow.NearNext;
        if (unseen)
        {
            output.Drop(heading, segment.Packet);
        }
        else
        {
            output.Send(heading, segment.Packet);
        }
    }
}
