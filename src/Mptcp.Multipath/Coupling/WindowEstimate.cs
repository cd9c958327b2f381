namespace Mptcp.Multipath;

/// <summary>What stands for the window of a subflow where siblings take it into account: what it tells of the rate of losses.</summary>
public enum WindowEstimate
{
    /// <summary>The window as it is, which the sawtooth moves by half (RFC 6356).</summary>
    Window,

    /// <summary>One and a half of what the last loss left: the mean of the sawtooth.</summary>
    SlowStartThreshold,

    /// <summary>Reno's window at the rate of losses that the bytes between two of them tell, sqrt(2 / p) segments for a loss in 1/p.</summary>
    LossInterval,
}
