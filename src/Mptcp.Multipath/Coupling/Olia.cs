using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// OLIA (draft-khalili-mptcp-congestion-control-05): Pareto-optimal and still responsive. Windows move from the largest to the
/// best paths, those that deliver most between losses for the square of their round trip.
/// </summary>
/// <param name="group">Its siblings and itself.</param>
/// <param name="maximumSegmentSize">The payload of a full segment, in bytes.</param>
public sealed class Olia(CouplingGroup group, int maximumSegmentSize) : CoupledController(group, maximumSegmentSize)
{
    private readonly LossIntervals _intervals = new();

    private long LossInterval => _intervals.LongestOfAll;

    private long Segments => EffectiveWindow / SegmentSize;

    /// <inheritdoc/>
    protected override Int128 Growth(long acked)
    {
        Int128 coupled = SharedGrowth(acked, EffectiveWindow, Group.SentIn(SmoothedRoundTrip));
        (int sign, int divisor) = Transfer();
        return divisor == 0 ? coupled : coupled + (sign * UncoupledGrowth(acked) / divisor);
    }

    /// <inheritdoc/>
    protected override void Notice(in CongestionSample sample)
    {
        base.Notice(sample);
        _intervals.HandleAck(sample.Acked);
    }

    /// <inheritdoc/>
    protected override void NoticeLoss()
    {
        base.NoticeLoss();
        _intervals.HandleLoss();
    }

    /// <summary>Alpha, as a sign and what one is divided by; nothing where the best path has the largest window.</summary>
    private (int Sign, int Divisor) Transfer()
    {
        Olia? best = (Olia?)Group.Best(static (one, other) => Compare((Olia)one, (Olia)other) > 0);
        Olia? largest = (Olia?)Group.Best(static (one, other) => ((Olia)one).Segments > ((Olia)other).Segments);
        if (best is null || largest is null)
        {
            return default;
        }

        int collected = 0;
        int maximal = 0;
        for (int i = 0; i < Group.Members.Count; i++)
        {
            var member = (Olia)Group.Members[i];
            if (!Group.IsActive(member))
            {
                continue;
            }

            maximal += member.Segments == largest.Segments ? 1 : 0;
            collected += IsCollected(member, best, largest) ? 1 : 0;
        }

        int count = Group.CountActive;
        return collected == 0 ? default
            : IsCollected(this, best, largest) ? (1, count * collected)
            : Segments == largest.Segments ? (-1, count * maximal)
            : default;
    }

    private static bool IsCollected(Olia member, Olia best, Olia largest) =>
        member.Segments < largest.Segments && Compare(member, best) == 0;

    private static int Compare(Olia one, Olia other) =>
        ((UInt128)one.LossInterval * (ulong)other.SmoothedRoundTrip * (ulong)other.SmoothedRoundTrip).CompareTo(
            (UInt128)other.LossInterval * (ulong)one.SmoothedRoundTrip * (ulong)one.SmoothedRoundTrip);
}
