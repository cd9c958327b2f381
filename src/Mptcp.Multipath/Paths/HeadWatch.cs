using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>
/// Watches the first byte that the peer lacks. While it is on its way, everything that other subflows deliver waits for it at the
/// receiver; where it is later than its subflow explains, it goes on another as well (docs/decisions/0015).
/// </summary>
internal sealed class HeadWatch(SubflowSet subflows, DataSender sender, ContainedScheduler scheduler)
{
    private const long LeastPatience = 100 * Instant.Millisecond;

    // A path so much slower would be relieved of all that it is given: what it will bring by itself is waited for.
    private const int IdleFactor = 4;

    private Subflow? _owner;
    private long _head;
    private Instant _sentAt;

    /// <summary>
    /// After how long a byte is late in any case: a second is what the people at the other end notice; on a path that takes more
    /// than half of it by nature twice that is in order.
    /// </summary>
    /// <param name="roundTrip">The round trip of its path without a queue.</param>
    public static long LongestPatience(long roundTrip) => Math.Max(Instant.Second, 2 * roundTrip);

    /// <summary>When <see cref="HandleTimeout"/> has something to do.</summary>
    public Instant Deadline { get; private set; } = Instant.Never;

    /// <summary>Looks where the head is, after whatever has happened.</summary>
    /// <param name="connection">How it stands.</param>
    public void Look(in ConnectionSample connection)
    {
        if (subflows.Count < 2 || sender.Una == sender.Next || scheduler.Duplicates)
        {
            Deadline = Instant.Never;
            return;
        }

        if (_head != sender.Una || _owner is null)
        {
            _head = sender.Una;
            (_owner, _sentAt) = subflows.FindOwner(_head);
        }

        Deadline = _owner is not null && subflows.QuickestBeside(_owner, connection) is { } other
            ? _sentAt + Patience(_owner, other)
            : Instant.Never;
    }

    /// <summary>Lets what is late go on another subflow.</summary>
    /// <param name="now">The time.</param>
    /// <param name="connection">How it stands.</param>
    public void HandleTimeout(Instant now, in ConnectionSample connection)
    {
        if (Deadline <= now && _owner is not null && subflows.QuickestBeside(_owner, connection) is { } other)
        {
            _owner.ReinjectSentBefore(new Instant(now.Nanoseconds - Patience(_owner, other)), sender);
            (_owner, Deadline) = (null, Instant.Never);
        }
    }

    /// <summary>
    /// A second, and no less than another would take: losses are repaired by then, and a peer that keeps what stands behind them
    /// would get all of it twice. Where nothing new can be sent meanwhile, because the peer's window is full or nothing is left,
    /// what its own round trip explains, or another would have delivered four times by now: to send it again costs little
    /// (opportunistic retransmission).
    /// </summary>
    private long Patience(Subflow owner, Subflow other)
    {
        long others = TimeOf(other.Connection);
        long patience = sender.IsIdle(other.Connection.SegmentSize)
            ? Math.Min(TimeOf(owner.Connection), IdleFactor * others)
            : LongestPatience(owner.Floor.RoundTrip);

        // A smoothed round trip remembers a queue that is gone.
        long wait = other.HasQueue ? Math.Min(others, SubflowSet.DeliveryTimeOf(other)) : others;
        return Math.Max(Math.Max(patience, wait), LeastPatience);
    }

    private static long TimeOf(TcpConnection connection) => connection.SmoothedRtt + (4 * connection.RttVariation);
}
