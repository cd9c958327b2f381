using System.Collections.Concurrent;
using System.Net;
using CsCheck;
using Xunit;

namespace Mptcp.Links.Tests;

/// <summary>What becomes of interfaces is noticed.</summary>
public sealed class InterfaceMonitorTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    [Fact]
    public void The_kernel_tells_of_links_addresses_and_routes()
    {
        using ViaTestNetwork network = ViaTestNetwork.CreateOrSkip(withIPv6: true);
        using NetlinkMonitor monitor = network.Host.Run(() => new NetlinkMonitor());
        using var seen = new Seen(monitor);
        InterfaceState first = seen.Await("h0", state => state is { IsUp: true, Addresses.Count: 2 })!;
        Assert.Equal([IPAddress.Parse("10.1.0.1"), IPAddress.Parse("fd01::1")], first.Addresses);

        network.Host.Ip("addr add 10.7.0.1/24 dev h0");
        seen.Await("h0", state => state!.Addresses.Contains(IPAddress.Parse("10.7.0.1")));
        network.Host.Ip("addr del 10.7.0.1/24 dev h0");
        int routes = seen.Await("h0", state => !state!.Addresses.Contains(IPAddress.Parse("10.7.0.1")))!.Routes;
        network.Host.Ip("route add 10.99.0.0/16 via 10.1.0.2 dev h0");
        seen.Await("h0", state => state!.Routes > routes);

        network.Peer.Ip("link set p0 down");
        seen.Await("h0", state => !state!.IsUp);
        network.Peer.Ip("link set p0 up");
        seen.Await("h0", state => state!.IsUp);
        network.Host.Ip("link del h0");
        seen.Await("h0", state => state is null);
    }

    [Fact]
    public void Without_help_of_the_system_the_interfaces_are_looked_at_again_and_again()
    {
        IReadOnlyList<InterfaceState> now = [new InterfaceState("eth0", true, [IPAddress.Parse("192.0.2.1")])];
        using var monitor = new PollingMonitor(TimeSpan.FromMilliseconds(5), () => Volatile.Read(ref now));
        using var seen = new Seen(monitor);
        seen.Await("eth0", state => state is { IsUp: true });
        Volatile.Write(ref now, [new InterfaceState("eth0", false, [])]);
        seen.Await("eth0", state => state is { IsUp: false });
        Assert.Equal(2, seen.Told);
    }

    [Fact]
    public void The_framework_knows_this_machine_has_interfaces()
    {
        using var monitor = new PollingMonitor(TimeSpan.FromSeconds(1));
        using var seen = new Seen(monitor);
        Assert.NotEmpty(seen.Take());
    }

    [Fact]
    public void Where_the_kernel_tells_of_changes_it_is_listened_to()
    {
        using IInterfaceMonitor monitor = InterfaceMonitors.Open();
        Assert.Equal(OperatingSystem.IsLinux(), monitor is NetlinkMonitor);
        using var seen = new Seen(monitor);
        Assert.NotEmpty(seen.Take());
    }

    [Fact]
    public void Any_bytes_of_the_kernel_are_survived() => Gen.Byte.Array[0, 200].Sample(bytes =>
    {
        var table = new InterfaceTable();
        table.Take(bytes);

        // The same behind a header that fits them.
        byte[] framed = [.. BitConverter.GetBytes(bytes.Length + InterfaceTable.HeaderSize), 16, 0, .. new byte[10], .. bytes];
        foreach (byte type in (byte[])[16, 17, 20, 21, 24, 25])
        {
            framed[4] = type;
            table.Take(framed);
        }

        Assert.All(table.States, state => Assert.NotEmpty(state.Name));
    });

    [Fact]
    public void The_routes_of_a_path_come_back_with_its_device_and_its_address_may_be_another()
    {
        using ViaTestNetwork network = ViaTestNetwork.CreateOrSkip();
        using ViaPathSet set = network.Open(network.Options, "h0");
        ViaPath path = set.Paths[0];
        string[] before = Routes();
        Assert.NotEmpty(before);
        network.Host.Ip("link set h0 down");
        Assert.Empty(set.Refresh(path));
        network.Host.Ip("addr del 10.1.0.1/24 dev h0");
        network.Host.Ip("link set h0 up");
        Assert.Empty(set.Refresh(path));
        network.Host.Ip("addr add 10.1.0.7/24 dev h0");
        ViaAddress address = Assert.Single(set.Refresh(path));
        Assert.Equal(IPAddress.Parse("10.1.0.7"), address.OutsideAddress);
        Assert.Equal(path.Addresses[0].EngineAddress, address.EngineAddress);
        Assert.Equal(before, Routes());

        string[] Routes() =>
        [
            .. network.Host.Ip("route show table all").Split('\n')
                .Where(line => line.Contains("table 12970", StringComparison.Ordinal))
                .Select(line => line.Replace(" linkdown", "", StringComparison.Ordinal).Trim()).Order(),
        ];
    }

    /// <summary>What a monitor has told.</summary>
    private sealed class Seen : IDisposable
    {
        private readonly BlockingCollection<IReadOnlyList<InterfaceState>> _told = [];
        private readonly IInterfaceMonitor _monitor;

        public Seen(IInterfaceMonitor monitor)
        {
            _monitor = monitor;
            monitor.Start(_told.Add);
        }

        public int Told { get; private set; }

        public IReadOnlyList<InterfaceState> Take()
        {
            Assert.True(_told.TryTake(out IReadOnlyList<InterfaceState>? states, _limit), "nothing more was told");
            Told++;
            return states;
        }

        /// <summary>Waits until an interface is as it should be; null where it is not there.</summary>
        public InterfaceState? Await(string name, Func<InterfaceState?, bool> isSo)
        {
            while (true)
            {
                InterfaceState? state = Take().FirstOrDefault(state => state.Name == name);
                if (isSo(state))
                {
                    return state;
                }
            }
        }

        public void Dispose()
        {
            _monitor.Dispose();
            _told.Dispose();
        }
    }
}
