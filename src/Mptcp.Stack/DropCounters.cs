using Mptcp.Wire;

namespace Mptcp.Stack;

/// <summary>How many packets were refused, by reason.</summary>
public sealed class DropCounters
{
    private readonly long[] _counts = new long[256];

    /// <summary>Refused for <paramref name="reason"/>.</summary>
    public long this[DropReason reason] => _counts[(byte)reason];

    internal void Count(DropReason reason) => _counts[(byte)reason]++;
}
