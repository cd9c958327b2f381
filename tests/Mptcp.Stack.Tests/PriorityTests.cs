using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Backup subflows: at the join, by MP_PRIO, with and without loss (RFC 8684 §3.3.8).</summary>
public sealed class PriorityTests
{
    private static readonly PathOptions _path = PathOptions.Of(50, 10, 125_000);

    [Theory]
    [Trait("Requirement", "68")]
    [Trait("Requirement", "149")]
    [Trait("Requirement", "150")]
    [InlineData(true)]
    [InlineData(false)]
    public void A_backup_subflow_rests_as_long_as_another_works(bool clientWants)
    {
        TwoHosts hosts = WithBackup(clientWants);
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var up = new Stream(client, server, 3_000_000);
        var down = new Stream(server, client, 3_000_000);
        hosts.Network.RunUntil(() => Pumped(up, down) > 1_500_000, 60 * Instant.Second);
        Assert.Equal(2, hosts.SubflowsOf(client).Count);
        Assert.Equal(0, hosts.SubflowsOf(client)[1].BytesSent + hosts.SubflowsOf(server)[1].BytesSent);

        // It is there when it is needed.
        hosts.Network.Paths[0].BlackHoled = true;
        Assert.True(hosts.Network.RunUntil(() => Pumped(up, down) >= 3_000_000, 60 * Instant.Second), $"{up} {down}");
        Assert.True(up.Intact && down.Intact);
    }

