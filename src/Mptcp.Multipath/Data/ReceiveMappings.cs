using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>A data sequence mapping that the peer made.</summary>
internal struct ReceiveMapping
{
    public long SubflowOffset;
    public long DataOffset;

    /// <summary>Bytes of payload; a DATA_FIN is not among them.</summary>
    public int Length;

    /// <summary>The fields that the checksum covers, as they were on the wire.</summary>
    public ushort WireLength;
    public uint WireSubflowSequence;
    public ushort? Checksum;

    /// <summary>With a checksum: the bytes so far, and which, because none counts before all are there.</summary>
    public byte[]? Held;
    public IntervalSet? Arrived;

    public readonly long SubflowEnd => SubflowOffset + Length;
}

/// <summary>What became of a mapping that arrived.</summary>
internal enum MappingOutcome
{
    /// <summary>It is new.</summary>
    Added,

    /// <summary>It repeats one that is known (RFC 8684 §3.3.1 allows it).</summary>
    Repeated,

    /// <summary>Its bytes have all arrived.</summary>
    Past,

    /// <summary>It contradicts one that is known.</summary>
    Contradiction,
}

/// <summary>The peer's mappings on one subflow that may still be needed.</summary>
internal sealed class ReceiveMappings
{
    // More mappings than a window of smallest segments could need are an attack on memory.
    private const int Limit = 16_384;
    private readonly List<ReceiveMapping> _mappings = [];
    private long _inOrder = 1;
    private long _heldBytes;

    /// <summary>What they take, bytes that wait for the rest of their mapping included.</summary>
    public long Memory => (long)_mappings.Capacity * Unsafe.SizeOf<ReceiveMapping>() + _heldBytes;

    // The bounds of what is known: nearly every mapping begins where the last ended, and nearly every segment before a
    // hole is filled ends none of them.
    private long _leastEnd = long.MaxValue;
    private long _greatestEnd;

    public MappingOutcome Add(in ReceiveMapping mapping)
    {
        if (mapping.SubflowEnd <= _inOrder)
        {
            return MappingOutcome.Past;
        }

        Span<ReceiveMapping> known = CollectionsMarshal.AsSpan(_mappings);
        for (int i = mapping.SubflowOffset < _greatestEnd ? known.Length - 1 : -1; i >= 0; i--)
        {
            ref ReceiveMapping other = ref known[i];
            if (other.SubflowOffset < mapping.SubflowEnd && mapping.SubflowOffset < other.SubflowEnd)
            {
                bool agrees = other.DataOffset - other.SubflowOffset == mapping.DataOffset - mapping.SubflowOffset;
                if (!agrees)
                {
                    return MappingOutcome.Contradiction;
                }

                if (mapping.SubflowOffset >= other.SubflowOffset && mapping.SubflowEnd <= other.SubflowEnd)
                {
                    return MappingOutcome.Repeated;
                }

                // A byte under two checksums would have to be held twice.
                if (mapping.Checksum is not null)
                {
                    return MappingOutcome.Contradiction;
                }
            }
        }

        if (_mappings.Count == Limit)
        {
            return MappingOutcome.Contradiction;
        }

        _mappings.Add(mapping);
        Bound(mapping.SubflowEnd);
        return MappingOutcome.Added;
    }

    /// <summary>The index of a mapping that holds a subflow offset, or -1.</summary>
    public int Find(long subflowOffset)
    {
        Span<ReceiveMapping> known = CollectionsMarshal.AsSpan(_mappings);
        for (int i = known.Length - 1; i >= 0; i--)
        {
            if (known[i].SubflowOffset <= subflowOffset && subflowOffset < known[i].SubflowEnd)
            {
                return i;
            }
        }

        return -1;
    }

    public int Count => _mappings.Count;

    public ref ReceiveMapping this[int index] => ref CollectionsMarshal.AsSpan(_mappings)[index];

    /// <summary>The subflow has received everything below <paramref name="inOrder"/>.</summary>
    public void Advance(long inOrder)
    {
        _inOrder = inOrder;
        if (inOrder < _leastEnd)
        {
            return;
        }

        int kept = 0;
        (_leastEnd, _greatestEnd) = (long.MaxValue, 0);
        Span<ReceiveMapping> known = CollectionsMarshal.AsSpan(_mappings);
        for (int i = 0; i < known.Length; i++)
        {
            if (known[i].SubflowEnd > inOrder)
            {
                Bound(known[i].SubflowEnd);
                known[kept++] = known[i];
            }
            else if (known[i].Held is { } held)
            {
                _heldBytes -= held.Length;
                ArrayPool<byte>.Shared.Return(held);
            }
        }

        if (kept < known.Length)
        {
            _mappings.RemoveRange(kept, known.Length - kept);
        }
    }

    private void Bound(long end) => (_leastEnd, _greatestEnd) = (Math.Min(_leastEnd, end), Math.Max(_greatestEnd, end));

    /// <summary>Keeps bytes of a mapping with a checksum; true when it is whole.</summary>
    public bool Hold(ref ReceiveMapping mapping, long subflowOffset, ReadOnlySpan<byte> bytes)
    {
        if (mapping.Held is null)
        {
            mapping.Held = ArrayPool<byte>.Shared.Rent(mapping.Length);
            _heldBytes += mapping.Held.Length;
        }

        mapping.Arrived ??= new IntervalSet();
        bytes.CopyTo(mapping.Held.AsSpan((int)(subflowOffset - mapping.SubflowOffset)));
        mapping.Arrived.Add(subflowOffset, subflowOffset + bytes.Length);
        return mapping.Arrived.Contains(mapping.SubflowOffset, mapping.SubflowEnd);
    }

    /// <summary>Whether the held bytes agree with the mapping's checksum (RFC 8684 §3.3.1).</summary>
    public static bool IsIntact(in ReceiveMapping mapping, DataSequenceSpace space) => DssChecksum.Verify(
        space.ToWire64(mapping.DataOffset),
        mapping.WireSubflowSequence,
        mapping.WireLength,
        InternetChecksum.Accumulate(mapping.Held.AsSpan(0, mapping.Length), 0),
        mapping.Checksum.GetValueOrDefault());
}
