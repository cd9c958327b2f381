using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Xunit;

namespace Mptcp.Links.Tests;

/// <summary>What <see cref="ViaPathSet"/> leaves behind (nothing), and what it refuses.</summary>
public sealed class ViaCleanupTests
{
    private const string StateVariable = "MPTCP_TEST_VIA_STATE";
    private const int SigTerm = 15;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Disposal_restores_everything_from_any_thread(bool withIPv6)
    {
        using var network = ViaTestNetwork.CreateOrSkip(withIPv6);
        string before = network.Describe();
        ViaPathSet paths = network.Open(network.Options with { ListenPorts = [80, 443] }, "h0", "h1");
        string during = network.Describe();
        paths.Dispose();

        Assert.NotEqual(before, during);
        Assert.Contains("ipv4/conf/h1/rp_filter = 2", during, StringComparison.Ordinal);
        Assert.Contains("nf_conntrack_tcp_be_liberal = 1", during, StringComparison.Ordinal);
        Assert.Equal(before, network.Describe());
        Assert.Empty(Directory.GetFiles(network.StateDirectory, "*.json"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Only_the_last_owner_restores_what_they_share(bool firstEndsFirst)
    {
        using var network = ViaTestNetwork.CreateOrSkip();
        string before = network.Describe();
        using ViaPathSet first = network.Open(network.Options, "h0", "h1");
        using ViaPathSet second = network.Open(network.Options, "h0");
        Assert.NotEqual(first.Paths[0].TunName, second.Paths[0].TunName);

        (firstEndsFirst ? first : second).Dispose();
        Assert.Equal("2", network.Host.GetSysctl("ipv4/conf/h0/rp_filter"));
        Assert.Equal("1", network.Host.GetSysctl("ipv4/conf/h0/forwarding"));
        Assert.Equal("1", network.Host.GetSysctl("netfilter/nf_conntrack_tcp_be_liberal"));
        (firstEndsFirst ? second : first).Dispose();
        Assert.Equal(before, network.Describe());
    }

    [Fact]
    public void A_setting_that_somebody_changed_meanwhile_is_theirs()
    {
        using var network = ViaTestNetwork.CreateOrSkip();
        using (network.Open(network.Options, "h0"))
            network.Host.SetSysctl("ipv4/conf/h0/rp_filter", "0");
        Assert.Equal("0", network.Host.GetSysctl("ipv4/conf/h0/rp_filter"));
    }

    [Fact]
    public void Forwarding_that_somebody_switched_on_for_all_meanwhile_stays()
    {
        using var network = ViaTestNetwork.CreateOrSkip();
        using (network.Open(network.Options, "h0"))
            network.Host.SetSysctl("ipv4/ip_forward", "1");
        Assert.Equal("1", network.Host.GetSysctl("ipv4/conf/h0/forwarding"));
    }

    [Fact]
    public void What_a_killed_owner_left_goes_at_the_next_start_and_what_a_live_one_has_stays()
    {
        using var network = ViaTestNetwork.CreateOrSkip(withIPv6: true);
        string before = network.Describe();
        using Process owner = StartOwner(network);
        using ViaPathSet live = network.Open(network.Options, "h0");
        Assert.Equal(2, Directory.GetFiles(network.StateDirectory, "*.json").Length);
        owner.Kill();
        owner.WaitForExit();
        Assert.Contains($"table inet mptcp_{owner.Id}_", network.Describe(), StringComparison.Ordinal);

        using ViaPathSet next = network.Open(network.Options, "h1");
        string after = network.Describe();
        Assert.DoesNotContain($"table inet mptcp_{owner.Id}_", after, StringComparison.Ordinal);
        Assert.Contains(live.Paths[0].Addresses[0].EngineAddress.ToString(), after, StringComparison.Ordinal);
        Assert.Equal("2", network.Host.GetSysctl("ipv4/conf/h0/rp_filter"));

        live.Dispose();
        next.Dispose();
        Assert.Equal(before, network.Describe());
    }

    [Fact]
    public void A_signal_removes_everything_where_that_was_asked_for()
    {
        using var network = ViaTestNetwork.CreateOrSkip();
        string before = network.Describe();
        using Process owner = StartOwner(network);
        Assert.NotEqual(before, network.Describe());
        Assert.Equal(0, Kill(owner.Id, SigTerm));
        Assert.True(owner.WaitForExit(TimeSpan.FromSeconds(20)));
        Assert.Equal(128 + SigTerm, owner.ExitCode);
        Assert.Equal(before, network.Describe());
    }

    [Fact]
    public void A_record_goes_with_its_namespace_and_stays_while_that_lives()
    {
        using var here = ViaTestNetwork.CreateOrSkip();
        using (var there = ViaTestNetwork.CreateOrSkip())
        {
            using Process owner = StartOwner(there, here.StateDirectory);
            owner.Kill();
            owner.WaitForExit();
            here.Open(here.Options, "h0").Dispose();
            Assert.Single(Directory.GetFiles(here.StateDirectory, "*.json"));
            Assert.Contains($"mptcp_{owner.Id}_", there.Describe(), StringComparison.Ordinal);
        }
        here.Open(here.Options, "h0").Dispose();
        Assert.Empty(Directory.GetFiles(here.StateDirectory, "*.json"));
    }

    [Fact]
    public void Addresses_avoid_what_is_routed_already()
    {
        using var network = ViaTestNetwork.CreateOrSkip();
        network.Host.Ip("route add 10.0.0.0/8 via 10.1.0.2");
        using ViaPathSet paths = network.Open(network.Options, "h0");
        Assert.StartsWith("172.30.", paths.Paths[0].Addresses[0].EngineAddress.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no device 'nope'", "nope")]
    [InlineData("loopback", "lo")]
    [InlineData("has no IPv4", "bare")]
    [InlineData("is down", "down")]
    [InlineData("named twice", "h0", "h0")]
    [InlineData("no device 'nope'", "h0", "nope")]
    [InlineData("No device is named")]
    public void Unfit_devices_are_refused_in_one_line_and_nothing_is_changed(string says, params string[] devices)
    {
        using var network = ViaTestNetwork.CreateOrSkip();
        network.Host.Ip("link add bare type veth peer name down");
        network.Host.Ip("link set bare addrgenmode none up");
        string before = network.Describe();
        LinkException e = Assert.Throws<LinkException>(() => network.Open(network.Options, devices));
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
        Assert.Equal(before, network.Describe());
        Assert.Empty(Directory.GetFiles(network.StateDirectory, "*.json"));
    }

    [Fact]
    public void A_port_that_the_kernel_or_another_engine_has_is_refused()
    {
        using var network = ViaTestNetwork.CreateOrSkip();
        ViaOptions listen = network.Options with { ListenPorts = [5001] };
        using (Socket kernel = network.Host.Run(() => new Socket(SocketType.Stream, ProtocolType.Tcp)))
        {
            kernel.Bind(new IPEndPoint(IPAddress.Any, 5001));
            kernel.Listen();
            LinkException e = Assert.Throws<LinkException>(() => network.Open(listen, "h0"));
            Assert.Contains("5001 of h0 (10.1.0.1) is in use", e.Message, StringComparison.Ordinal);
        }
        using ViaPathSet first = network.Open(listen, "h0");
        Assert.Throws<LinkException>(() => network.Open(listen, "h0"));
        using ViaPathSet second = network.Open(network.Options, "h0", "h1");
        Assert.Throws<LinkException>(() => second.ForwardPort(5001));
        first.Dispose();
        second.ForwardPort(5001);
    }

    /// <summary>Not a test: what <see cref="StartOwner"/> runs in a process of its own.</summary>
    [Fact(Explicit = true)]
    public void Owner()
    {
        string? state = Environment.GetEnvironmentVariable(StateVariable);
        if (state is null)
            Assert.Skip("run by other tests only");
        using var paths = ViaPathSet.Create(
            ["h0", "h1"], new ViaOptions { StateDirectory = state, ListenPorts = [6000], RemoveOnSignals = true });
        File.WriteAllText(Path.Combine(state, "ready"), "");
        Thread.Sleep(TimeSpan.FromMinutes(1));
    }

    // A child process is born in the network namespace of the thread that starts it.
    private static Process StartOwner(ViaTestNetwork network, string? stateDirectory = null)
    {
        string state = stateDirectory ?? network.StateDirectory;
        var start = new ProcessStartInfo(
            Path.ChangeExtension(typeof(ViaCleanupTests).Assembly.Location, null),
            ["-method", $"{typeof(ViaCleanupTests).FullName}.{nameof(Owner)}", "-explicit", "only"])
        {
            RedirectStandardOutput = true,
            Environment = { [StateVariable] = state },
        };
        Process owner = network.Host.Run(() => Process.Start(start)!);
        var said = new System.Text.StringBuilder();
        owner.OutputDataReceived += (_, e) => said.AppendLine(e.Data);
        owner.BeginOutputReadLine();
        string ready = Path.Combine(state, "ready");
        long begin = Stopwatch.GetTimestamp();
        while (!File.Exists(ready))
        {
            Assert.False(owner.HasExited, said.ToString());
            Assert.True(Stopwatch.GetElapsedTime(begin) < TimeSpan.FromSeconds(60), "the owner did not start");
            Thread.Sleep(10);
        }
        File.Delete(ready);
        return owner;
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int pid, int signal);
}
