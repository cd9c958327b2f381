using Mptcp.Stack;
using Mptcp.Tool.Simulate;

namespace Mptcp.Tool.Experiments;

/// <summary>An experiment file: a scenario that is run under several algorithms and seeds, and what is expected of it.</summary>
/// <param name="Name">The file's name without its end.</param>
/// <param name="Title">One line.</param>
/// <param name="About">Where the reference is from, and what is to be seen.</param>
/// <param name="Scenario">The network, and the flows.</param>
internal sealed record Experiment(string Name, string Title, string About, Scenario Scenario)
{
    /// <summary>What is varied.</summary>
    public required ExperimentAxis Axis { get; init; }

    /// <summary>What is compared, by name.</summary>
    public IReadOnlyList<string> Variants => Axis.Values;

    /// <summary>The hosts that it is varied on, by their places.</summary>
    public required IReadOnlyList<int> Hosts { get; init; }

    /// <summary>What is not measured, from the start, in nanoseconds of virtual time.</summary>
    public required long WarmUp { get; init; }

    /// <summary>What is measured then.</summary>
    public required long Duration { get; init; }

    /// <summary>How often it is repeated with other chances.</summary>
    public required int Seeds { get; init; }

    public required IReadOnlyList<Result> Results { get; init; }
}

/// <summary>What an experiment varies.</summary>
/// <param name="Noun">What people call it.</param>
/// <param name="Values">The variants, by name.</param>
/// <param name="Apply">Puts one in place on a host.</param>
internal sealed record ExperimentAxis(string Noun, IReadOnlyList<string> Values, Func<string, StackOptions, StackOptions> Apply);

/// <summary>A figure of an experiment.</summary>
/// <param name="Name">What it is, for people.</param>
/// <param name="Kind">How it comes from the flows or paths.</param>
/// <param name="Of">Flows or paths by their places.</param>
/// <param name="By">What it is divided by; empty for nothing.</param>
/// <param name="Expected">What is expected of a variant.</param>
internal sealed record Result(
    string Name, ResultKind Kind, IReadOnlyList<int> Of, IReadOnlyList<int> By, IReadOnlyDictionary<string, Expectation> Expected)
{
    /// <summary>Over how long windows, in nanoseconds.</summary>
    public long Window { get; init; }

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

    /// <summary>
    /// The share of flows beside others in windows of some length: the standard deviation from one window to the next.
    /// </summary>
    Swing,

    /// <summary>How often a minute another subflow than before carries most, second by second.</summary>
    Flips,

    /// <summary>The part of the time in which all subflows of flows are seen to share a bottleneck.</summary>
    Together,

    /// <summary>The longest time without a new byte in milliseconds.</summary>
    Stall,

    /// <summary>The 99th percentile of what messages take, in milliseconds, or by that of others.</summary>
    Latency,
}

/// <summary>What is expected: a reference, and the bounds that count as reproduced; without bounds it is for comparison.</summary>
internal readonly record struct Expectation(double Reference, double Least, double Most)
{
    public bool Judges => Least > double.NegativeInfinity || Most < double.PositiveInfinity;

    public bool IsMet(double value) => value >= Least && value <= Most;
}
