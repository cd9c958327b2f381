using System.Buffers.Binary;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>
/// Gives the near end another initial sequence number, as firewalls do that do not trust its choice. Acknowledgments and
/// SACK blocks of the far end are changed back.
/// </summary>
/// <param name="seed">Decides about the numbers.</param>
internal sealed class SequenceRewriter(ulong seed) : TcpMiddlebox<SequenceRewriter.Flow>
{
    private ulong _draws;

    protected override void HandleSegment(Instant now, Heading heading, TcpView segment, Flow flow, MiddleboxOutput output)
    {
        if (flow.Shift == 0)
        {
            flow.Shift = (uint)SplitMix64.At(seed, _draws++) | 1;
        }

        if (heading == Heading.Outward)
        {
            segment.Sequence = unchecked(segment.Sequence + flow.Shift);
        }
        else if (segment.Has(TcpFlags.Ack))
        {
            segment.Acknowledgment = unchecked(segment.Acknowledgment - flow.Shift);
            Span<byte> edges = OptionEditor.SackEdges(segment.Options);
            for (int at = 0; at < edges.Length; at += sizeof(uint))
            {
                uint edge = BinaryPrimitives.ReadUInt32BigEndian(edges[at..]);
                BinaryPrimitives.WriteUInt32BigEndian(edges[at..], unchecked(edge - flow.Shift));
            }
        }

        output.Send(heading, segment.Seal());
    }

    internal sealed class Flow : BoxFlow
    {
        public uint Shift { get; set; }
    }
}
