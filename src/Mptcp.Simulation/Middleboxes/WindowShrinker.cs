using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>Announces a smaller window than the near end does.</summary>
/// <param name="most">The most in the window field after the SYN, not scaled.</param>
internal sealed class WindowShrinker(ushort most) : TcpMiddlebox<BoxFlow>
{
    protected override void HandleSegment(Instant now, Heading heading, TcpView segment, BoxFlow flow, MiddleboxOutput output)
    {
        if (heading == Heading.Outward && !segment.Has(TcpFlags.Syn) && segment.Window > most)
        {
            segment.Window = most;
            segment.Seal();
        }

        output.Send(heading, segment.Packet);
    }
}
