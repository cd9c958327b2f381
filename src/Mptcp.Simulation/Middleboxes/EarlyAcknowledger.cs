using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>
/// Acknowledges the near end's data at once, as performance enhancing proxies do (RFC 3135), keeps it until the far end
/// has acknowledged it, and repeats it where it is lost.
/// </summary>
/// <param name="copiesOptions">
/// Whether its acknowledgments carry the options that the far end sent last; else none of Multipath TCP.
/// </param>
internal sealed class EarlyAcknowledger(bool copiesOptions) : TcpMiddlebox<EarlyAcknowledger.Flow>
{
    // What a box keeps of a connection; more it leaves to the ends.
    private const int MaxKept = 1024;
    private const int MaxRepeats = 15;
    private const int DuplicatesForRepeat = 3;
    private const long Timeout = 300 * Instant.Millisecond;

    private readonly byte[] _buffer = new byte[ushort.MaxValue];

    protected override void HandleDeadline(Instant now, Flow flow, MiddleboxOutput output)
    {
        if (++flow.Repeats > MaxRepeats)
        {
            flow.Forget();
        }
        else
        {
            Repeat(flow, output);
            flow.Deadline = now + (Timeout << Math.Min(flow.Repeats, 6));
        }
    }

    protected override void HandleSegment(Instant now, Heading heading, TcpView segment, Flow flow, MiddleboxOutput output)
    {
        if (segment.Has(TcpFlags.Rst))
        {
            flow.Forget();
            output.Send(heading, segment.Packet);
        }
        else if (heading == Heading.Outward)
        {
            if (segment.Has(TcpFlags.Ack))
            {
                (flow.NearAcknowledgment, flow.NearWindow) = (segment.Acknowledgment, segment.Window);
            }

            output.Send(heading, segment.Packet);
            Acknowledge(now, segment, flow, output);
        }
        else
        {
            Return(now, segment, flow, output);
        }
    }

    private void Acknowledge(Instant now, TcpView segment, Flow flow, MiddleboxOutput output)
    {
        if (flow.NearOrigin is null
            || segment.Payload.IsEmpty
            || flow.Template.Length == 0
            || flow.Kept.Count >= MaxKept)
        {
            return;
        }

        long start = flow.NearOffset(segment.Sequence);
        long end = start + segment.Payload.Length;
        if (start <= flow.AcknowledgedTo && end > flow.AcknowledgedTo)
        {
            flow.AcknowledgedTo = end;
            if (flow.Kept.Count == 0)
            {
                flow.Deadline = now + Timeout;
            }

            flow.Kept.Enqueue((end, segment.Packet.ToArray()));
        }

        if (start <= flow.AcknowledgedTo && TcpView.TryOpen(flow.Template, out TcpView template))
        {
            TcpView made = template.Compose(_buffer, template.Options, []);
            made.Acknowledgment = flow.NearSequence(flow.AcknowledgedTo);
            output.Send(Heading.Inward, made.Seal());
        }
    }

    private void Return(Instant now, TcpView segment, Flow flow, MiddleboxOutput output)
    {
        if (segment.Has(TcpFlags.Ack) && flow.NearOrigin is not null)
        {
            HandleAck(now, segment, flow, output);
            flow.Template = TemplateOf(segment, flow);
            if (flow.NearOffset(segment.Acknowledgment) < flow.AcknowledgedTo)
            {
                segment.Acknowledgment = flow.NearSequence(flow.AcknowledgedTo);
                OptionEditor.Blank(segment.Options, TcpOptionKind.Sack);
                segment.Seal();
            }
        }

        output.Send(Heading.Inward, segment.Packet);
    }

    private static void HandleAck(Instant now, in TcpView segment, Flow flow, MiddleboxOutput output)
    {
        long acknowledged = flow.NearOffset(segment.Acknowledgment);
        bool progress = false;
        while (flow.Kept.TryPeek(out (long End, byte[] Packet) head) && head.End <= acknowledged)
        {
            flow.Kept.Dequeue();
            progress = true;
        }

        if (progress)
        {
            (flow.Repeats, flow.Duplicates) = (0, 0);
            flow.Deadline = flow.Kept.Count > 0 ? now + Timeout : Instant.Never;
        }
        else if (flow.Kept.Count > 0 && segment.SequenceLength == 0 && ++flow.Duplicates == DuplicatesForRepeat)
        {
            Repeat(flow, output);
        }
    }

    private static void Repeat(Flow flow, MiddleboxOutput output)
    {
        if (TcpView.TryOpen(flow.Kept.Peek().Packet, out TcpView segment))
        {
            // An acknowledgment that is too old makes the whole segment unacceptable (RFC 5961 §5.2).
            (segment.Acknowledgment, segment.Window) = (flow.NearAcknowledgment, flow.NearWindow);
            output.Send(Heading.Outward, segment.Seal());
        }
    }

    private byte[] TemplateOf(TcpView segment, Flow flow)
    {
        TcpView made = segment.Compose(_buffer, segment.Options, []);
        made.Sequence = unchecked(segment.Sequence + (uint)segment.SequenceLength);
        made.Flags = TcpFlags.Ack;
        if (segment.Has(TcpFlags.Syn))
        {
            Span<byte> scale = OptionEditor.Find(made.Options, TcpOptionKind.WindowScale);
            flow.Shift = scale.IsEmpty ? 0 : scale[2];
            made.Window = (ushort)(segment.Window >> flow.Shift);
            OptionEditor.Blank(made.Options, TcpOptionKind.MaximumSegmentSize);
            OptionEditor.Blank(made.Options, TcpOptionKind.WindowScale);
            OptionEditor.Blank(made.Options, TcpOptionKind.SackPermitted);
        }

        OptionEditor.Blank(made.Options, TcpOptionKind.Sack);
        if (!copiesOptions || segment.Has(TcpFlags.Syn))
        {
            OptionEditor.Blank(made.Options, TcpOptionKind.Mptcp);
        }

        return made.Seal().ToArray();
    }

    internal sealed class Flow : BoxFlow
    {
        public Queue<(long End, byte[] Packet)> Kept { get; } = new();

        public byte[] Template { get; set; } = [];

        public long AcknowledgedTo { get; set; } = 1;

        public uint NearAcknowledgment { get; set; }

        public ushort NearWindow { get; set; }

        public int Shift { get; set; }

        public int Repeats { get; set; }

        public int Duplicates { get; set; }

        public void Forget()
        {
            Kept.Clear();
            Deadline = Instant.Never;
        }
    }
}
