using Mptcp.Simulation;
using Mptcp.Stack;

namespace Mptcp.Tool.Simulate;

/// <summary>What a scenario file says.</summary>
/// <param name="Seed">Where chance begins.</param>
/// <param name="LimitNanoseconds">When the run ends at the latest, in virtual time.</param>
/// <param name="Nodes">Hosts, routers and NATs.</param>
/// <param name="Paths">What joins them.</param>
/// <param name="Flows">What happens.</param>
internal sealed record Scenario(
    ulong Seed, long LimitNanoseconds, IReadOnlyList<NodeSpec> Nodes, IReadOnlyList<PathSpec> Paths, IReadOnlyList<FlowSpec> Flows);

/// <summary>A host, a router or a NAT.</summary>
internal abstract record NodeSpec(string Name, int Line);

/// <summary>A host with an engine.</summary>
internal sealed record HostSpec(string Name, int Line, StackOptions Options) : NodeSpec(Name, Line);

/// <summary>A router.</summary>
internal sealed record RouterSpec(string Name, int Line, bool Silent) : NodeSpec(Name, Line)
{
    /// <summary>Whether connections are spread over ways of the same length.</summary>
    public bool Ecmp { get; init; }
}

/// <summary>A NAT; Outside is the path to the outside, all others are inside.</summary>
internal sealed record NatSpec(string Name, int Line, NatOptions Options, string Outside) : NodeSpec(Name, Line);

/// <summary>A path between two nodes, by their places in the list.</summary>
internal sealed record PathSpec(string Name, int First, int Second, PathOptions Forward, PathOptions Back)
{
    public int Mtu { get; init; } = 1500;

    /// <summary>Whether a middlebox on it removes the options of Multipath TCP.</summary>
    public bool StripsMptcp { get; init; }

    /// <summary>The middleboxes where the direction "forward" begins, by their names in the catalogue.</summary>
    public IReadOnlyList<string> ForwardBoxes { get; init; } = [];

    /// <summary>The middleboxes where the direction "back" begins.</summary>
    public IReadOnlyList<string> BackBoxes { get; init; } = [];
}

/// <summary>A transfer: bytes, or a duration, or as many bytes again and again for a duration.</summary>
internal sealed record FlowSpec(string Name, int Line, int From, int To, long? Bytes, long? DurationNanoseconds, long StartNanoseconds)
{
    /// <summary>How often a message of so many bytes is sent; null: all at once.</summary>
    public long? IntervalNanoseconds { get; init; }

    /// <summary>Its subflows, each as a path of the sender and one of the receiver; empty: as the path manager likes.</summary>
    public IReadOnlyList<(int From, int To)> Subflows { get; init; } = [];
}
