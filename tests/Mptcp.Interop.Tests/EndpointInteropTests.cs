using Mptcp.Lab;
using Mptcp.Multipath;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Interop.Tests;

/// <summary>Endpoints, limits, removals and priorities of either end, against the kernel's.</summary>
public sealed class EndpointInteropTests
{
    private const int Size = 4_000_000;
    private static readonly LabOptions _engineConnects = new()
    {
        Paths = [LabPath.Of(20, 10, 75_000), LabPath.Of(20, 10, 75_000)],
        Client = LabPeer.Engine,
    };

    private static readonly LabOptions _engineListens = _engineConnects with { Client = LabPeer.Kernel, Server = LabPeer.Engine };

    [Fact]
    [Trait("Requirement", "160")]
    [Trait("Requirement", "165")]
    public async Task The_kernel_announces_a_port_and_the_engine_joins_there()
    {
        using var peers = new Peers(_engineConnects);
        await peers.OnStack(stack => stack.TryAddEndpoint(TwoPathLab.ClientAddress(1), EndpointFlags.Signal));
        peers.KernelPlace.Ip($"mptcp endpoint add {TwoPathLab.ServerAddress(1)} dev path2 signal port 5002");
        await peers.ConnectFromEngine();
        await peers.Transfer(engineSends: true, Size);
        IReadOnlyDictionary<string, long> counters = peers.KernelCounters;
        Assert.True(counters["MPJoinPortAckRx"] >= 1 && counters["EchoAdd"] >= 1, Text(counters));
        Assert.Contains((await peers.Engine.DescribeAsync()).Subflows, subflow =>
            subflow is { Number: > 0, BytesSent: > 0 } && subflow.Remote == new IpEndpoint(TwoPathLab.ServerAddress(1), 5002));
    }

    [Fact]
    [Trait("Requirement", "83")]
    [Trait("Requirement", "161")]
    public async Task The_engine_announces_a_port_and_the_kernel_joins_there()
    {
        using var peers = new Peers(_engineListens);
        peers.KernelPlace.Ip("mptcp endpoint flush");
        await peers.OnStack(stack => stack.TryAddEndpoint(TwoPathLab.ServerAddress(1), EndpointFlags.Signal, id: 9, port: 5002));
        await peers.ConnectFromKernel();
        await peers.Transfer(engineSends: true, Size);
        IReadOnlyDictionary<string, long> counters = peers.KernelCounters;
        Assert.True(counters["AddAddr"] >= 1 && counters["PortAdd"] >= 1 && counters["MPJoinSynAckRx"] >= 1, Text(counters));
        Assert.Contains((await peers.Engine.DescribeAsync()).Subflows, subflow =>
            subflow.Local == new IpEndpoint(TwoPathLab.ServerAddress(1), 5002) && subflow.LocalId == 9);
    }

    [Theory]
    [Trait("Requirement", "174")]
    [InlineData(true, 0)]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    [InlineData(false, 1)]
    public async Task The_engine_removes_an_address_in_mid_transfer(bool gone, int path)
    {
        RequireAll(gone || path != 0);
        using var peers = new Peers(_engineConnects);
        LocalEndpoint[] endpoints = [.. await Task.WhenAll(Enumerable.Range(0, 2).Select(async i =>
            (await peers.OnStack(stack => stack.TryAddEndpoint(TwoPathLab.ClientAddress(i), EndpointFlags.Subflow)))!.Value))];
        await peers.ConnectFromEngine();
        Task<bool>? removed = null;
        await peers.Transfer(engineSends: true, Size, meter => removed ??= meter.Bytes < Size / 4 ? null : peers.OnStack(stack =>
            gone ? stack.RemoveAddress(endpoints[path].Address) : stack.RemoveEndpoint(endpoints[path].Id)));
        Assert.True(await removed!);
        IReadOnlyDictionary<string, long> counters = peers.KernelCounters;
        Assert.True(counters["RmAddr"] >= 1, Text(counters));
        Assert.Equal(path == 0 ? 0 : endpoints[1].Id, (await peers.Engine.DescribeAsync()).Subflows[path].LocalId);
    }

