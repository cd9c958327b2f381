using Mptcp.Lab;

namespace Mptcp.Bench;

/// <summary>A transfer from client to server over two paths.</summary>
/// <param name="Name">What the command line calls it.</param>
/// <param name="Paths">The paths.</param>
/// <param name="Bytes">How much is sent.</param>
internal sealed record Scenario(string Name, IReadOnlyList<LabPath> Paths, long Bytes)
{
    private static readonly IReadOnlyList<LabPath> _twins = [LabPath.Of(20, 15, 75_000), LabPath.Of(20, 15, 75_000)];
    private static readonly IReadOnlyList<LabPath> _lossy = [Lossy(LabPath.Of(50, 10, 125_000)), LabPath.Of(20, 30, 150_000)];
    private static readonly TimeSpan _early = TimeSpan.FromSeconds(2);

    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("sym", [LabPath.Of(50, 10, 125_000), LabPath.Of(50, 10, 125_000)], 60_000_000),
        new("wifi-lte", [LabPath.Of(30, 10, 90_000), LabPath.Of(20, 50, 300_000)], 40_000_000),
        new("wifi-3g", [LabPath.Of(50, 5, 64_000), LabPath.Of(5, 100, 500_000)], 30_000_000) { Figure = Figure.SecondShare },
        new("lossy", _lossy, 40_000_000),
        new("lossy-bbr", _lossy, 40_000_000) { Bbr = true },
        new("hole", _twins, 20_000_000) { CutAfter = _early, Figure = Figure.LongestGap },
        Dark(3),
        Dark(5),
        Dark(20),
        new("killed", _twins, 40_000_000) { KillAfter = _early, Figure = Figure.BackInUse },
        .. RecordedLinks.Scenarios,
        new("fail-back", _twins, 50_000_000) { CutAfter = _early, HealAfter = TimeSpan.FromSeconds(6), Figure = Figure.HealedShare },
    ];

    /// <summary>How long is sent, and measured, in place of <see cref="Bytes"/>; null: until all is there.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>When the first path becomes a black hole, counted from the first byte sent; null for never.</summary>
    public TimeSpan? CutAfter { get; init; }

    /// <summary>Whether the others become one as well.</summary>
    public bool CutAll { get; init; }

    /// <summary>When they are paths again; null for never.</summary>
    public TimeSpan? HealAfter { get; init; }

    /// <summary>When the server's kernel is made to reset the subflow of the first path; null for never.</summary>
    public TimeSpan? KillAfter { get; init; }

    /// <summary>Whether all ends use BBR, and not CUBIC.</summary>
    public bool Bbr { get; init; }

    /// <summary>What its paths are, where its name does not say it.</summary>
    public string About { get; init; } = "";

    /// <summary>What it is about, beside the goodput.</summary>
    public Figure Figure { get; init; } = Figure.LongestGap;

    private static Scenario Dark(int seconds) => new($"dark-{seconds}", _twins, 20_000_000)
    {
        CutAfter = _early,
        CutAll = true,
        HealAfter = _early + TimeSpan.FromSeconds(seconds),
        Figure = Figure.AfterHeal,
    };

    private static LabPath Lossy(LabPath path) => path with { Forward = path.Forward with { LossPerMillion = 10_000 } };
}

/// <summary>A figure of a run.</summary>
internal enum Figure
{
    /// <summary>The longest time without a byte, in milliseconds.</summary>
    LongestGap,

    /// <summary>The part of the second path in all bytes, in percent.</summary>
    SecondShare,

    /// <summary>From the heal to the next byte, in milliseconds.</summary>
    AfterHeal,

    /// <summary>From the kill to the first path's next tenth of a second with data, in milliseconds.</summary>
    BackInUse,

    /// <summary>The part of the first path in the seconds 2 to 4 after the heal, in percent.</summary>
    HealedShare,
}
