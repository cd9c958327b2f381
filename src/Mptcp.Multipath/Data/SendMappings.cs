using System.Runtime.CompilerServices;
using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// A data sequence mapping that this host made. Its fields never change once it was sent, so that a retransmission
/// repeats it exactly (RFC 8684 §3.3.1).
/// </summary>
internal struct SendMapping
{
    /// <summary>Where it begins on the subflow; the SYN is 0.</summary>
    public long SubflowOffset;

    /// <summary>The same on the wire, where the data of the SYN does not count (RFC 8684 Appendix B.2).</summary>
    public uint SubflowSequence;

    /// <summary>Where it begins in the data sequence space.</summary>
    public long DataOffset;

    /// <summary>Its bytes.</summary>
    public int Length;

    /// <summary>When it first left.</summary>
    public Instant SentAt;

    /// <summary>Its checksum, where the connection has them.</summary>
    public ushort Checksum;

    /// <summary>Whether it travels in MP_CAPABLE, not in a DSS (the initiator's first data, RFC 8684 §3.1).</summary>
    public bool InCapable;

    /// <summary>Whether the segment has room for a 64-bit DATA_ACK beside it.</summary>
    public bool WideAck;

    /// <summary>Whether its data was queued for another subflow.</summary>
    public bool Reinjected;

    /// <summary>A copy of its bytes, once the send queue has let go of them.</summary>
    public byte[]? Detached;

    public readonly long SubflowEnd => SubflowOffset + Length;

    public readonly long DataEnd => DataOffset + Length;
}

/// <summary>The mappings of one subflow that it has not acknowledged, in order of subflow sequence.</summary>
internal sealed class SendMappings
{
    private const int InitialMappings = 16;
    private SendMapping[] _ring = new SendMapping[InitialMappings];
    private long _detachedBytes;
    private int _head;

    public int Count { get; private set; }

    /// <summary>What they have grown by, copies of payload included, in bytes.</summary>
    public long Memory => (long)(_ring.Length - InitialMappings) * Unsafe.SizeOf<SendMapping>() + _detachedBytes;

    public ref SendMapping this[int index] => ref _ring[(_head + index) & (_ring.Length - 1)];

    public void Add(in SendMapping mapping)
    {
        if (Count == _ring.Length)
        {
            var larger = new SendMapping[_ring.Length * 2];
            for (int i = 0; i < Count; i++)
            {
                larger[i] = this[i];
            }

            (_ring, _head) = (larger, 0);
        }

        Count++;
        this[Count - 1] = mapping;
    }

    /// <summary>The index of the mapping that holds a subflow offset, or -1.</summary>
    public int Find(long subflowOffset)
    {
        int low = 0;
        int high = Count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            ref SendMapping mapping = ref this[middle];
            if (mapping.SubflowEnd <= subflowOffset)
            {
                low = middle + 1;
            }
            else if (mapping.SubflowOffset > subflowOffset)
            {
                high = middle - 1;
            }
            else
            {
                return middle;
            }
        }

        return -1;
    }

    /// <summary>Gives a mapping room for a copy of its bytes.</summary>
    public Span<byte> Detach(ref SendMapping mapping)
    {
        _detachedBytes += mapping.Length;
        return mapping.Detached = new byte[mapping.Length];
    }

    /// <summary>Forgets mappings that the subflow has acknowledged whole.</summary>
    public void RemoveBelow(long subflowOffset)
    {
        while (Count > 0 && this[0].SubflowEnd <= subflowOffset)
        {
            _detachedBytes -= this[0].Detached?.Length ?? 0;
            this[0] = default;
            _head = (_head + 1) & (_ring.Length - 1);
            Count--;
        }
    }
}
