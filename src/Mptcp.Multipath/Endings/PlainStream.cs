using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>
/// What is left of a connection after its fallback (RFC 8684 §3.7): one subflow, whose sequence numbers are those of the
/// data but for a constant, and the infinite mapping that tells the peer.
/// </summary>
internal sealed class PlainStream(ConnectionKeys keys)
{
    // Where the mapping begins: the last that was known to have arrived intact.
    private long _from;
    private bool _mappingDue;
    private bool _bareMappingDue;
    private long _mappedAt = -1;

    // Data of the SYN, which does not count on the wire (RFC 8684 Appendix B.2).
    private int _uncounted;

    /// <summary>Data offset less subflow offset of what is sent.</summary>
    public long SendShift { get; private set; }

    /// <summary>Data offset less subflow offset of what arrives.</summary>
    public long ReceiveShift { get; private set; }

    /// <summary>The room that the next new segment needs for the infinite mapping.</summary>
    public int OptionsLength => _mappingDue ? 20 : 0;

    /// <summary>Whether a pure ACK should carry the infinite mapping, because there may be no data to carry it.</summary>
    public bool BareMappingDue => _bareMappingDue;

    /// <summary>
    /// Whether ACKs go on to bring DATA_ACKs: the peer has answered our MP_FAIL, but falls back with its next new data
    /// only (RFC 8684 §3.7), and has room for that once what is in flight is acknowledged.
    /// </summary>
    public bool AcknowledgesData { get; private set; }

    private bool ChecksumInUse { get; set; }

    public void SetShifts(long send, long receive) => (SendShift, ReceiveShift) = (send, receive);

    /// <summary>The peer is to be told by an infinite mapping that begins at a data offset.</summary>
    public void TellPeer(long from, int sentInSyn, bool checksumInUse) =>
        (_from, _uncounted, ChecksumInUse, _mappingDue) = (from, sentInSyn, checksumInUse, true);

    /// <summary>The peer has agreed to fall back, and has not done it yet.</summary>
    public void AwaitPeer() => AcknowledgesData = true;

    /// <summary>The peer has fallen back with the first data that is not mapped any more, or mapped without an end.</summary>
    public void HandleArrival(bool hasData, DssOption? dss) =>
        AcknowledgesData &= !hasData || dss is { HasMapping: true, IsInfiniteMapping: false };

    /// <summary>The peer asks again.</summary>
    public void Repeat() => _bareMappingDue = true;

    /// <summary>New data goes into a segment at this subflow offset: the first one carries the mapping, each time it leaves.</summary>
    public void HandlePrepared(long subflowOffset)
    {
        if (_mappingDue)
        {
            (_mappingDue, _mappedAt) = (false, subflowOffset);
        }
    }

    /// <summary>Writes the one option that still leaves.</summary>
    public bool TryWrite(in SegmentDescription segment, ref TcpOptionWriter writer)
    {
        bool bare = _bareMappingDue && !segment.HasData;
        if (!bare && (!segment.HasData || segment.Offset != _mappedAt))
        {
            return false;
        }

        if (bare)
        {
            _bareMappingDue = false;
        }

        return Mapping(ChecksumInUse).TryWrite(ref writer);
    }

    // The checksum of an infinite mapping is there and 0 (RFC 8684 §3.3.1).
    private DssOption Mapping(bool checksum) => new()
    {
        HasMapping = true,
        DataSequence64 = true,
        DataSequenceNumber = keys.Send.ToWire64(_from),
        SubflowSequenceNumber = unchecked((uint)(_from - SendShift - _uncounted)),
        HasChecksum = checksum,
    };
}
