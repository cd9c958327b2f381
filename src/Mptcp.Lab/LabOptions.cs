using Mptcp.Hosting;
using Mptcp.Simulation;
using Mptcp.Wire;

namespace Mptcp.Lab;

/// <summary>Who is at an end of the laboratory.</summary>
public enum LabPeer
{
    /// <summary>The kernel's Multipath TCP, in a namespace.</summary>
    Kernel,

    /// <summary>An engine of ours, which gets links.</summary>
    Engine,
}

/// <summary>The two directions of a path.</summary>
/// <param name="Forward">From the client to the server.</param>
/// <param name="Back">From the server to the client.</param>
public sealed record LabPath(PathOptions Forward, PathOptions Back)
{
    /// <summary>The same both ways.</summary>
    /// <param name="megabitsPerSecond">The rate in Mbit/s.</param>
    /// <param name="milliseconds">The one-way delay in ms.</param>
    /// <param name="queueBytes">The queue in bytes.</param>
    public static LabPath Of(int megabitsPerSecond, int milliseconds, long queueBytes)
    {
        PathOptions both = PathOptions.Of(megabitsPerSecond, milliseconds, queueBytes);
        return new LabPath(both, both);
    }
}

/// <summary>What a <see cref="TwoPathLab"/> is made of.</summary>
public sealed record LabOptions
{
    /// <summary>The paths, at least one.</summary>
    public required IReadOnlyList<LabPath> Paths { get; init; }

    /// <summary>Who connects.</summary>
    public LabPeer Client { get; init; }

    /// <summary>Who listens.</summary>
    public LabPeer Server { get; init; }

    /// <summary>IPv6 addresses beside those of IPv4.</summary>
    public bool WithIPv6 { get; init; }

    /// <summary>The kernel's <c>net.mptcp.checksum_enabled</c>.</summary>
    public bool Checksum { get; init; }

    /// <summary>The largest IP packet in bytes, at least 1280.</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>The kernel's congestion control.</summary>
    public string CongestionControl { get; init; } = "cubic";

    /// <summary>Decides about losses.</summary>
    public ulong Seed { get; init; } = 1;
}

/// <summary>One link of an engine in the laboratory; its number is its place in the list.</summary>
/// <param name="Link">The link.</param>
/// <param name="AddressV4">The engine's address on it.</param>
/// <param name="AddressV6">The engine's IPv6 address on it; null where the laboratory has no IPv6.</param>
/// <param name="Mtu">The largest IP packet in bytes.</param>
public sealed record LabLink(ILink Link, IpAddress AddressV4, IpAddress? AddressV6, int Mtu);

/// <summary>What an engine's loop is made of: <c>new StackLoop(stack, [.. links], waiter)</c>.</summary>
/// <param name="Links">A link per path.</param>
/// <param name="Waiter">What the loop sleeps on; the loop disposes it.</param>
public sealed record LabEngineEnd(IReadOnlyList<LabLink> Links, ILinkWaiter Waiter);
