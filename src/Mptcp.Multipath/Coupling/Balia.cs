using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>BALIA (draft-walid-mptcp-congestion-control-04): between friendliness to TCP and quick response.</summary>
/// <param name="group">Its siblings and itself.</param>
/// <param name="maximumSegmentSize">The payload of a full segment, in bytes.</param>
public sealed class Balia(CouplingGroup group, int maximumSegmentSize) : CoupledController(group, maximumSegmentSize)
{
    // What the two factors of the growth, and the ratio of the decrease, are counted in.
    private const int FactorBits = 30;
    private const int RatioBits = 20;

    /// <inheritdoc/>
    protected override Int128 Growth(long acked)
    {
        // With a = M / W, where M is what the path of the greatest rate sends in a round trip of this one, and S what all do:
        // W / S² (1 + a) / 2 (4 + a) / 5 = (W + M) / S (4 W + M) / S / (10 W).
        Int128 window = Math.Max(EffectiveWindow, 1);
        Int128 greatest = GreatestSent();
        Int128 sum = Group.SentIn(SmoothedRoundTrip);
        Int128 first = (window + greatest << (FactorBits + CouplingGroup.SumBits)) / sum;
        Int128 second = ((4 * window) + greatest << (FactorBits + CouplingGroup.SumBits)) / sum;
        Int128 growth = ((Int128)acked * SegmentSize << FractionBits) * first >> FactorBits;
        return Int128.Min((growth * second >> FactorBits) / (10 * window), (Int128)acked << FractionBits);
    }

    /// <inheritdoc/>
    protected override long AfterLoss(long inFlight)
    {
        // Half of it by a, at most by 1.5; never under two segments, as in RFC 5681 (4).
        long window = Math.Max(EffectiveWindow, 1);
        long greatest = Math.Min(GreatestSent(), 2 * window);
        long ratio = Math.Min(Ratio.Of(greatest, 1 << RatioBits, window), 3L << (RatioBits - 1));
        return inFlight - Ratio.Of(inFlight, ratio, 2L << RatioBits);
    }

    /// <summary>What the path of the greatest rate sends in a round trip of this one, in bytes.</summary>
    private long GreatestSent()
    {
        long greatest = Math.Max(EffectiveWindow, 1);
        for (int i = 0; i < Group.Members.Count; i++)
        {
            ICoupledController member = Group.Members[i];
            if (Group.IsActive(member))
            {
                greatest = Math.Max(greatest, Ratio.Of(member.EffectiveWindow, SmoothedRoundTrip, member.SmoothedRoundTrip));
            }
        }

        return greatest;
    }
}
