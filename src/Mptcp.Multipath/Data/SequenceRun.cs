namespace Mptcp.Multipath;

/// <summary>
/// The latest stretch of one direction of a subflow in which its own sequence and that of the data go up together. Data
/// that is all inside of it can go on without mappings (RFC 8684 §3.7).
/// </summary>
internal struct SequenceRun
{
    private bool _any;
    private long _shift;
    private long _start;
    private long _end;

    // Where the data of earlier stretches ended: what lies below may have gone under two numbers.
    private long _broken;

    /// <summary>A mapping follows the ones before it, in the order of the subflow.</summary>
    public void Add(long dataOffset, long subflowOffset, int length)
    {
        long shift = dataOffset - subflowOffset;
        if (!_any || shift != _shift)
        {
            _broken = Math.Max(_broken, _any ? _end : 0);
            (_any, _shift, _start, _end) = (true, shift, dataOffset, dataOffset);
        }

        _end = Math.Max(_end, dataOffset + length);
    }

    /// <summary>
    /// Whether everything from <paramref name="next"/> on continues this stretch, and by how much data sequence is ahead
    /// of the subflow's.
    /// </summary>
    /// <param name="next">The data offset of the first byte that is missing at the receiving end.</param>
    /// <param name="end">One past the last data offset in flight; what comes after it continues.</param>
    /// <param name="subflowEnd">The subflow offset that follows the last byte that it carried.</param>
    /// <param name="shift">Data offset less subflow offset.</param>
    public readonly bool Continues(long next, long end, long subflowEnd, out long shift)
    {
        bool nothing = !_any || next == end;
        shift = nothing ? end - subflowEnd : _shift;
        return (nothing && next == end) || (_any && _start <= next && _broken <= next && _end == end);
    }

    /// <summary>Whether a receiver that misses <paramref name="next"/> gets it as the next byte of this stretch.</summary>
    /// <param name="next">The data offset of the first byte that is missing.</param>
    /// <param name="subflowNext">The subflow offset of the first byte that is missing.</param>
    /// <param name="shift">Data offset less subflow offset.</param>
    public readonly bool Awaits(long next, long subflowNext, out long shift)
    {
        shift = _any ? _shift : next - subflowNext;
        return !_any || (_broken <= next && (_start <= next || subflowNext + _shift == next));
    }
}
