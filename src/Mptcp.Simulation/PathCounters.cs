namespace Mptcp.Simulation;

/// <summary>Packets and their bytes.</summary>
/// <param name="Packets">IP packets.</param>
/// <param name="Bytes">Bytes of these packets, headers included.</param>
public readonly record struct Tally(long Packets, long Bytes)
{
    /// <summary>One packet more.</summary>
    public Tally Plus(int length) => new(Packets + 1, Bytes + length);
}

/// <summary>
/// What became of the packets of one direction. Offered = queue drops + lost + black-holed + delivered + those on their
/// way, where nothing is duplicated; each copy counts as delivered.
/// </summary>
/// <param name="Offered">What a host sent.</param>
/// <param name="Delivered">What arrived.</param>
/// <param name="QueueDrops">What found the queue full.</param>
/// <param name="Lost">What the medium lost.</param>
/// <param name="BlackHoled">What vanished while the path was cut, on entry or on the way.</param>
public readonly record struct PathCounters(Tally Offered, Tally Delivered, Tally QueueDrops, Tally Lost, Tally BlackHoled);
