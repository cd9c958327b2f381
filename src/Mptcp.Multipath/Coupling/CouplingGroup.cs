using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// Subflows of one connection whose windows grow together, because they may share a bottleneck (RFC 6356). Members are those
/// that have sent something lately; a backup that rests has no say. Not thread-safe: it belongs to its connection's thread.
/// </summary>
public sealed class CouplingGroup
{
    // A member that was not acknowledged for so long, and four round trips, has nothing in flight that counts.
    private const long Quiet = 2 * Instant.Second;
    private readonly List<ICoupledController> _members = [];

    /// <summary>Binary places of sums: without them small windows on long paths count for nothing.</summary>
    internal const int SumBits = 16;
    private Instant _now;

    /// <summary>
    /// How much of the growth is coupled, in percent from 0 (each subflow grows like a TCP of its own) to 100; the rest is
    /// Reno's.
    /// </summary>
    public int Strength { get; init; } = 100;

    /// <summary>All members, the quiet ones too.</summary>
    public IReadOnlyList<ICoupledController> Members => _members;

    internal int CountActive
    {
        get
        {
            int count = 0;
            for (int i = 0; i < _members.Count; i++)
            {
                count += IsActive(_members[i]) ? 1 : 0;
            }

            return count;
        }
    }

    /// <summary>The sum of the windows, in bytes.</summary>
    internal long TotalWindow
    {
        get
        {
            long sum = 0;
            for (int i = 0; i < _members.Count; i++)
            {
                sum += IsActive(_members[i]) ? _members[i].EffectiveWindow : 0;
            }

            return sum;
        }
    }

    internal void Add(ICoupledController member) => _members.Add(member);

    internal void Remove(ICoupledController member) => _members.Remove(member);

    internal void HandleTime(Instant now) => _now = now;

    internal bool IsActive(ICoupledController member) => member.SmoothedRoundTrip > 0
        && _now - member.LastAck <= Quiet + (4 * member.SmoothedRoundTrip);

    /// <summary>
    /// What all members send in one round trip of this length, the sum of W_i rtt / rtt_i: bytes, with
    /// <see cref="SumBits"/> binary places; 1 at least.
    /// </summary>
    internal Int128 SentIn(long roundTrip)
    {
        Int128 sum = 0;
        for (int i = 0; i < _members.Count; i++)
        {
            ICoupledController member = _members[i];
            if (IsActive(member))
            {
                sum += ((Int128)member.EffectiveWindow << SumBits) * roundTrip / member.SmoothedRoundTrip;
            }
        }

        return Int128.Max(sum, 1);
    }

    /// <summary>The active member with the most of something.</summary>
    /// <param name="isMore">Whether the first has more than the second.</param>
    internal ICoupledController? Best(Func<ICoupledController, ICoupledController, bool> isMore)
    {
        ICoupledController? best = null;
        for (int i = 0; i < _members.Count; i++)
        {
            if (IsActive(_members[i]) && (best is null || isMore(_members[i], best)))
            {
                best = _members[i];
            }
        }

        return best;
    }
}
