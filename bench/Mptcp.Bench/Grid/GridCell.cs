using Mptcp.Lab;
using Mptcp.Simulation;
using Mptcp.Tcp;

namespace Mptcp.Bench.Grid;

/// <summary>One path on which plain TCP is measured beside the kernel's.</summary>
/// <param name="Name">What the command line calls it: the loss in percent, and the round trip in ms.</param>
/// <param name="LossPerMillion">Segments with payload that are lost, in a million.</param>
/// <param name="RoundTripMilliseconds">The round trip of an idle path in ms.</param>
/// <param name="Bytes">What each run sends: with losses, as much as brings <see cref="Losses"/> of them.</param>
/// <param name="ExpectedMegabits">What a run takes of the machine, in Mbit/s: how many go at a time.</param>
internal sealed record GridCell(string Name, int LossPerMillion, int RoundTripMilliseconds, long Bytes, int ExpectedMegabits)
{
    /// <summary>The rate of every cell in Mbit/s.</summary>
    public const int Megabits = 50;

    /// <summary>A run with fewer losses says little.</summary>
    public const int Losses = 200;

    // With 235 expected, one seed in two hundred draws fewer than 200.
    private const long LossyBytes = 235L * 1_000_000 * 1448;

    // Twenty seconds: BBR probes the round trip every ten.
    private const long BbrBytes = 120_000_000;

    public static IReadOnlyList<GridCell> All { get; } =
    [
        new("0@20", 0, 20, 100_000_000, 50),
        new("0.1@20", 1_000, 20, LossyBytes / 1_000, 25),
        new("1@20", 10_000, 20, LossyBytes / 10_000, 8),
        new("0@100", 0, 100, 200_000_000, 50),
        new("0.1@100", 1_000, 100, LossyBytes / 1_000, 6),
        new("1@100", 10_000, 100, LossyBytes / 10_000, 2),
        Bbr("bbr-1@20", 20),
        Bbr("bbr-1@100", 100),
    ];

    /// <summary>The kernel's name of the congestion control at both ends.</summary>
    public string KernelCongestionControl { get; init; } = "cubic";

    /// <summary>Ours.</summary>
    public Func<int, ICongestionController> CongestionControl { get; init; } = CongestionControllers.Cubic;

    /// <summary>How long a run takes on a quiet machine.</summary>
    public double ExpectedSeconds => Bytes * 8 / 1e6 / ExpectedMegabits;

    /// <summary>Whether we are measured as the receiver too.</summary>
    public bool AsReceiver { get; init; } = true;

    /// <summary>The path: one product of rate and round trip fits the queue; acknowledgements are not lost.</summary>
    public LabPath Path
    {
        get
        {
            long queue = Megabits * 1_000_000L / 8 * RoundTripMilliseconds / 1000;
            PathOptions back = PathOptions.Of(Megabits, RoundTripMilliseconds / 2, queue);
            return new LabPath(back with { DataLossPerMillion = LossPerMillion }, back);
        }
    }

    /// <summary>Who sends to whom here, the yardstick first.</summary>
    public IReadOnlyList<IDriver> Drivers
    {
        get
        {
            var options = new TransferOptions { Multipath = false, CongestionControl = CongestionControl, RealTime = true };
            IReadOnlyList<IDriver> drivers = [new KernelToKernel(options), new EngineToKernel(options), new KernelToEngine(options)];
            return AsReceiver ? drivers : [drivers[0], drivers[1]];
        }
    }

    private static GridCell Bbr(string name, int roundTripMilliseconds) =>
        new(name, 10_000, roundTripMilliseconds, BbrBytes, Megabits)
        {
            KernelCongestionControl = "bbr",
            CongestionControl = CongestionControllers.Bbr,
            AsReceiver = false,
        };
}
