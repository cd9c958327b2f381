using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>Kinds of segments, as a middlebox tells them apart.</summary>
[Flags]
internal enum SegmentKinds
{
    Syn = 1,
    SynAck = 2,

    /// <summary>The opener's ACKs before its first data.</summary>
    ThirdAck = 4,

    /// <summary>Other segments without payload.</summary>
    PureAck = 8,
    Data = 16,
    All = Syn | SynAck | ThirdAck | PureAck | Data,
}

/// <summary>Which options a middlebox does not let pass.</summary>
internal enum UnwantedOptions
{
    Mptcp,

    /// <summary>The data sequence signal alone.</summary>
    Dss,

    /// <summary>All that stacks did not have before Multipath TCP.</summary>
    Unknown,
}

/// <summary>What stands in place of an option afterwards.</summary>
internal enum OptionPadding
{
    NoOperation,

    /// <summary>End of list: what follows is lost as well.</summary>
    EndOfList,

    /// <summary>Nothing: the header becomes shorter.</summary>
    None,
}

/// <summary>What an <see cref="OptionRemover"/> removes from what.</summary>
internal sealed record OptionRemoval
{
    public SegmentKinds Segments { get; init; } = SegmentKinds.All;

    public UnwantedOptions Options { get; init; }

    public OptionPadding Padding { get; init; }

    /// <summary>The first segment after the SYN, from 1, that loses options; 0 for all, the SYN included.</summary>
    public int FirstSegment { get; init; }
}

/// <summary>Removes options from the segments of the near end: the middlebox that Multipath TCP fears most.</summary>
internal sealed class OptionRemover(OptionRemoval removal) : TcpMiddlebox<BoxFlow>
{
    private readonly byte[] _buffer = new byte[ushort.MaxValue];

    protected override void HandleSegment(Instant now, Heading heading, TcpView segment, BoxFlow flow, MiddleboxOutput output)
    {
        bool changed = heading == Heading.Outward && IsChosen(segment, flow) && Blank(segment.Options);
        if (changed && removal.Padding == OptionPadding.None)
        {
            Span<byte> kept = stackalloc byte[TcpPacket.MaxOptionsLength];
            int length = CopyOptions(segment.Options, kept);
            segment = segment.Compose(_buffer, kept[..length], segment.Payload);
        }

        output.Send(heading, changed ? segment.Seal() : segment.Packet);
    }

    internal static SegmentKinds KindOf(in TcpView segment, BoxFlow flow)
    {
        if (segment.Has(TcpFlags.Syn))
        {
            return segment.Has(TcpFlags.Ack) ? SegmentKinds.SynAck : SegmentKinds.Syn;
        }

        return !segment.Payload.IsEmpty ? SegmentKinds.Data
            : flow.OpenedNear && flow.NearNext == 1 && !segment.Has(TcpFlags.Fin | TcpFlags.Rst) ? SegmentKinds.ThirdAck
            : SegmentKinds.PureAck;
    }

    private static int CopyOptions(ReadOnlySpan<byte> options, Span<byte> kept)
    {
        (int at, int length) = (0, 0);
        while (OptionEditor.TryFind(options, ref at, out _, out int size))
        {
            options.Slice(at, size).CopyTo(kept[length..]);
            length += size;
            at += size;
        }

        return length;
    }

    private bool IsChosen(in TcpView segment, BoxFlow flow) => (KindOf(segment, flow) & removal.Segments) != 0
        && (removal.FirstSegment == 0 || (!segment.Has(TcpFlags.Syn) && flow.NearSegments >= removal.FirstSegment));

    private bool Blank(Span<byte> options)
    {
        (int at, bool any) = (0, false);
        while (OptionEditor.TryFind(options, ref at, out byte kind, out int length))
        {
            if (IsUnwanted(kind, options.Slice(at, length)))
            {
                any = true;
                if (removal.Padding == OptionPadding.EndOfList)
                {
                    options[at..].Clear();
                    return true;
                }

                options.Slice(at, length).Fill(TcpOptionKind.NoOperation);
            }

            at += length;
        }

        return any;
    }

    private bool IsUnwanted(byte kind, ReadOnlySpan<byte> option) => removal.Options switch
    {
        UnwantedOptions.Mptcp => kind == TcpOptionKind.Mptcp,
        UnwantedOptions.Dss => MptcpOption.TryGetSubtype(option, out MptcpSubtype subtype) && subtype == MptcpSubtype.Dss,
        _ => !OptionEditor.IsCommon(kind),
    };
}
