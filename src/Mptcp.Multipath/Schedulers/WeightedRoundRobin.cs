namespace Mptcp.Multipath;

/// <summary>
/// Each subflow gets its part by turns: the one that is furthest behind its weight goes first. One that cannot send is
/// passed over, so that no capacity is left, and catches up later.
/// </summary>
/// <param name="weights">The weight of each link, by its number, from 1; links beyond them have 1. Policy goes before.</param>
public sealed class WeightedRoundRobin(params int[] weights) : IScheduler
{
    // A weight of one counts bytes in these, so that the greatest weight keeps some precision.
    private const int Unit = 1024;

    // More than a connection has at a time.
    private const int MostKnown = 64;
    private readonly List<(int Subflow, long Start)> _starts = [];
    private long _latest;

    /// <inheritdoc/>
    public long Rank(in SubflowSample sample)
    {
        int weight = sample.Weight > 0 ? sample.Weight : sample.Link < weights.Length ? weights[sample.Link] : 1;
        long given = sample.BytesSent * Unit / weight;
        long rank = given - StartOf(sample.Number, given);
        _latest = Math.Max(_latest, rank);
        return rank;
    }

    /// <inheritdoc/>
    public bool Rests(in SubflowSample sample, in SubflowSample best, in ConnectionSample connection) => false;

    /// <summary>One that is new has no turns to catch up with.</summary>
    private long StartOf(int subflow, long given)
    {
        for (int i = 0; i < _starts.Count; i++)
        {
            if (_starts[i].Subflow == subflow)
            {
                return _starts[i].Start;
            }
        }

        if (_starts.Count == MostKnown)
        {
            _starts.RemoveAt(0);
        }

        _starts.Add((subflow, given - _latest));
        return given - _latest;
    }
}
