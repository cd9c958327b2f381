namespace Mptcp.Tcp;

/// <summary>What one acknowledgement says of the path. Sizes in bytes, times in nanoseconds.</summary>
public readonly record struct CongestionSample
{
    /// <summary>When it arrived.</summary>
    public required Instant Now { get; init; }

    /// <summary>Bytes that it newly acknowledged, selectively or not.</summary>
    public required long Acked { get; init; }

    /// <summary>Bytes found lost since the last sample.</summary>
    public long Lost { get; init; }

    /// <summary>Bytes in flight before it.</summary>
    public long InFlightBefore { get; init; }

    /// <summary>Bytes in flight after it.</summary>
    public long InFlight { get; init; }

    /// <summary>The round trip of the latest segment it acknowledges; 0 where that was sent more than once.</summary>
    public long RoundTrip { get; init; }

    /// <summary>The smoothed round trip; 0 before the first measurement.</summary>
    public long SmoothedRoundTrip { get; init; }

    /// <summary>The least round trip of the last seconds; 0 before the first measurement.</summary>
    public long MinimumRoundTrip { get; init; }

    /// <summary>Whether the window was not what held the sender back, so that it may not grow (RFC 9438 §5.8).</summary>
    public bool ApplicationLimited { get; init; }

    /// <summary>Whether fast recovery goes on: what is lost is being sent again at a rate that falls.</summary>
    public bool InRecovery { get; init; }

    /// <summary>Whether what was in flight at a timeout is being sent again.</summary>
    public bool InTimeoutRecovery { get; init; }

    /// <summary>The rate of delivery in bytes per second; 0 where this acknowledgement allows no estimate.</summary>
    public long DeliveryRate { get; init; }

    /// <summary>Whether <see cref="DeliveryRate"/> is low only because the application had nothing to send.</summary>
    public bool RateIsApplicationLimited { get; init; }

    /// <summary>Bytes delivered since the connection began.</summary>
    public long Delivered { get; init; }

    /// <summary>Round trips since the connection began, counted by what was acknowledged.</summary>
    public long Round { get; init; }
}
