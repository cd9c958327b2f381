using Mptcp.Lab;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Interop.Tests;

/// <summary>Who connects and who listens, and what either end has in the laboratory then.</summary>
internal static class Roles
{
    /// <summary>The engine at one end, the kernel at the other, equal paths between.</summary>
    public static LabOptions Lab(bool engineConnects, int paths = 2, int megabitsPerSecond = 20) => new()
    {
        Paths = [.. Enumerable.Repeat(LabPath.Of(megabitsPerSecond, 10, 75_000), paths)],
        Client = engineConnects ? LabPeer.Engine : LabPeer.Kernel,
        Server = engineConnects ? LabPeer.Kernel : LabPeer.Engine,
    };

    /// <summary>The engine's address on a path.</summary>
    public static IpAddress EngineAddress(bool engineConnects, int path) =>
        engineConnects ? TwoPathLab.ClientAddress(path) : TwoPathLab.ServerAddress(path);

    /// <summary>The kernel's address on a path.</summary>
    public static IpAddress KernelAddress(bool engineConnects, int path) => EngineAddress(!engineConnects, path);

    /// <summary>What the kernel counts when a subflow is joined: as the one that opens it, or as the one that takes it.</summary>
    public static string Joined(bool engineConnects) => engineConnects ? "MPJoinAckRx" : "MPJoinSynAckRx";

    /// <summary>Skips what is one of many, unless all are wanted.</summary>
    public static void RequireAll(bool required = true) => Assert.SkipWhen(
        required && Environment.GetEnvironmentVariable("MPTCP_TEST_ALL") != "1",
        "needs MPTCP_TEST_ALL=1 (./test --all): one of many scenarios");
}
