using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// A circular byte buffer over a stream that passes through it, which begins small and grows to a cap as the memory of
/// the host allows. Offsets are those of the stream.
/// </summary>
internal sealed class GrowingBuffer
{
    /// <summary>What a connection gets before it has shown what it needs, in bytes.</summary>
    public const int InitialCapacity = 128 * 1024;

    private readonly int _cap;
    private readonly MemoryCharge _charge;
    private byte[] _bytes;

    public GrowingBuffer(int cap, MemoryBudget budget)
    {
        (_cap, _charge) = (cap, new MemoryCharge(budget));
        _bytes = new byte[Math.Min(cap, InitialCapacity)];

        // Whoever made the connection has asked the budget for this much.
        _charge.Set(_bytes.Length);
    }

    public int Capacity => _bytes.Length;

    /// <summary>Whether it is below its cap.</summary>
    public bool CanGrow => _bytes.Length < _cap;

    /// <summary>Grows to hold <paramref name="wanted"/> bytes or the cap; [from, to) is what is inside now.</summary>
    public void Grow(long wanted, long from, long to)
    {
        // Doubling at least, so that the copying costs less than one copy of every byte.
        int capacity = (int)Math.Min(Math.Max(wanted, 2L * _bytes.Length), _cap);
        if (capacity <= _bytes.Length || !_charge.TryTake(capacity - _bytes.Length))
        {
            return;
        }

        var larger = new byte[capacity];
        var first = _bytes.AsSpan((int)(from % _bytes.Length));
        int length = (int)(to - from);
        first = first[..Math.Min(first.Length, length)];
        Circular.CopyIn(larger, from, first);
        Circular.CopyIn(larger, from + first.Length, _bytes.AsSpan(0, length - first.Length));
        _bytes = larger;
    }

    public void CopyIn(long offset, ReadOnlySpan<byte> bytes) => Circular.CopyIn(_bytes, offset, bytes);

    public void CopyOut(long offset, Span<byte> destination) => Circular.CopyOut(_bytes, offset, destination);

    /// <summary>Gives the memory back; what was inside stays readable.</summary>
    public void Release() => _charge.Release();
}
