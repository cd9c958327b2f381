using Mptcp.Wire;

namespace Mptcp.Tcp;

/// <summary>What a segment is, told to the user that adds options to it.</summary>
/// <param name="Flags">The control bits of the segment.</param>
/// <param name="Offset">Its sequence number, counted from the initial one (SYN = 0, first byte = 1).</param>
/// <param name="Transmission">1 for the first transmission of this range, 2 for the first repeat, and so on.</param>
/// <param name="HasData">Whether payload will follow.</param>
public readonly record struct SegmentDescription(TcpFlags Flags, long Offset, int Transmission, bool HasData)
{
    /// <summary>Whether there are SACK blocks to tell, which take what room the user leaves.</summary>
    public bool Holes { get; init; }

    /// <summary>Whether it acknowledges more than the last one did.</summary>
    public bool Advances { get; init; }
}

/// <summary>What the user makes of the options of a segment that arrived.</summary>
public enum SegmentVerdict
{
    /// <summary>Process the segment as RFC 9293 says.</summary>
    Accept,

    /// <summary>Process it, but as a duplicate ACK it is a signal, not a sign of loss (RFC 8684 §3.4.1).</summary>
    AcceptSignal,

    /// <summary>Act as if the segment had not arrived.</summary>
    Drop,

    /// <summary>Reset the connection.</summary>
    Reset,
}

/// <summary>Where a connection takes its payload from. The user owns the bytes (docs/decisions/0004).</summary>
public interface ITcpDataSource
{
    /// <summary>Whether there is something to send that has not been prepared or not been sent yet.</summary>
    bool HasData { get; }

    /// <summary>The most that the user's options take of a segment with payload, in bytes, 0 to 28.</summary>
    int DataOptionsLength { get; }

    /// <summary>The most that the user's options take of the SYN of an active open, in bytes.</summary>
    int SynOptionsLength => 0;

    /// <summary>
    /// How many bytes wait to be prepared, for Nagle's algorithm. A user that never wants to wait says more than any
    /// segment takes, as this does unless it is implemented.
    /// </summary>
    long Unsent => HasData ? long.MaxValue : 0;

    /// <summary>
    /// Asks for new payload at <paramref name="offset"/>, of at most <paramref name="limit"/> bytes: how much of it one
    /// segment may carry. A user that maps its data commits to a mapping here, and never lets a segment cross two. Asked in
    /// SYN-SENT, it is for the SYN (RFC 7413).
    /// </summary>
    int Prepare(long offset, int limit);

    /// <summary>
    /// Payload from <paramref name="offset"/> on that left in the SYN was not taken: it counts as not prepared, and is asked
    /// for again. Payload below, if any, was acknowledged.
    /// </summary>
    void HandleNotTaken(long offset);

    /// <summary>Copies payload that was prepared before, for a first transmission or a repeat.</summary>
    void CopyPayload(long offset, Span<byte> destination);

    /// <summary>All payload below <paramref name="offset"/> is acknowledged and will not be asked for again.</summary>
    void HandleAcknowledged(long offset);
}

/// <summary>Where a connection puts the payload that arrives.</summary>
public interface ITcpDataSink
{
    /// <summary>The window to announce, in bytes, before scaling.</summary>
    int ReceiveWindow { get; }

    /// <summary>Payload inside the announced window, as it arrived: it may be out of order and may repeat.</summary>
    void HandlePayload(long offset, ReadOnlySpan<byte> payload);

    /// <summary>The stream up to <paramref name="offset"/> has arrived without a hole.</summary>
    void HandleInOrder(long offset, bool fin);
}

/// <summary>
/// The user of a connection, in the sense of the User/TCP interface of RFC 9293 §3.9.1: a plain byte stream, or a
/// subflow of Multipath TCP. Called by the connection only, from inside its own methods.
/// </summary>
public interface ITcpUser : ITcpDataSource, ITcpDataSink
{
    /// <summary>
    /// Whether the options of the next pure ACK fit only in the place of timestamps. RFC 7323 §3.2 wants them in each
    /// segment, and lets a receiver do without.
    /// </summary>
    bool NeedsWholeOptions => false;

    /// <summary>Adds the user's options to a segment; what does not fit the writer's budget has to wait.</summary>
    void WriteOptions(in SegmentDescription segment, ref TcpOptionWriter writer);

    /// <summary>Options of a segment whose sequence number is valid, before anything else of it is processed.</summary>
    SegmentVerdict ExamineOptions(in TcpSegment segment, long offset);

    /// <summary>The connection entered <paramref name="state"/>.</summary>
    void HandleStateChanged(TcpState state, TcpCloseReason reason);
}

/// <summary>Why a connection left for <see cref="TcpState.Closed"/>.</summary>
public enum TcpCloseReason
{
    /// <summary>It did not close, or closed in order.</summary>
    None,

    /// <summary>The peer sent a valid RST.</summary>
    ResetByPeer,

    /// <summary>The peer refused the SYN.</summary>
    Refused,

    /// <summary>The peer did not answer within the limit of retransmissions.</summary>
    TimedOut,

    /// <summary>The user aborted.</summary>
    Aborted,

    /// <summary>The network says that the peer cannot be reached (RFC 9293 §3.9.2.2, hard errors).</summary>
    Unreachable,
}
