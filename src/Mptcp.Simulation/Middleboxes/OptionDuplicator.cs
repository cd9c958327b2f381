using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>Repeats the options of Multipath TCP in the near end's segments, where there is room for it.</summary>
internal sealed class OptionDuplicator : TcpMiddlebox<BoxFlow>
{
    private readonly byte[] _buffer = new byte[ushort.MaxValue];

    protected override void HandleSegment(Instant now, Heading heading, TcpView segment, BoxFlow flow, MiddleboxOutput output)
    {
        Span<byte> option = OptionEditor.Find(segment.Options, TcpOptionKind.Mptcp);
        int doubled = segment.Options.Length + option.Length;
        if (heading == Heading.Inward || option.IsEmpty || doubled > TcpPacket.MaxOptionsLength)
        {
            output.Send(heading, segment.Packet);
            return;
        }

        Span<byte> options = stackalloc byte[TcpPacket.MaxOptionsLength];
        option.CopyTo(options);
        segment.Options.CopyTo(options[option.Length..]);
        output.Send(heading, segment.Compose(_buffer, options[..doubled], segment.Payload).Seal());
    }
}