    [Theory]
    [Trait("Requirement", "178")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_kernel_removes_an_endpoint_in_mid_transfer(bool initial)
    {
        RequireAll(!initial);
        using var peers = new Peers(_engineListens);
        await peers.ConnectFromKernel();
        bool removed = false;
        await peers.Transfer(engineSends: true, Size, meter =>
        {
            if (!removed && meter.Bytes > Size / 4)
            {
                removed = true;
                string address = TwoPathLab.ClientAddress(initial ? 0 : 1).ToString();
                string[] known = peers.KernelPlace.Ip("mptcp endpoint show").Split('\n');
                string[] words = Array.Find(known, line => line.StartsWith(address + " ", StringComparison.Ordinal))!.Split(' ');
                peers.KernelPlace.Ip($"mptcp endpoint delete id {words[Array.IndexOf(words, "id") + 1]}");
            }
        });
        Assert.True(await peers.OnStack(stack => stack.Signals[MptcpCounter.RemovalReceived]) >= 1);
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', (await peers.Engine.DescribeAsync()).Subflows));
    }

    [Fact]
    [Trait("Requirement", "68")]
    [Trait("Requirement", "149")]
    public async Task A_backup_of_the_kernel_rests()
    {
        using var peers = new Peers(_engineListens);
        await peers.OnStack(stack => stack.TryAddEndpoint(TwoPathLab.ServerAddress(0), EndpointFlags.Signal));
        peers.KernelPlace.Ip("mptcp endpoint flush");
        peers.KernelPlace.Ip($"mptcp endpoint add {TwoPathLab.ClientAddress(1)} dev path2 subflow backup");
        await peers.ConnectFromKernel();
        await peers.Transfer(engineSends: true, Size);
        SubflowInfo backup = (await peers.Engine.DescribeAsync()).Subflows[1];
        Assert.True(backup is { PeerAskedBackup: true, BytesSent: 0 }, backup.ToString());
    }

    [Fact]
    [Trait("Requirement", "61")]
    [Trait("Requirement", "68")]
    public async Task A_backup_of_the_engine_rests()
    {
        RequireAll(true);
        using var peers = new Peers(_engineConnects);
        await peers.OnStack(stack => stack.TryAddEndpoint(
            TwoPathLab.ClientAddress(1), EndpointFlags.Subflow | EndpointFlags.Backup));
        await peers.ConnectFromEngine();
        await peers.Transfer(engineSends: false, Size);
        SubflowInfo backup = (await peers.Engine.DescribeAsync()).Subflows[1];
        Assert.True(backup is { AskedBackup: true, BytesReceived: 0 }, backup.ToString());
    }

    [Fact]
    public async Task An_address_of_the_engine_goes_and_comes_back_in_mid_transfer()
    {
        RequireAll(true);
        using var peers = new Peers(_engineConnects);
        await peers.ConnectFromEngine();
        LocalEndpoint second = await peers.OnStack(stack => stack.Endpoints[1]);
        int step = 0;
        await peers.Transfer(engineSends: true, 2 * Size, meter =>
        {
            if (step < 2 && meter.Bytes > (1 + step) * Size / 2)
            {
                bool goes = step++ == 0;
                _ = peers.OnStack(stack => goes ? stack.RemoveAddress(second.Address) : Return(stack, second));
            }
        });
        List<SubflowInfo> subflows = (await peers.Engine.DescribeAsync()).Subflows;
        Assert.Equal(2, subflows.Count(subflow => subflow.Local.Address == second.Address));
        Assert.True(subflows[^1].BytesSent > 0, subflows[^1].ToString());
    }

    [Fact]
    [Trait("Requirement", "151")]
    public async Task Priorities_change_in_mid_transfer_by_either_end()
    {
        using var peers = new Peers(_engineListens);
        await peers.ConnectFromKernel();
        int step = 0;
        await peers.Transfer(engineSends: true, Size, meter =>
        {
            if (step == 0 && meter.Bytes > Size / 4)
            {
                step = 1;
                peers.KernelPlace.Ip($"mptcp endpoint change {TwoPathLab.ClientAddress(1)} backup");
                peers.Engine.SetBackupAsync(0, true);
            }
            else if (step == 1 && meter.Bytes > Size / 2)
            {
                step = 2;
                peers.KernelPlace.Ip($"mptcp endpoint change {TwoPathLab.ClientAddress(1)} nobackup");
                peers.Engine.SetBackupAsync(0, false);
            }
        });
        Assert.True(await peers.OnStack(stack => stack.Signals[MptcpCounter.PriorityReceived]) >= 2);
        IReadOnlyDictionary<string, long> counters = peers.KernelCounters;
        Assert.True(counters["MPPrioRx"] >= 2, Text(counters));
    }

    [Fact]
    [Trait("Requirement", "38")]
    public async Task A_kernel_that_denies_its_first_address_is_joined_where_it_says()
    {
        RequireAll(true);
        using var peers = new Peers(_engineConnects);
        peers.KernelPlace.SetSysctl("mptcp/allow_join_initial_addr_port", "0");
        peers.KernelPlace.Ip($"mptcp endpoint add {TwoPathLab.ServerAddress(1)} dev path2 signal port 5002");
        await peers.ConnectFromEngine();
        await peers.Transfer(engineSends: true, Size);
        List<SubflowInfo> subflows = (await peers.Engine.DescribeAsync()).Subflows;
        Assert.Equal(2, subflows.Count);
        Assert.Equal(new IpEndpoint(TwoPathLab.ServerAddress(1), 5002), subflows[1].Remote);
    }

    [Fact]
    [Trait("Requirement", "38")]
    public async Task A_kernel_does_not_join_the_first_address_of_an_engine_that_denies_it()
    {
        using var peers = new Peers(_engineListens, new MptcpSettings { DenyJoinInitialAddress = true });
        await peers.ConnectFromKernel();
        await peers.Transfer(engineSends: true, Size);
        Assert.Equal(0, await peers.OnStack(stack => stack.Signals[MptcpCounter.JoinDenied]));
        Assert.DoesNotContain((await peers.Engine.DescribeAsync()).Subflows, subflow =>
            subflow.Number > 0 && subflow.Local.Address == TwoPathLab.ServerAddress(0));
    }

    [Fact]
    [Trait("Requirement", "197")]
    public async Task A_subflow_that_the_kernel_kills_says_why()
    {
        RequireAll(true);
        using var peers = new Peers(_engineConnects);
        await peers.ConnectFromEngine();
        bool killed = false;
        await peers.Transfer(engineSends: true, Size, meter =>
        {
            if (!killed && meter.Bytes > Size / 4)
            {
                killed = true;
                peers.KernelPlace.Command("ss", "-K", "-t", "dst", TwoPathLab.ClientAddress(1).ToString());
            }
        });
        SubflowInfo reset = (await peers.Engine.DescribeAsync()).Subflows[1];
        Assert.NotNull(reset.ResetReceived);
    }

    [Fact]
    [Trait("Requirement", "197")]
    public async Task The_kernel_understands_why_a_subflow_was_reset()
    {
        RequireAll(true);
        using var peers = new Peers(_engineConnects);
        await peers.ConnectFromEngine();
        Task<bool>? reset = null;
        await peers.Transfer(engineSends: true, Size, meter => reset ??= meter.Bytes < Size / 4
            ? null
            : peers.Engine.ResetSubflowAsync(1, MpTcpRstReason.UnacceptablePerformance));
        Assert.True(await reset!);
        IReadOnlyDictionary<string, long> counters = peers.KernelCounters;
        Assert.True(counters["MPRstRx"] >= 1, Text(counters));
    }

    private static void RequireAll(bool required) => Assert.SkipWhen(
        required && Environment.GetEnvironmentVariable("MPTCP_TEST_ALL") != "1",
        "needs MPTCP_TEST_ALL=1 (./test --all): one of many scenarios");

    private static bool Return(Stack.NetworkStack stack, LocalEndpoint endpoint)
    {
        stack.AddAddress(new Stack.LocalAddress(endpoint.Link, endpoint.Address, 1500));
        return true;
    }

    private static string Text(IReadOnlyDictionary<string, long> counters) =>
        string.Join(", ", counters.Where(counter => counter.Value != 0).Select(counter => $"{counter.Key} {counter.Value}"));
}
