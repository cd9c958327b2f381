using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>The receiving half of a subflow: the peer's signals, its mappings, and payload through them.</summary>
internal sealed class SubflowReceiver(MptcpConnection connection, Subflow subflow)
{
    // Payload may overtake the segment with its mapping (RFC 8684 §3.3.1), but not by more than this.
    private const int UnmappedLimit = 256 * 1024;
    private const int UnmappedSegments = 1024;
    private readonly ReceiveMappings _mappings = new();
    private readonly List<(long Offset, byte[] Bytes)> _unmapped = [];
    private int _unmappedBytes;
    private long _inOrder = 1;

    /// <summary>Payload that arrived, repeats included.</summary>
    public long BytesReceived { get; private set; }

    /// <summary>Whether the peer's data sequence numbers have 64 bits: our DATA_ACKs follow (RFC 8684 §3.3.2).</summary>
    public bool PeerUses64Bits { get; private set; }

    /// <summary>The options of a segment of an established subflow.</summary>
    public SegmentVerdict Examine(in TcpSegment segment, long offset, in SegmentOptions options)
    {
        // Each of our mappings is one segment, so whoever acknowledges one and speaks MPTCP has a DATA_ACK to send.
        if (!options.Any && (segment.Fin || subflow.AcknowledgesNew(segment))
            && connection.TryFallBack(subflow, _inOrder, "segments come without MPTCP options: a box on the path removes them"))
        {
            return SegmentVerdict.Accept;
        }

        if (options.FastClose is { } fastClose && fastClose.ReceiverKey == connection.LocalKey)
        {
            connection.HandleFastClose(subflow);
            return SegmentVerdict.Reset;
        }

        if (options.Fail is not null)
        {
            return subflow.Refuse(MpTcpRstReason.MiddleboxInterference, "the peer found a wrong checksum (MP_FAIL)");
        }

        if (options.JoinAck is not null)
        {
            // The fourth ACK was lost, and the peer waits for it.
            subflow.Connection.RequestAck();
        }

        connection.HandleAddressSignals(subflow, options);
        if (options.Priority is { } priority)
        {
            connection.HandlePriority(subflow, priority.Backup);
        }

        if (options.Capable is { DataLength: { } length } capable
            && (capable.Checksum.HasValue != connection.ChecksumInUse || !TakeCapableMapping(length, capable.Checksum)))
        {
            return Contradiction();
        }

        bool signal = options.AddAddress is not null || options.RemoveAddress is not null || options.Priority is not null;
        if (options.Dss is { } dss)
        {
            long window = (long)segment.Window << subflow.Connection.PeerWindowShift;
            signal |= dss.HasDataAck && connection.HandleDataAck(dss, window);
            if (dss.HasMapping)
            {
                signal = true;
                if (!TakeMapping(dss, offset))
                {
                    return Contradiction();
                }
            }
        }

        return signal && segment.Payload.IsEmpty ? SegmentVerdict.AcceptSignal : SegmentVerdict.Accept;
    }

    /// <summary>Payload as it arrives.</summary>
    public void HandlePayload(long offset, ReadOnlySpan<byte> payload)
    {
        BytesReceived += payload.Length;
        if (connection.IsPlain)
        {
            connection.HandleData(offset, payload);
        }
        else
        {
            Deliver(offset, payload, keep: true);
        }
    }

    /// <summary>Everything below <paramref name="offset"/> has arrived on the subflow.</summary>
    public void HandleInOrder(long offset)
    {
        _inOrder = offset;
        if (_unmapped.Count > 0)
        {
            DeliverUnmapped();
            FallBackWithout(offset);
        }

        // The mapping of what waits without one may still come.
        long settled = offset;
        for (int i = 0; i < _unmapped.Count; i++)
        {
            settled = Math.Min(settled, _unmapped[i].Offset);
        }

        _mappings.Advance(settled);
        if (_unmappedBytes > UnmappedLimit || _unmapped.Count > UnmappedSegments)
        {
            subflow.Abort(MpTcpRstReason.MptcpSpecificError, "data came without a mapping");
        }
    }

