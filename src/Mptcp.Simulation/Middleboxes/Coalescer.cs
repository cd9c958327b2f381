using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>
/// Joins two segments of the near end that follow each other to one, as receive offload does. There is room for the
/// options of one of them alone.
/// </summary>
/// <param name="largest">The most payload of a joined segment, in bytes.</param>
/// <param name="keepsLast">Whether the options of the second remain; else those of the first.</param>
internal sealed class Coalescer(int largest, bool keepsLast) : TcpMiddlebox<Coalescer.Flow>
{
    /// <summary>How long a segment waits for the next one.</summary>
    internal const long Wait = Instant.Millisecond;

    private readonly byte[] _buffer = new byte[ushort.MaxValue];
    private readonly byte[] _payload = new byte[ushort.MaxValue];

    protected override void HandleDeadline(Instant now, Flow flow, MiddleboxOutput output) => Release(flow, output);

    protected override void HandleSegment(Instant now, Heading heading, TcpView segment, Flow flow, MiddleboxOutput output)
    {
        if (heading == Heading.Inward)
        {
            output.Send(heading, segment.Packet);
        }
        else if (flow.HeldLength > 0 && TryJoin(segment, flow, output))
        {
            flow.Clear();
        }
        else
        {
            Release(flow, output);
            HoldOrSend(now, segment, flow, output);
        }
    }

    private static void HoldOrSend(Instant now, TcpView segment, Flow flow, MiddleboxOutput output)
    {
        if (segment.Payload.IsEmpty || segment.Has(TcpFlags.Fin | TcpFlags.Syn | TcpFlags.Rst))
        {
            output.Send(Heading.Outward, segment.Packet);
        }
        else
        {
            flow.Hold(segment.Packet, now + Wait);
        }
    }

    private static void Release(Flow flow, MiddleboxOutput output)
    {
        if (flow.HeldLength > 0)
        {
            output.Send(Heading.Outward, flow.Held);
            flow.Clear();
        }
    }

    private bool TryJoin(TcpView second, Flow flow, MiddleboxOutput output)
    {
        if (!TcpView.TryOpen(flow.Held, out TcpView first)
            || second.Payload.IsEmpty
            || second.Has(TcpFlags.Syn | TcpFlags.Rst)
            || second.Sequence != unchecked(first.Sequence + (uint)first.Payload.Length)
            || first.Payload.Length + second.Payload.Length > largest)
        {
            return false;
        }

        first.Payload.CopyTo(_payload);
        second.Payload.CopyTo(_payload.AsSpan(first.Payload.Length));
        Span<byte> joined = _payload.AsSpan(0, first.Payload.Length + second.Payload.Length);
        TcpView made = second.Compose(_buffer, keepsLast ? second.Options : first.Options, joined);
        made.Sequence = first.Sequence;
        output.Send(Heading.Outward, made.Seal());
        return true;
    }

    internal sealed class Flow : BoxFlow
    {
        private byte[] _held = [];

        public int HeldLength { get; private set; }

        public Span<byte> Held => _held.AsSpan(0, HeldLength);

        public void Hold(ReadOnlySpan<byte> packet, Instant deadline)
        {
            if (_held.Length < packet.Length)
            {
                _held = new byte[packet.Length];
            }

            packet.CopyTo(_held);
            (HeldLength, Deadline) = (packet.Length, deadline);
        }

        public void Clear() => (HeldLength, Deadline) = (0, Instant.Never);
    }
}
