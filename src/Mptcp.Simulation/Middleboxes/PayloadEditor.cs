using System.Buffers.Binary;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>
/// Changes the near end's stream, as an application-level gateway does that writes another address into a command of FTP.
/// Where lengths change it mends sequence numbers, acknowledgments and SACK blocks from there on.
/// </summary>
/// <param name="edit">What is changed.</param>
internal sealed class PayloadEditor(StreamEdit edit) : TcpMiddlebox<BoxFlow>
{
    private readonly byte[] _buffer = new byte[ushort.MaxValue];
    private readonly byte[] _payload = new byte[ushort.MaxValue];

    protected override void HandleSegment(Instant now, Heading heading, TcpView segment, BoxFlow flow, MiddleboxOutput output)
    {
        if (flow.NearOrigin is null || segment.Has(TcpFlags.Syn))
        {
            output.Send(heading, segment.Packet);
        }
        else if (heading == Heading.Outward)
        {
            long offset = flow.NearOffset(segment.Sequence) - 1;
            int length = offset < 0
                ? CopyUnchanged(segment.Payload)
                : edit.Apply(offset, segment.Payload, _payload);
            TcpView made = segment.Compose(_buffer, segment.Options, _payload.AsSpan(0, length));
            made.Sequence = flow.NearSequence(edit.Out(offset) + 1);
            output.Send(heading, made.Seal());
        }
        else
        {
            if (segment.Has(TcpFlags.Ack))
            {
                segment.Acknowledgment = MapBack(flow, segment.Acknowledgment);
                Span<byte> edges = OptionEditor.SackEdges(segment.Options);
                for (int at = 0; at < edges.Length; at += sizeof(uint))
                {
                    uint edge = BinaryPrimitives.ReadUInt32BigEndian(edges[at..]);
                    BinaryPrimitives.WriteUInt32BigEndian(edges[at..], MapBack(flow, edge));
                }
            }

            output.Send(heading, segment.Seal());
        }
    }

    private int CopyUnchanged(ReadOnlySpan<byte> payload)
    {
        payload.CopyTo(_payload);
        return payload.Length;
    }

    private uint MapBack(BoxFlow flow, uint number) => flow.NearSequence(edit.In(flow.NearOffset(number) - 1) + 1);
}
