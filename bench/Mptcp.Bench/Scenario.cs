using Mptcp.Lab;

namespace Mptcp.Bench;

/// <summary>A transfer from client to server over two paths.</summary>
/// <param name="Name">What the command line calls it.</param>
/// <param name="Paths">The paths.</param>
/// <param name="Bytes">How much is sent.</param>
internal sealed record Scenario(string Name, IReadOnlyList<LabPath> Paths, long Bytes)
{
    private static readonly IReadOnlyList<LabPath> _twins = [LabPath.Of(20, 15, 75_000), LabPath.Of(20, 15, 75_000)];

    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("sym", [LabPath.Of(50, 10, 125_000), LabPath.Of(50, 10, 125_000)], 60_000_000),
        new("wifi-lte", [LabPath.Of(30, 10, 90_000), LabPath.Of(20, 50, 300_000)], 40_000_000),
        new("wifi-3g", [LabPath.Of(50, 5, 64_000), LabPath.Of(5, 100, 500_000)], 30_000_000),
        new("lossy", [Lossy(LabPath.Of(50, 10, 125_000)), LabPath.Of(20, 30, 150_000)], 40_000_000),
        new("hole", _twins, 20_000_000) { CutAfter = TimeSpan.FromSeconds(2) },
        new("dark", _twins, 20_000_000) { CutAfter = TimeSpan.FromSeconds(2), CutAll = true, HealAfter = TimeSpan.FromSeconds(7) },
    ];

    /// <summary>When the first path becomes a black hole, counted from the first byte sent; null for never.</summary>
    public TimeSpan? CutAfter { get; init; }

    /// <summary>Whether the others become one as well.</summary>
    public bool CutAll { get; init; }

    /// <summary>When they are paths again; null for never.</summary>
    public TimeSpan? HealAfter { get; init; }

    private static LabPath Lossy(LabPath path) => path with { Forward = path.Forward with { LossPerMillion = 10_000 } };
}
