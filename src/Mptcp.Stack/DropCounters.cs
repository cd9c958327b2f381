using Mptcp.Wire;

namespace Mptcp.Stack;

/// <summary>What came of the packets that arrived: each is counted once, under the reason why it was refused, or none.</summary>
public sealed class DropCounters
{
    private readonly long[] _counts = new long[256];

    /// <summary>Packets that arrived.</summary>
    public long Arrived { get; private set; }

    /// <summary>Packets that were refused, as a whole or in part.</summary>
    public long Refused => Arrived - this[DropReason.None];

    /// <summary>Refused for <paramref name="reason"/>, as a whole or in part; <see cref="DropReason.None"/>: taken.</summary>
    public long this[DropReason reason] => _counts[(byte)reason];

    internal void Count(DropReason reason)
    {
        Arrived++;
        _counts[(byte)reason]++;
    }
}
