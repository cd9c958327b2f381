namespace Mptcp.Tcp;

/// <summary>
/// A congestion controller sees samples and never the connection. Sizes are bytes, times nanoseconds, all integers.
/// Called by the one thread that owns the connection.
/// </summary>
public interface ICongestionController
{
    /// <summary>How many bytes may be in flight.</summary>
    long Window { get; }

    /// <summary>Below this window it grows exponentially; <see cref="long.MaxValue"/> before the first loss.</summary>
    long SlowStartThreshold { get; }

    /// <summary>
    /// Whether <see cref="Window"/> is what may be in flight in fast recovery too. False for a controller that reduces it at a
    /// loss: the engine then takes what is in flight down to it by proportional rate reduction (RFC 6937).
    /// </summary>
    bool ControlsRecovery => false;

    /// <summary>
    /// Whether <see cref="HandleLoss"/> makes it give way. False: no segment is marked as one that a queue may mark in place of
    /// dropping it (RFC 3168 §6.1.2 asks for the answer that a loss gets).
    /// </summary>
    bool RespondsToEcn => true;

    /// <summary>At how many bytes per second segments may leave; 0 for as fast as the window allows.</summary>
    /// <param name="smoothedRoundTrip">In nanoseconds; 0 before the first measurement.</param>
    long PacingRate(long smoothedRoundTrip);

    /// <summary>An acknowledgement brought something.</summary>
    void HandleAck(in CongestionSample sample);

    /// <summary>A loss began a new recovery. <paramref name="inFlight"/>: bytes between SND.UNA and SND.NXT.</summary>
    void HandleLoss(long inFlight);

    /// <summary>The retransmission timer went off, for the first time in a row.</summary>
    void HandleTimeout(long inFlight);

    /// <summary>The last loss or timeout was none: what it did to the window is taken back.</summary>
    void Undo();

    /// <summary>Sending begins again after an idle time of at least a retransmission timeout (RFC 5681 §4.1).</summary>
    void HandleIdleRestart(Instant now);

    /// <summary>It takes the place of another in flight.</summary>
    void TakeOver(long window, long slowStartThreshold);
}
