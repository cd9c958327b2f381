namespace Mptcp.Lab;

/// <summary>One mapping of a flow; offsets count from the flow's first sequence number, the SYN being 0.</summary>
internal readonly record struct AuditedMapping(
    long Offset, ulong Number, ushort WireLength, uint WireSequence, ushort? Checksum, bool Fin)
{
    /// <summary>Bytes of payload: a DATA_FIN is not among them.</summary>
    public int Length => WireLength - (Fin ? 1 : 0);

    public long End => Offset + Length;
}

/// <summary>One direction of a subflow: its payload by sequence number, and the mappings that were sent with it.</summary>
internal sealed class AuditedFlow(string name, uint firstSequence, CaptureFindings findings)
{
    private readonly SparseBytes _payload = new();
    private readonly Dictionary<long, AuditedMapping> _mappings = [];
    private long _near;

    public uint FirstSequence => firstSequence;

    /// <summary>The offset of a sequence number, near the latest one.</summary>
    public long OffsetOf(uint sequence) => _near + unchecked((int)(sequence - (uint)(firstSequence + _near)));

    public void AddPayload(long offset, ReadOnlySpan<byte> payload)
    {
        if (payload.IsEmpty || offset < 1)
        {
            return;
        }

        if (_payload.Put(offset, payload) is >= 0 and long differs)
        {
            findings.Add($"{name}: the byte at {differs} is repeated with another value");
        }

        _near = Math.Max(_near, offset + payload.Length);
    }

    public void AddMapping(in AuditedMapping mapping)
    {
        if (mapping.Length > 0 && _mappings.TryAdd(mapping.Offset, mapping))
        {
            findings.Mappings++;
        }
        else if (mapping.Length > 0 && _mappings[mapping.Offset].Number != mapping.Number)
        {
            findings.Add($"{name}: two mappings for {mapping.Offset} name different data");
        }
    }

    /// <summary>Verifies the mappings, and gives what they map to the stream of data.</summary>
    /// <param name="stream">The data of this direction, by offset from <paramref name="initial"/>.</param>
    /// <param name="initial">The initial data sequence number of this direction.</param>
    /// <param name="checksums">Whether mappings have to carry checksums.</param>
    /// <returns>How many bytes of payload follow the last mapping, and have none.</returns>
    public long Finish(SparseBytes stream, ulong initial, bool checksums)
    {
        long end = 1;
        foreach (AuditedMapping mapping in _mappings.Values.OrderBy(mapping => mapping.Offset))
        {
            if (mapping.Offset > end && _payload.TryGet(end, (int)(mapping.Offset - end)) is not null)
            {
                findings.Add($"{name}: {mapping.Offset - end} bytes at {end} have no mapping");
            }

            end = Math.Max(end, mapping.End);
            if ((mapping.Checksum is not null) != checksums)
            {
                findings.Add($"{name}: the mapping at {mapping.Offset} has {(checksums ? "no" : "a")} checksum");
            }

            Verify(mapping, stream, initial);
        }

        return Math.Max(0, _payload.End - end);
    }

    private void Verify(in AuditedMapping mapping, SparseBytes stream, ulong initial)
    {
        // The end of a capture may cut a mapping short.
        if (_payload.TryGet(mapping.Offset, mapping.Length) is not { } bytes)
        {
            return;
        }

        if (mapping.Checksum is { } checksum)
        {
            bool right = Sum(mapping, bytes, checksum) == 0xffff;
            findings.Checksums += right ? 1 : 0;
            if (!right)
            {
                findings.Add($"{name}: the checksum of the mapping at {mapping.Offset} is wrong");
            }
        }

        long offset = unchecked((long)(mapping.Number - initial));
        if (offset is < 1 or > int.MaxValue)
        {
            findings.Add($"{name}: the mapping at {mapping.Offset} names data at {offset} from the initial number");
        }
        else if (stream.Put(offset, bytes) is >= 0 and long differs)
        {
            findings.Add($"{name}: the data at {differs} has another value than elsewhere");
        }
    }

    /// <summary>RFC 8684 §3.3.1 by its text, a word at a time: 0xffff when the checksum is right.</summary>
    private static uint Sum(in AuditedMapping mapping, byte[] bytes, ushort checksum)
    {
        ulong sum = (mapping.Number >> 48) + ((mapping.Number >> 32) & 0xffff) + ((mapping.Number >> 16) & 0xffff)
            + (mapping.Number & 0xffff) + (mapping.WireSequence >> 16) + (mapping.WireSequence & 0xffff)
            + mapping.WireLength + checksum;
        for (int i = 0; i < bytes.Length; i += 2)
        {
            sum += ((ulong)bytes[i] << 8) + (i + 1 < bytes.Length ? bytes[i + 1] : (byte)0);
        }

        while (sum > 0xffff)
        {
            sum = (sum & 0xffff) + (sum >> 16);
        }

        return (uint)sum;
    }
}
