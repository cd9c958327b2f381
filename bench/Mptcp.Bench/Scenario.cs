using Mptcp.Lab;

namespace Mptcp.Bench;

/// <summary>A transfer from client to server over two paths.</summary>
/// <param name="Name">What the command line calls it.</param>
/// <param name="Paths">The paths.</param>
/// <param name="Bytes">How much is sent.</param>
/// <param name="CutFirstPathAfter">When the first path becomes a black hole, counted from the first byte sent; null for never.</param>
internal sealed record Scenario(string Name, IReadOnlyList<LabPath> Paths, long Bytes, TimeSpan? CutFirstPathAfter)
{
    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("sym", [LabPath.Of(50, 10, 125_000), LabPath.Of(50, 10, 125_000)], 60_000_000, null),
        new("hole", [LabPath.Of(20, 15, 75_000), LabPath.Of(20, 15, 75_000)], 20_000_000, TimeSpan.FromSeconds(2)),
    ];
}
