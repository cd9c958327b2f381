using Mptcp.Lab;
using Mptcp.Multipath;
using Mptcp.Tcp;

namespace Mptcp.Bench;

/// <summary>What a transfer is made of beside the paths.</summary>
internal sealed record TransferOptions
{
    /// <summary>Multipath TCP, or plain TCP: then the kernel speaks nothing else, and our engine falls back.</summary>
    public bool Multipath { get; init; } = true;

    /// <summary>Our engine's congestion control; the kernel's is the laboratory's.</summary>
    public Func<int, ICongestionController> CongestionControl { get; init; } = CongestionControllers.Cubic;

    /// <summary>What our engine's connections are told.</summary>
    public MptcpSettings Connection { get; init; } = new();

    /// <summary>Whether our engine's loop runs before all else, as the kernel's own TCP does.</summary>
    public bool RealTime { get; init; }
}

/// <summary>What sending took.</summary>
/// <param name="Retransmissions">Segments sent again.</param>
/// <param name="Timeouts">How often the retransmission timer ran out.</param>
internal readonly record struct SenderCounts(long Retransmissions, long Timeouts)
{
    /// <summary>What the kernel counted in its namespace.</summary>
    public static SenderCounts Of(NetworkNamespace place) => new(
        KernelMib.Read(place, "Tcp")["RetransSegs"], KernelMib.Read(place, "TcpExt")["TCPTimeouts"]);
}
