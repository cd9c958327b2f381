using Mptcp.Lab;
using Mptcp.Multipath;
using Xunit;

namespace Mptcp.Interop.Tests;

/// <summary>Endpoints of each kind at either end: announced, opened, backups.</summary>
public sealed class SignalInteropTests
{
    private const int Size = 2_000_000;
    private static readonly Wiring _everywhere = new() { KernelListensEverywhere = true };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_address_that_the_kernel_announces_is_joined(bool backup)
    {
        Roles.RequireAll(!backup);
        using var peers = new Peers(Roles.Lab(engineConnects: true), wiring: _everywhere);
        await peers.OnStack(stack => stack.TryAddEndpoint(TwoPathLab.ClientAddress(0), EndpointFlags.Signal));
        peers.KernelPlace.Ip($"mptcp endpoint add {TwoPathLab.ServerAddress(1)} dev path2 signal{(backup ? " backup" : "")}");
        await peers.Connect();
        await peers.Transfer(engineSends: true, Size);
        await peers.AssertCounted("MPJoinAckRx", "AddAddrTx", "EchoAdd");
        SubflowInfo joined = Assert.Single(
            (await peers.Engine.DescribeAsync()).Subflows, subflow => subflow.Remote.Address == TwoPathLab.ServerAddress(1));
        Assert.True(joined.PeerAskedBackup == backup && joined.BytesSent > 0 != backup, joined.ToString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_address_that_the_engine_announces_is_joined(bool backup)
    {
        Roles.RequireAll();
        using var peers = new Peers(Roles.Lab(engineConnects: false));
        await peers.OnStack(stack => stack.TryAddEndpoint(
            TwoPathLab.ServerAddress(1), EndpointFlags.Signal | (backup ? EndpointFlags.Backup : EndpointFlags.None)));
        peers.KernelPlace.Ip("mptcp endpoint flush");
        await peers.Connect();
        await peers.Transfer(engineSends: false, Size);
        await peers.AssertCounted(["MPJoinSynAckRx", "AddAddr", "EchoAddTx", .. backup ? ["MPJoinSynAckBackupRx"] : (string[])[]]);
        SubflowInfo joined = Assert.Single(
            (await peers.Engine.DescribeAsync()).Subflows, subflow => subflow.Local.Address == TwoPathLab.ServerAddress(1));
        Assert.True(joined.AskedBackup == backup && joined.BytesReceived > 0 != backup, joined.ToString());
    }

    [Fact]
    public async Task A_subflow_that_the_engine_opens_is_used()
    {
        Roles.RequireAll();
        using var peers = new Peers(Roles.Lab(engineConnects: true));
        await peers.OnStack(stack => stack.TryAddEndpoint(TwoPathLab.ClientAddress(1), EndpointFlags.Subflow));
        await peers.Connect();
        await peers.Transfer(engineSends: false, Size);
        await peers.AssertCounted("MPJoinAckRx");
        peers.AssertBothPathsCarried(forward: false, Size);
    }

    [Fact]
    public async Task A_backup_that_the_engine_opens_is_known_to_the_kernel()
    {
        Roles.RequireAll();
        using var peers = new Peers(Roles.Lab(engineConnects: true));
        await peers.OnStack(stack => stack.TryAddEndpoint(
            TwoPathLab.ClientAddress(1), EndpointFlags.Subflow | EndpointFlags.Backup));
        await peers.Connect();
        await peers.Transfer(engineSends: false, Size);
        await peers.AssertCounted("MPJoinAckRx", "MPJoinSynBackupRx");
        Assert.Equal(0, (await peers.Engine.DescribeAsync()).Subflows[1].BytesReceived);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_backup_takes_over_when_the_only_other_path_is_cut(bool engineConnects)
    {
        Roles.RequireAll();
        using var peers = new Peers(Roles.Lab(engineConnects));
        if (engineConnects)
        {
            await peers.OnStack(stack => stack.TryAddEndpoint(
                TwoPathLab.ClientAddress(1), EndpointFlags.Subflow | EndpointFlags.Backup));
        }
        else
        {
            await peers.OnStack(stack => stack.TryAddEndpoint(TwoPathLab.ServerAddress(0), EndpointFlags.Signal));
            peers.KernelPlace.Ip($"mptcp endpoint change {TwoPathLab.ClientAddress(1)} backup");
        }

        await peers.Connect();
        await peers.Transfer(engineSends: true, Size, meter => peers.Emulator.SetBlackHole(0, meter.Bytes > Size / 4));
        await peers.AssertCounted(Roles.Joined(engineConnects));
        Assert.True((await peers.Engine.DescribeAsync()).Subflows[1].BytesSent >= Size / 2);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Nobody_joins_where_the_first_address_is_denied_and_no_other_is_known(bool engineConnects)
    {
        Roles.RequireAll();
        using var peers = new Peers(
            Roles.Lab(engineConnects),
            new MptcpSettings { DenyJoinInitialAddress = !engineConnects, AnnounceAddresses = false });
        if (engineConnects)
        {
            peers.KernelPlace.SetSysctl("mptcp/allow_join_initial_addr_port", "0");
        }

        await peers.Connect();
        await peers.Transfer(engineSends: engineConnects, Size);
        peers.AssertNoFallback();
        peers.AssertNotCounted("MPJoinSynRx", "MPJoinSynTx");
        Assert.Single((await peers.Engine.DescribeAsync()).Subflows);
    }

    [Fact]
    public async Task The_kernel_joins_at_the_address_that_an_engine_which_denies_its_first_announces()
    {
        Roles.RequireAll();
        using var peers = new Peers(Roles.Lab(engineConnects: false), new MptcpSettings { DenyJoinInitialAddress = true });
        await peers.Connect();
        await peers.Transfer(engineSends: true, Size);
        await peers.AssertCounted("MPJoinSynAckRx");
        peers.AssertBothPathsCarried(forward: false, Size);
    }
}
