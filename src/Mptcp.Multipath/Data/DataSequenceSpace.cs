using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>
/// One direction's data sequence space. Inside the engine a data sequence number is an offset from the initial one: the
/// MP_CAPABLE octet is 0, the first data byte is 1 (RFC 8684 §3.1). On the wire it is 64 bits or their low half.
/// </summary>
/// <param name="initial">The initial data sequence number: the low 64 bits of the key's digest.</param>
public readonly struct DataSequenceSpace(ulong initial)
{
    /// <summary>The 64-bit number of an offset; the space may wrap.</summary>
    public ulong ToWire64(long offset) => unchecked(initial + (ulong)offset);

    /// <summary>The low half of the number of an offset.</summary>
    public uint ToWire32(long offset) => unchecked((uint)ToWire64(offset));

    /// <summary>The offset of a 64-bit number; negative before the initial one.</summary>
    public long FromWire64(ulong number) => unchecked((long)(number - initial));

    /// <summary>The offset of a 32-bit number: the one nearest to <paramref name="near"/> (RFC 8684 §3.3.1).</summary>
    public long FromWire32(uint number, long near) =>
        FromWire64(SequenceNumbers.Unwrap32(number, ToWire64(near)));
}
