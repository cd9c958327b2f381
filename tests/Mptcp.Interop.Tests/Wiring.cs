namespace Mptcp.Interop.Tests;

/// <summary>What is special between two peers and in how they meet.</summary>
internal sealed record Wiring
{
    /// <summary>For <see cref="AuditedConnections"/>: not to be counted.</summary>
    public const int AnyNumber = -1;

    /// <summary>Whether the engine has addresses of both families, and the kernel's socket takes both.</summary>
    public bool BothFamilies { get; init; }

    /// <summary>Whether the connection begins over IPv6, where there are both families.</summary>
    public bool BeginsOverIPv6 { get; init; }

    /// <summary>Whether the kernel connects by a socket of IPv4, all the same.</summary>
    public bool KernelIsOfIPv4Alone { get; init; }

    /// <summary>Whether the kernel listens on all its addresses: it takes joins only where it listens.</summary>
    public bool KernelListensEverywhere { get; init; }

    /// <summary>How many connections may wait at the engine.</summary>
    public int Backlog { get; init; } = 128;

    /// <summary>A middlebox beside the engine, by its name in the catalogue; null for none.</summary>
    public string? Box { get; init; }

    /// <summary>On which path it stands.</summary>
    public int BoxPath { get; init; }

    /// <summary>Whether it acts on what the kernel sends, not on what the engine sends.</summary>
    public bool BoxActsOnKernel { get; init; }

    /// <summary>Whether the capture shows what was sent, not what the engine sees.</summary>
    public bool CapturesBeyondBox { get; init; }

    /// <summary>Connections of Multipath TCP that the audit finds; null: as many as the kernel's socket makes.</summary>
    public int? AuditedConnections { get; init; }
}
