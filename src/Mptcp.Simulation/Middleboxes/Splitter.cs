using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>Cuts the near end's segments into smaller ones, as segmentation offload does.</summary>
/// <param name="largest">The most payload of a segment, in bytes.</param>
/// <param name="copiesOptions">Whether each part gets the options; else the first alone keeps those of Multipath TCP.</param>
internal sealed class Splitter(int largest, bool copiesOptions) : TcpMiddlebox<BoxFlow>
{
    private readonly byte[] _buffer = new byte[ushort.MaxValue];

    protected override void HandleSegment(Instant now, Heading heading, TcpView segment, BoxFlow flow, MiddleboxOutput output)
    {
        Span<byte> payload = segment.Payload;
        if (heading == Heading.Inward || payload.Length <= largest)
        {
            output.Send(heading, segment.Packet);
            return;
        }

        const TcpFlags lastOnly = TcpFlags.Fin | TcpFlags.Psh;
        for (int at = 0; at < payload.Length; at += largest)
        {
            int length = Math.Min(largest, payload.Length - at);
            TcpView part = segment.Compose(_buffer, segment.Options, payload.Slice(at, length));
            part.Sequence = unchecked(segment.Sequence + (uint)at);
            part.Flags = at + length < payload.Length ? segment.Flags & ~lastOnly : segment.Flags;
            if (at > 0 && !copiesOptions)
            {
                OptionEditor.Blank(part.Options, TcpOptionKind.Mptcp);
            }

            output.Send(heading, part.Seal());
        }
    }
}
