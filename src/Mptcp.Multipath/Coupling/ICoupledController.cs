using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>A subflow's congestion control that takes its siblings at the same bottleneck into account.</summary>
public interface ICoupledController : ICongestionController
{
    /// <summary>Its siblings and itself; another one when they turn out to share a bottleneck, or not to.</summary>
    CouplingGroup Group { get; set; }

    /// <summary>The smoothed round trip in nanoseconds; 0 before the first measurement.</summary>
    long SmoothedRoundTrip { get; }

    /// <summary>Its window, as far as it is used, in bytes (RFC 6356 §3.1).</summary>
    long EffectiveWindow { get; }

    /// <summary>When it was last acknowledged.</summary>
    Instant LastAck { get; }
}
