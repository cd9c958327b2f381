using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>
/// Cuts the near end's stream anew into segments of another size, wherever its own began and ended. Each new segment has
/// the options of the one that its first byte came in.
/// </summary>
/// <param name="size">The payload of a new segment, in bytes.</param>
internal sealed class Resegmenter(int size) : TcpMiddlebox<Resegmenter.Flow>
{
    private readonly byte[] _buffer = new byte[ushort.MaxValue];

    protected override void HandleDeadline(Instant now, Flow flow, MiddleboxOutput output) => Release(flow, output);

    protected override void HandleSegment(Instant now, Heading heading, TcpView segment, Flow flow, MiddleboxOutput output)
    {
        if (heading == Heading.Inward)
        {
            output.Send(heading, segment.Packet);
            return;
        }

        bool continues = segment.Sequence == unchecked(flow.Start + (uint)flow.Length);
        if (!continues || segment.Payload.IsEmpty || segment.Has(TcpFlags.Syn | TcpFlags.Rst | TcpFlags.Fin))
        {
            Release(flow, output);
        }

        if (segment.Payload.IsEmpty || segment.Has(TcpFlags.Syn | TcpFlags.Rst))
        {
            output.Send(heading, segment.Packet);
            return;
        }

        Add(now, segment, flow, output);
    }

    private void Add(Instant now, TcpView segment, Flow flow, MiddleboxOutput output)
    {
        int at = 0;
        while (at < segment.Payload.Length)
        {
            if (flow.Length == 0)
            {
                flow.Begin(segment, unchecked(segment.Sequence + (uint)at), size);
            }

            int count = Math.Min(size - flow.Length, segment.Payload.Length - at);
            flow.Append(segment.Payload.Slice(at, count));
            at += count;
            bool last = at == segment.Payload.Length;
            flow.Flags = last ? segment.Flags : segment.Flags & ~(TcpFlags.Fin | TcpFlags.Psh);
            if (flow.Length == size || (last && segment.Has(TcpFlags.Fin)))
            {
                Release(flow, output);
            }
        }

        flow.Deadline = flow.Length > 0 ? now + Coalescer.Wait : Instant.Never;
    }

    private void Release(Flow flow, MiddleboxOutput output)
    {
        if (flow.Length > 0 && TcpView.TryOpen(flow.Template, out TcpView template))
        {
            TcpView made = template.Compose(_buffer, template.Options, flow.Bytes);
            (made.Sequence, made.Flags) = (flow.Start, flow.Flags);
            output.Send(Heading.Outward, made.Seal());
        }

        flow.Clear();
    }

    internal sealed class Flow : BoxFlow
    {
        private byte[] _bytes = [];
        private byte[] _template = [];
        private int _templateLength;

        public uint Start { get; private set; }

        public int Length { get; private set; }

        public TcpFlags Flags { get; set; }

        public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

        public Span<byte> Template => _template.AsSpan(0, _templateLength);

        public void Begin(TcpView segment, uint start, int size)
        {
            if (_bytes.Length < size)
            {
                _bytes = new byte[size];
            }

            if (_template.Length < segment.Packet.Length)
            {
                _template = new byte[segment.Packet.Length];
            }

            segment.Packet.CopyTo(_template);
            _templateLength = segment.Packet.Length;
            Start = start;
        }

        public void Append(ReadOnlySpan<byte> bytes)
        {
            bytes.CopyTo(_bytes.AsSpan(Length));
            Length += bytes.Length;
        }

        public void Clear() => (Length, Deadline) = (0, Instant.Never);
    }
}
