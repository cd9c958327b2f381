using Mptcp.Tool.Simulate;

namespace Mptcp.Tool.Experiments;

/// <summary>An experiment file: a scenario that is run under several algorithms and seeds, and what is expected of it.</summary>
/// <param name="Name">The file's name without its end.</param>
/// <param name="Title">One line.</param>
/// <param name="About">Where the reference is from, and what is to be seen.</param>
/// <param name="Scenario">The network, and the flows.</param>
internal sealed record Experiment(string Name, string Title, string About, Scenario Scenario)
{
    /// <summary>Congestion controls by their names.</summary>
    public required IReadOnlyList<string> Algorithms { get; init; }

    /// <summary>The hosts that they are used on, by their places.</summary>
    public required IReadOnlyList<int> Hosts { get; init; }

    /// <summary>What is not measured, from the start, in nanoseconds of virtual time.</summary>
    public required long WarmUp { get; init; }

    /// <summary>What is measured then.</summary>
    public required long Duration { get; init; }

    /// <summary>How often it is repeated with other chances.</summary>
    public required int Seeds { get; init; }

    public required IReadOnlyList<Result> Results { get; init; }
}

/// <summary>A figure of an experiment.</summary>
/// <param name="Name">What it is, for people.</param>
/// <param name="Kind">How it comes from the flows or paths.</param>
/// <param name="Of">Flows or paths by their places.</param>
/// <param name="By">What it is divided by; empty for nothing.</param>
/// <param name="Expected">What is expected under an algorithm.</param>
internal sealed record Result(
    string Name, ResultKind Kind, IReadOnlyList<int> Of, IReadOnlyList<int> By, IReadOnlyDictionary<string, Expectation> Expected)
{
    /// <summary>Why one or the other is missed, for people; empty where nothing is to be said.</summary>
    public string Remark { get; init; } = "";
}

/// <summary>How a figure is made.</summary>
internal enum ResultKind
{
    /// <summary>The mean goodput of flows in Mbit/s, or by that of others.</summary>
    Goodput,

    /// <summary>Jain's fairness index of the goodput of flows.</summary>
    Jain,

    /// <summary>The part of packets that paths lost, or by that of others.</summary>
    Loss,

    /// <summary>The part of the paths' capacity that was used.</summary>
    Utilisation,
}

/// <summary>What is expected: a reference, and the bounds that count as reproduced; without bounds it is for comparison.</summary>
internal readonly record struct Expectation(double Reference, double Least, double Most)
{
    public bool Judges => Least > double.NegativeInfinity || Most < double.PositiveInfinity;

    public bool IsMet(double value) => value >= Least && value <= Most;
}
