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
    private SequenceRun _run;

    // Whether data that we sent here was acknowledged with a DATA_ACK beside it.
    private bool _answered;

    // From here on nothing is looked into until the peer has fallen back.
    private long _failedFrom = long.MaxValue;

    /// <summary>What its queues take, in bytes.</summary>
    public long Memory => _mappings.Memory + _unmappedBytes;

    /// <summary>Payload that arrived, repeats included.</summary>
    public long BytesReceived { get; private set; }

    /// <summary>Bytes that wait for the peer's fallback after a wrong checksum: they fill the subflow, not the stream.</summary>
    public int HeldBytes => _failedFrom == long.MaxValue ? 0 : _unmappedBytes;

    /// <summary>Whether the peer has mapped nothing here.</summary>
    public bool IsUnmapped { get; private set; } = true;

    /// <summary>Whether the peer's data sequence numbers have 64 bits: our DATA_ACKs follow (RFC 8684 §3.3.2).</summary>
    public bool PeerUses64Bits { get; private set; }

    /// <summary>The options of a segment of an established subflow.</summary>
    public SegmentVerdict Examine(in TcpSegment segment, long offset, in SegmentOptions options)
    {
        // Each of our mappings is one segment, so whoever acknowledges one and speaks MPTCP has a DATA_ACK to send.
        bool acknowledges = subflow.AcknowledgesNew(segment);
        if (!options.Any && (segment.Fin || acknowledges))
        {
            if (connection.TryFallBack(subflow, _inOrder, ConnectionEventCode.OptionsRemoved))
            {
                return SegmentVerdict.Accept;
            }

            if (connection.FallsBackSoon)
            {
                return SegmentVerdict.Accept;
            }

            if (acknowledges && !_answered && subflow.Number > 0)
            {
                // Options pass on the SYNs of this path and not on its data (RFC 8684 §3.7).
                return subflow.Refuse(MpTcpRstReason.MiddleboxInterference, ConnectionEventCode.JoinOptionsRemoved);
            }
        }

        _answered |= acknowledges && options.Dss is { HasDataAck: true };

        if (options.FastClose is { } fastClose && connection.IsOurKey(subflow, fastClose))
        {
            connection.HandleFastClose(subflow);
            return SegmentVerdict.Reset;
        }

        if (options.Fail is { } fail)
        {
            SegmentVerdict verdict = connection.HandleFail(subflow, fail);
            if (connection.IsPlain || verdict == SegmentVerdict.Reset)
            {
                return verdict;
            }
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

        if (options.Capable is { DataLength: { } length } capable)
        {
            if (capable.Checksum.HasValue != connection.ChecksumInUse)
            {
                return NotAgreed();
            }

            if (!TakeCapableMapping(length, capable.Checksum))
            {
                return Contradiction();
            }
        }

        bool signal = options.AddAddress is not null || options.RemoveAddress is not null || options.Priority is not null;
        if (options.Dss is { } dss)
        {
            long window = (long)segment.Window << subflow.Connection.PeerWindowShift;
            signal |= dss.HasDataAck && connection.HandleDataAck(subflow, dss, window);
            if (dss.HasMapping)
            {
                signal = true;
                if (dss.HasChecksum != connection.ChecksumInUse && !dss.IsInfiniteMapping)
                {
                    return NotAgreed();
                }

                if (!TakeMapping(dss, offset))
                {
                    return Contradiction();
                }
            }
        }

        return signal && segment.Payload.IsEmpty ? SegmentVerdict.AcceptSignal : SegmentVerdict.Accept;
    }

    /// <summary>
    /// After the fallback: whether a mapping that comes all the same says what plain TCP takes for granted. A peer that
    /// never learns of the fallback sends again, under new numbers of the subflow, what it gets no DATA_ACK for; that would be
    /// data twice.
    /// </summary>
    public bool AgreesWithPlain(long offset, in SegmentOptions options) =>
        options.Dss is not { HasMapping: true, IsInfiniteMapping: false } dss
        || dss.DataLength == (dss.DataFin ? 1 : 0)
        || connection.IsWherePlainHasIt(connection.FromWire(dss), OffsetOf(dss, offset));

    /// <summary>Payload as it arrives.</summary>
    public void HandlePayload(long offset, ReadOnlySpan<byte> payload)
    {
        BytesReceived += payload.Length;
        if (connection.IsPlain)
        {
            connection.HandlePlainData(offset, payload);
        }
        else
        {
            Deliver(offset, payload);
        }
    }

    /// <summary>Everything below <paramref name="offset"/> has arrived on the subflow.</summary>
    public void HandleInOrder(long offset)
    {
        _inOrder = offset;
        if (_unmapped.Count > 0 && _failedFrom == long.MaxValue)
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
        if (_failedFrom == long.MaxValue && (_unmappedBytes > UnmappedLimit || _unmapped.Count > UnmappedSegments))
        {
            connection.NoteRefused(DropReason.ProtocolViolation);
            subflow.Abort(MpTcpRstReason.MiddleboxInterference, ConnectionEventCode.MappingMissing);
        }
    }

    private SegmentVerdict NotAgreed() =>
        subflow.Refuse(MpTcpRstReason.MptcpSpecificError, ConnectionEventCode.ChecksumNotAgreed);

    private SegmentVerdict Contradiction() =>
        subflow.Refuse(MpTcpRstReason.MptcpSpecificError, ConnectionEventCode.MappingContradiction);

    private bool TakeMapping(in DssOption dss, long offset)
    {
        if (dss.IsInfiniteMapping)
        {
            return connection.TryTakeInfinite(subflow, connection.FromWire(dss), OffsetOf(dss, offset));
        }

        PeerUses64Bits = dss.DataSequence64;
        long dataOffset = connection.FromWire(dss);
        int length = dss.DataLength - (dss.DataFin ? 1 : 0);
        if (dss.DataFin)
        {
            connection.HandleDataFin(subflow, dataOffset + length);
        }

        long subflowOffset = OffsetOf(dss, offset);
        return length == 0 || TakeMapping(
            subflowOffset, dataOffset, dss.DataLength, dss.SubflowSequenceNumber, dss.HasChecksum ? dss.Checksum : null, length);
    }

    /// <summary>Where a mapping begins on the subflow: data of the SYN does not count on the wire (RFC 8684 Appendix B.2).</summary>
    private long OffsetOf(in DssOption dss, long near)
    {
        long inSyn = subflow.ReceivedInSyn;
        return SequenceNumbers.Unwrap(dss.SubflowSequenceNumber, 0, near - inSyn) + inSyn;
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
        if (mapping.SubflowOffset >= _failedFrom)
        {
            return true;
        }

        MappingOutcome outcome = _mappings.Add(mapping);
        if (outcome == MappingOutcome.Added)
        {
            IsUnmapped = false;
            _run.Add(dataOffset, subflowOffset, mapping.Length);
        }

        return outcome != MappingOutcome.Contradiction;
    }

    /// <summary>Whether the peer's stream, of which <paramref name="next"/> is missing, goes on here without mappings.</summary>
    public bool Awaits(long next, out long shift) => _run.Awaits(next, _inOrder, out shift);

    /// <summary>After the fallback: all that waited for a mapping, for a checksum or for the fallback is data.</summary>
    public void DeliverHeld()
    {
        _failedFrom = long.MaxValue;
        for (int i = 0; i < _mappings.Count; i++)
        {
            if (_mappings[i] is { Held: { } held, Arrived: { } arrived } mapping)
            {
                for (int range = 0; range < arrived.Count; range++)
                {
                    (long left, long right) = arrived[range];
                    connection.HandlePlainData(left, held.AsSpan((int)(left - mapping.SubflowOffset), (int)(right - left)));
                }
            }
        }

        _unmapped.ForEach(waiting => connection.HandlePlainData(waiting.Offset, waiting.Bytes));
        _unmapped.Clear();
        _unmappedBytes = 0;
    }

    private void Deliver(long offset, ReadOnlySpan<byte> payload)
    {
        while (!payload.IsEmpty)
        {
            int index = offset >= _failedFrom ? -1 : _mappings.Find(offset);
            if (index < 0)
            {
                if (connection.HasMemory(payload.Length))
                {
                    Keep(offset, payload.ToArray());
                }
                else
                {
                    connection.NoteRefused(DropReason.NoMemory);
                    subflow.Abort(MpTcpRstReason.LackOfResources, ConnectionEventCode.MappingMissing, "and no memory is left for it");
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
            connection.HandleData(subflow, mapping.DataOffset + (offset - mapping.SubflowOffset), bytes);
        }
        else if (_mappings.Hold(ref mapping, offset, bytes))
        {
            if (ReceiveMappings.IsIntact(mapping, connection.ReceiveSpace))
            {
                connection.HandleData(subflow, mapping.DataOffset, mapping.Held.AsSpan(0, mapping.Length));
            }
            else if (connection.HandleChecksumFailure(subflow, mapping.DataOffset, mapping.SubflowOffset))
            {
                KeepFrom(mapping.SubflowOffset);
            }
        }
    }

    /// <summary>Data whose turn has come, without a mapping: a mapping would have come with it, or before.</summary>
    private void FallBackWithout(long inOrder)
    {
        long first = inOrder;
        _unmapped.ForEach(waiting => first = Math.Min(first, waiting.Offset));
        if (first < inOrder)
        {
            connection.TryFallBack(subflow, first, ConnectionEventCode.DataWithoutMapping);
        }
    }

    private void Keep(long offset, byte[] bytes)
    {
        _unmapped.Add((offset, bytes));
        _unmappedBytes += bytes.Length;
    }

    /// <summary>Nothing from here on is trusted: what its mappings have collected waits as it came.</summary>
    private void KeepFrom(long subflowOffset)
    {
        _failedFrom = subflowOffset;
        for (int i = 0; i < _mappings.Count; i++)
        {
            ref ReceiveMapping mapping = ref _mappings[i];
            if (mapping.SubflowOffset >= subflowOffset && mapping is { Held: { } held, Arrived: { } arrived })
            {
                for (int range = 0; range < arrived.Count; range++)
                {
                    (long left, long right) = arrived[range];
                    Keep(left, held.AsSpan((int)(left - mapping.SubflowOffset), (int)(right - left)).ToArray());
                }

                mapping.Arrived = null;
            }
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
                Deliver(offset, bytes);
            }
        }
    }
}
