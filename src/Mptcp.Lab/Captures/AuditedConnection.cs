using System.Buffers.Binary;

namespace Mptcp.Lab;

/// <summary>A Multipath TCP connection of a capture: its keys, its two streams of data, and its subflows.</summary>
internal sealed class AuditedConnection(AuditedKeys keys, bool checksums, CaptureFindings findings)
{
    private readonly List<(AuditedFlow Flow, bool ByInitiator)> _flows = [];
    private readonly long[] _sent = [1, 1];
    private bool _fallenBack;

    public AuditedKeys Keys => keys;

    public void Add(AuditedFlow flow, bool byInitiator) => _flows.Add((flow, byInitiator));

    /// <summary>The data of the initiator's first segment, in MP_CAPABLE (RFC 8684 §3.1).</summary>
    public void AddCapableData(AuditedFlow flow, ReadOnlySpan<byte> option)
    {
        ushort length = BinaryPrimitives.ReadUInt16BigEndian(option[20..]);
        ushort? checksum = option.Length == 24 ? BinaryPrimitives.ReadUInt16BigEndian(option[22..]) : null;
        ulong number = unchecked(keys.InitialNumberOf(byInitiator: true) + 1);
        flow.AddMapping(new AuditedMapping(1, number, length, 1, checksum, Fin: false));
        HandleSent(byInitiator: true, 1 + length);
    }

    public void AddDss(string name, AuditedFlow flow, long segmentOffset, bool byInitiator, in AuditedDss dss)
    {
        if (dss.Ack is { } ack)
        {
            long acknowledged = OffsetOf(ack, dss.AckIsWide, !byInitiator);
            if (acknowledged > _sent[Index(!byInitiator)] && !_fallenBack)
            {
                findings.Add($"{name}: the DATA_ACK {acknowledged} is of data that was never sent");
            }
        }

        if (!dss.HasMapping)
        {
            return;
        }

        if (dss.Length == 0)
        {
            FallBack();
            return;
        }

        long offset = OffsetOf(dss.Number, dss.NumberIsWide, byInitiator);
        ulong number = unchecked(keys.InitialNumberOf(byInitiator) + (ulong)offset);
        HandleSent(byInitiator, offset + dss.Length);
        long subflowOffset = segmentOffset + unchecked((int)(dss.SubflowSequence - (uint)segmentOffset));
        flow.AddMapping(new AuditedMapping(
            subflowOffset, number, dss.Length, dss.SubflowSequence, dss.Checksum, dss.Fin));
    }

    public void FallBack()
    {
        findings.Fallbacks += _fallenBack ? 0 : 1;
        _fallenBack = true;
    }

    public void Finish()
    {
        SparseBytes[] streams = [new(), new()];
        foreach ((AuditedFlow flow, bool byInitiator) in _flows)
        {
            long unmapped = flow.Finish(streams[Index(byInitiator)], keys.InitialNumberOf(byInitiator), checksums);
            if (unmapped > 0 && !_fallenBack && _flows.Count > 2)
            {
                findings.Add($"{unmapped} bytes at the end of a flow have no mapping, and there were several subflows");
            }
            else if (unmapped > 0)
            {
                FallBack();
            }
        }

        findings.DataBytes += streams.Sum(stream => Math.Max(0, stream.End - 1));
    }

    private static int Index(bool byInitiator) => byInitiator ? 0 : 1;

    private void HandleSent(bool byInitiator, long end) => _sent[Index(byInitiator)] = Math.Max(_sent[Index(byInitiator)], end);

    /// <summary>A data sequence number as an offset from the initial one; a 32-bit one near the latest.</summary>
    private long OffsetOf(ulong number, bool wide, bool byInitiator)
    {
        ulong initial = keys.InitialNumberOf(byInitiator);
        long near = _sent[Index(byInitiator)];
        return wide
            ? unchecked((long)(number - initial))
            : near + unchecked((int)((uint)number - (uint)(initial + (ulong)near)));
    }
}