    [Fact]
    [Trait("Requirement", "61")]
    [Trait("Requirement", "68")]
    public void Each_end_says_its_own_wish_at_the_join()
    {
        foreach (bool clientWants in new[] { true, false })
        {
            TwoHosts hosts = WithBackup(clientWants);
            StackSocket client = hosts.Connect();
            StackSocket server = hosts.Accept();
            server.TryWrite(new byte[1000]);
            hosts.Network.Run(Instant.Second);
            SubflowInfo here = hosts.SubflowsOf(client)[1];
            SubflowInfo there = hosts.SubflowsOf(server)[1];
            Assert.Equal((clientWants, !clientWants), (here.AskedBackup, here.PeerAskedBackup));
            Assert.Equal((!clientWants, clientWants), (there.AskedBackup, there.PeerAskedBackup));
            Assert.DoesNotContain(hosts.Log, line => line.Contains("MpPrio", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_wish_before_the_handshake_is_done_waits_for_it()
    {
        var hosts = new TwoHosts(_path);
        StackSocket client = hosts.Connect();
        int sent = 0;
        hosts.Drop = (_, _) => ++sent > 100 ? throw new InvalidOperationException("Signals leave without end.") : false;
        hosts.Network.RunUntil(() => client.State == TcpState.Established, Instant.Second);
        Assert.True(client.SetBackup(0, true));
        hosts.Network.Run(Instant.Second);
        Assert.DoesNotContain(hosts.Log, line => line.Contains("MpPrio", StringComparison.Ordinal));
        client.TryWrite(new byte[1]);
        hosts.Network.Run(Instant.Second);
        Assert.Contains(hosts.Log, line => line.Contains("MpPrio", StringComparison.Ordinal));
    }

    [Theory]
    [Trait("Requirement", "151")]
    [InlineData(0)]
    [InlineData(2)]
    public void MP_PRIO_switches_in_mid_transfer_even_when_it_is_lost(int losses)
    {
        PathOptions slow = PathOptions.Of(10, 10, 60_000);
        var hosts = new TwoHosts(slow, slow);
        int sent = 0;
        hosts.Drop = (_, line) => line.Contains("MpPrio(3)", StringComparison.Ordinal) && sent++ < losses;
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        var stream = new Stream(server, client, 10_000_000);
        hosts.Network.RunUntil(() => Pumped(stream) > 1_000_000, 60 * Instant.Second);

        Assert.True(client.SetBackup(1, true));
        hosts.Network.RunUntil(() => Pumped(stream) < 0, 2 * Instant.Second);
        Assert.True(hosts.SubflowsOf(server)[1].PeerAskedBackup);
        Assert.Contains(TwoHosts.EventsOf(server), e => e.Kind == ConnectionEventKind.PriorityChanged && e.Subflow == 1);
        long before = hosts.SubflowsOf(server)[1].BytesSent;
        hosts.Network.RunUntil(() => Pumped(stream) > 6_500_000, 60 * Instant.Second);
        Assert.Equal(before, hosts.SubflowsOf(server)[1].BytesSent);
        Assert.Equal(3, sent);

        Assert.True(client.SetBackup(1, false));
        Assert.True(hosts.Network.RunUntil(() => Pumped(stream) >= 10_000_000, 60 * Instant.Second), stream.ToString());
        Assert.True(hosts.SubflowsOf(server)[1].BytesSent > before);
        Assert.True(stream.Intact);
        Assert.False(client.SetBackup(9, true));
    }

    [Fact]
    [Trait("Requirement", "151")]
    public void The_flag_of_an_endpoint_changes_its_subflows()
    {
        var hosts = new TwoHosts(_path, _path);
        hosts.Client.Limits = hosts.Client.Limits with { AcceptedAddresses = 0 };
        byte id = hosts.Client.TryAddEndpoint(TwoHosts.Address(1, 1), EndpointFlags.Subflow)!.Value.Id;
        StackSocket client = hosts.Connect();
        StackSocket server = hosts.Accept();
        server.TryWrite(new byte[1000]);
        hosts.Network.Run(Instant.Second);
        Assert.True(hosts.Client.ChangeEndpoint(id, EndpointFlags.Backup));
        hosts.Network.Run(Instant.Second);
        Assert.Equal([false, true], hosts.SubflowsOf(server).Select(subflow => subflow.PeerAskedBackup));
        Assert.True(hosts.Client.ChangeEndpoint(id, EndpointFlags.None));
        hosts.Network.Run(Instant.Second);
        Assert.Equal([false, false], hosts.SubflowsOf(server).Select(subflow => subflow.PeerAskedBackup));
        Assert.Equal(TcpState.Established, client.State);
        Assert.False(hosts.Client.ChangeEndpoint(200, EndpointFlags.Backup));
    }

    [Fact]
    public void The_endpoint_of_the_initial_subflow_makes_that_a_backup()
    {
        var hosts = new TwoHosts(_path, _path);
        hosts.Client.Limits = hosts.Client.Limits with { AcceptedAddresses = 0 };
        hosts.Client.TryAddEndpoint(TwoHosts.Address(0, 1), EndpointFlags.Subflow | EndpointFlags.Backup);
        hosts.Client.TryAddEndpoint(TwoHosts.Address(1, 1), EndpointFlags.Subflow);
        hosts.Connect();
        StackSocket server = hosts.Accept();
        server.TryWrite(new byte[1000]);
        hosts.Network.Run(Instant.Second);
        Assert.Equal([true, false], hosts.SubflowsOf(server).Select(subflow => subflow.PeerAskedBackup));
    }

    private static TwoHosts WithBackup(bool clientWants)
    {
        var hosts = new TwoHosts(_path, _path);
        if (clientWants)
        {
            Assert.NotNull(hosts.Client.TryAddEndpoint(TwoHosts.Address(1, 1), EndpointFlags.Subflow | EndpointFlags.Backup));
            hosts.Client.Limits = hosts.Client.Limits with { AcceptedAddresses = 0 };
        }
        else
        {
            // The server's address of the join is its own second one; the client goes there alone.
            Assert.NotNull(hosts.Server.TryAddEndpoint(TwoHosts.Address(1, 2), EndpointFlags.Signal | EndpointFlags.Backup));
            Assert.NotNull(hosts.Client.TryAddEndpoint(TwoHosts.Address(1, 1), EndpointFlags.Signal));
            hosts.Server.Limits = hosts.Server.Limits with { AcceptedAddresses = 0 };
        }

        return hosts;
    }

    private static int Pumped(params Stream[] streams)
    {
        int least = int.MaxValue;
        foreach (Stream stream in streams)
        {
            stream.Pump();
            least = Math.Min(least, stream.Received);
        }

        return least;
    }
}
