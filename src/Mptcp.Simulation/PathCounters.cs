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
/// What became of the packets of one direction. Offered = queue drops + early drops + lost + black-holed + delivered +
/// those on their way, where nothing is duplicated; each copy counts as delivered.
/// </summary>
/// <param name="Offered">What a host sent.</param>
/// <param name="Delivered">What arrived.</param>
/// <param name="QueueDrops">What found the queue full.</param>
/// <param name="Lost">What the medium lost.</param>
/// <param name="BlackHoled">What vanished while the path was cut, on entry or on the way.</param>
public readonly record struct PathCounters(Tally Offered, Tally Delivered, Tally QueueDrops, Tally Lost, Tally BlackHoled)
{
    /// <summary>What RED dropped before the queue was full.</summary>
    public Tally EarlyDrops { get; init; }

    /// <summary>What RED marked "congestion experienced" in place of a drop.</summary>
    public Tally Marked { get; init; }

    /// <summary>What the medium damaged; it goes on its way all the same.</summary>
    public Tally Corrupted { get; init; }

    /// <summary>What the medium delivers twice.</summary>
    public Tally Duplicated { get; init; }
}

/// <summary>What became of a packet when it was offered to a path.</summary>
public enum PacketFate
{
    /// <summary>It will arrive, unless the path is cut then.</summary>
    OnItsWay,

    /// <summary>The queue was full.</summary>
    QueueDrop,

    /// <summary>RED dropped it.</summary>
    EarlyDrop,

    /// <summary>The medium lost it.</summary>
    Lost,

    /// <summary>The path was cut.</summary>
    BlackHoled,

    /// <summary>A filter of the path took it; the path has not seen it.</summary>
    Filtered,
}