    private SegmentVerdict Contradiction() =>
        subflow.Refuse(MpTcpRstReason.MptcpSpecificError, "the peer's mappings contradict each other, or what was agreed");

    private bool TakeMapping(in DssOption dss, long offset)
    {
        if (dss.IsInfiniteMapping)
        {
            return connection.TryFallBack(subflow, _inOrder, "the peer sent an infinite mapping");
        }

        PeerUses64Bits = dss.DataSequence64;
        long dataOffset = connection.FromWire(dss);
        int length = dss.DataLength - (dss.DataFin ? 1 : 0);
        if (dss.DataFin)
        {
            connection.HandleDataFin(subflow, dataOffset + length);
        }

        long inSyn = subflow.ReceivedInSyn;
        long subflowOffset = SequenceNumbers.Unwrap(dss.SubflowSequenceNumber, 0, offset - inSyn) + inSyn;
        return length == 0 || (dss.HasChecksum == connection.ChecksumInUse && TakeMapping(
            subflowOffset, dataOffset, dss.DataLength, dss.SubflowSequenceNumber, dss.HasChecksum ? dss.Checksum : null, length));
    }

    private bool TakeCapableMapping(ushort length, ushort? checksum) =>
        TakeMapping(1 + subflow.ReceivedInSyn, 1 + subflow.ReceivedInSyn, length, 1, checksum);

    private bool TakeMapping(
        long subflowOffset, long dataOffset, ushort wireLength, uint wireSequence, ushort? checksum, int length = -1)
    {
        var mapping = new ReceiveMapping
        {
            SubflowOffset = subflowOffset,
            DataOffset = dataOffset,
            Length = length < 0 ? wireLength : length,
            WireLength = wireLength,
            WireSubflowSequence = wireSequence,
            Checksum = connection.ChecksumInUse ? checksum : null,
        };
        return _mappings.Add(mapping) != MappingOutcome.Contradiction;
    }

    private void Deliver(long offset, ReadOnlySpan<byte> payload, bool keep)
    {
        while (!payload.IsEmpty)
        {
            int index = _mappings.Find(offset);
            if (index < 0)
            {
                if (keep)
                {
                    _unmapped.Add((offset, payload.ToArray()));
                    _unmappedBytes += payload.Length;
                }

                return;
            }

            ref ReceiveMapping mapping = ref _mappings[index];
            int count = (int)Math.Min(payload.Length, mapping.SubflowEnd - offset);
            Deliver(ref mapping, offset, payload[..count]);
            offset += count;
            payload = payload[count..];
        }
    }

    private void Deliver(ref ReceiveMapping mapping, long offset, ReadOnlySpan<byte> bytes)
    {
        if (mapping.Checksum is null)
        {
            connection.HandleData(mapping.DataOffset + (offset - mapping.SubflowOffset), bytes);
        }
        else if (ReceiveMappings.Hold(ref mapping, offset, bytes))
        {
            if (ReceiveMappings.IsIntact(mapping, connection.ReceiveSpace))
            {
                connection.HandleData(mapping.DataOffset, mapping.Held.AsSpan(0, mapping.Length));
            }
            else
            {
                connection.HandleChecksumFailure(subflow, mapping.DataOffset);
            }
        }
    }

    /// <summary>Data whose turn has come, without a mapping: a mapping would have come with it, or before.</summary>
    private void FallBackWithout(long inOrder)
    {
        long first = inOrder;
        _unmapped.ForEach(waiting => first = Math.Min(first, waiting.Offset));
        bool plain = connection.IsPlain
            || (first < inOrder && connection.TryFallBack(subflow, first, "data came without a mapping"));
        if (plain)
        {
            _unmapped.ForEach(waiting => connection.HandleData(waiting.Offset, waiting.Bytes));
            _unmapped.Clear();
            _unmappedBytes = 0;
        }
    }

    private void DeliverUnmapped()
    {
        for (int i = _unmapped.Count - 1; i >= 0; i--)
        {
            (long offset, byte[] bytes) = _unmapped[i];
            if (_mappings.Find(offset) >= 0)
            {
                _unmapped.RemoveAt(i);
                _unmappedBytes -= bytes.Length;
                Deliver(offset, bytes, keep: true);
            }
        }
    }
}
