using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>What a middlebox knows of one TCP connection. "Near" is the node beside the box, "far" the other one.</summary>
internal class BoxFlow
{
    /// <summary>The near end's initial sequence number; null until its SYN came by.</summary>
    public uint? NearOrigin { get; set; }

    /// <summary>The far end's initial sequence number; null until its SYN came by.</summary>
    public uint? FarOrigin { get; set; }

    /// <summary>Whether the near end opened the connection.</summary>
    public bool OpenedNear { get; set; }

    /// <summary>When the box wants to do something about it by itself.</summary>
    public Instant Deadline { get; set; } = Instant.Never;

    /// <summary>Segments of the near end after its SYN, this one included.</summary>
    public int NearSegments { get; set; }

    /// <summary>Where the near end's stream goes on, counted from its SYN (0), by what came by without a hole or with.</summary>
    public long NearNext { get; set; } = 1;

    /// <summary>Where a number stands in the near end's stream: 1 is its first byte.</summary>
    public long NearOffset(uint sequence) => SequenceNumbers.Unwrap(sequence, NearOrigin.GetValueOrDefault(), NearNext);

    /// <summary>The number on the wire of an offset of the near end's stream.</summary>
    public uint NearSequence(long offset) => unchecked(NearOrigin.GetValueOrDefault() + (uint)offset);
}

/// <summary>A middlebox that looks at TCP segments, connection by connection.</summary>
/// <typeparam name="TFlow">What it remembers of a connection.</typeparam>
internal abstract class TcpMiddlebox<TFlow> : Middlebox
    where TFlow : BoxFlow, new()
{
    // Connections beyond that pass as if there were no box: a box has to forget, too, and not to remember is kinder.
    private const int MaxFlows = 4096;

    private readonly Dictionary<(IpEndpoint Near, IpEndpoint Far), TFlow> _flows = [];

    /// <inheritdoc/>
    public override Instant NextTimeout
    {
        get
        {
            Instant next = Instant.Never;
            foreach (TFlow flow in _flows.Values)
            {
                next = Instant.Min(next, flow.Deadline);
            }

            return next;
        }
    }

    /// <inheritdoc/>
    public override void HandleTimeout(Instant now, MiddleboxOutput output)
    {
        foreach (TFlow flow in _flows.Values)
        {
            if (flow.Deadline <= now)
            {
                HandleDeadline(now, flow, output);
            }
        }
    }

    /// <inheritdoc/>
    public sealed override void HandlePacket(Instant now, Heading heading, Span<byte> packet, MiddleboxOutput output)
    {
        if (TcpView.TryOpen(packet, out TcpView segment) && FlowOf(heading, segment) is { } flow)
        {
            Observe(flow, heading, segment);
            HandleSegment(now, heading, segment, flow, output);
        }
        else
        {
            output.Send(heading, packet);
        }
    }

    /// <summary>Takes a segment of a connection whose first packets it saw.</summary>
    protected abstract void HandleSegment(Instant now, Heading heading, TcpView segment, TFlow flow, MiddleboxOutput output);

    /// <summary>The deadline of a connection has passed; it is to be set anew, or to never.</summary>
    protected virtual void HandleDeadline(Instant now, TFlow flow, MiddleboxOutput output)
    {
    }

    /// <summary>How far the near end's stream is counted as seen; called for each of its segments after the SYN.</summary>
    protected virtual void AdvanceNear(TFlow flow, long start, long end) => flow.NearNext = Math.Max(flow.NearNext, end);

    private TFlow? FlowOf(Heading heading, in TcpView segment)
    {
        (IpEndpoint, IpEndpoint) key = heading == Heading.Outward
            ? (segment.Source, segment.Destination)
            : (segment.Destination, segment.Source);
        bool opens = segment.Has(TcpFlags.Syn) && !segment.Has(TcpFlags.Ack);
        if (_flows.TryGetValue(key, out TFlow? known))
        {
            uint? origin = heading == Heading.Outward ? known.NearOrigin : known.FarOrigin;
            if (!opens || origin is null || origin == segment.Sequence)
            {
                return known;
            }

            // The same addresses and ports are used anew.
            _flows.Remove(key);
        }

        if (!opens || _flows.Count == MaxFlows)
        {
            return null;
        }

        return _flows[key] = new TFlow { OpenedNear = heading == Heading.Outward };
    }

    private void Observe(TFlow flow, Heading heading, in TcpView segment)
    {
        if (segment.Has(TcpFlags.Syn))
        {
            if (heading == Heading.Outward)
            {
                flow.NearOrigin = segment.Sequence;
            }
            else
            {
                flow.FarOrigin = segment.Sequence;
            }
        }
        else if (heading == Heading.Outward && flow.NearOrigin is not null)
        {
            flow.NearSegments++;
            long start = flow.NearOffset(segment.Sequence);
            AdvanceNear(flow, start, start + segment.SequenceLength);
        }
    }
}
