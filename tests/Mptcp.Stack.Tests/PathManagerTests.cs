using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Path managers, over a whole stack: which subflows they make, and how one follows another.</summary>
public sealed class PathManagerTests
{
    private static readonly PathOptions _path = PathOptions.Of(10, 10, 25_000);

    /// <summary>The subflows of each, as the last numbers of both addresses, over two paths with a way across.</summary>
    public static TheoryData<string, string> Shapes => new()
    {
        { nameof(EndpointPaths), "0-0 1-0" },
        { nameof(SinglePath), "0-0" },
        { nameof(SignalOnly), "0-0" },
        { nameof(MakeBeforeBreak), "0-0" },
        { nameof(FullMesh), "0-0 0-1 1-0 1-1" },
        { nameof(OnePerInterface), "0-0 1-0" },
        { nameof(PortsOnPath), "0-0 0-0 0-0" },
        { nameof(ManualPaths), "0-0" },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Each_makes_the_subflows_that_it_is_named_for(string manager, string shape)
    {
        TwoHosts hosts = Between(Make(manager), new EndpointPaths());
        Transfer transfer = Transfer.Begin(hosts, 1_000_000);
        transfer.RunToEnd();
        Assert.Equal(shape, ShapeOf(hosts, transfer.Client));
    }

    [Fact]
    public void A_path_in_doubt_gets_a_successor_before_it_is_given_up()
    {
        TwoHosts hosts = Between(new MakeBeforeBreak(), new EndpointPaths());
        Transfer transfer = Transfer.Begin(hosts, 4_000_000);
        transfer.RunUntil(Instant.Second);
        Assert.Equal("0-0", ShapeOf(hosts, transfer.Client));
        hosts.Network.Paths[0].Forward.BlackHoled = hosts.Network.Paths[0].Back.BlackHoled = true;
        transfer.RunToEnd();
        Assert.Equal("0-0 1-0", ShapeOf(hosts, transfer.Client));
        Assert.True(transfer.LongestGap <= 300 * Instant.Millisecond, $"{transfer.LongestGap / Instant.Millisecond} ms");
    }

    [Fact]
    public void A_server_that_announces_nothing_is_met_at_its_first_address()
    {
        TwoHosts hosts = Between(new FullMesh(), new SinglePath());
        Transfer transfer = Transfer.Begin(hosts, 1_000_000);
        transfer.RunToEnd();
        Assert.Equal("0-0 1-0", ShapeOf(hosts, transfer.Client));
    }

    [Fact]
    public void Another_one_takes_over_while_data_flows()
    {
        TwoHosts hosts = Between(new SinglePath(), new EndpointPaths());
        Transfer transfer = Transfer.Begin(hosts, 8_000_000);
        transfer.RunUntil(Instant.Second);
        Assert.Equal("0-0", ShapeOf(hosts, transfer.Client));
        transfer.Client.SetPathManager(new FullMesh());
        transfer.RunUntil(Instant.Second);
        Assert.Equal("0-0 0-1 1-0 1-1", ShapeOf(hosts, transfer.Client));
        transfer.Client.SetPathManager(new ManualPaths());
        transfer.RunToEnd();
        Assert.Equal("0-0 0-1 1-0 1-1", ShapeOf(hosts, transfer.Client));
    }

    [Fact]
    public void By_hand_a_subflow_goes_where_the_peer_can_be_joined_and_nowhere_else()
    {
        TwoHosts hosts = Between(new ManualPaths(), new EndpointPaths());
        Transfer transfer = Transfer.Begin(hosts, 8_000_000);
        transfer.RunUntil(Instant.Second);
        IpEndpoint first = new(TwoHosts.Address(0, 2), TwoHosts.Port);
        IpEndpoint second = new(TwoHosts.Address(1, 2), TwoHosts.Port);
        Assert.False(transfer.Client.OpenSubflow(TwoHosts.Address(5, 1), first));
        Assert.False(transfer.Client.OpenSubflow(TwoHosts.Address(0, 1), second with { Port = 81 }));
        Assert.False(transfer.Client.OpenSubflow(IpAddress.Parse("2001:db8::1"), first));
        Assert.True(transfer.Client.OpenSubflow(TwoHosts.Address(1, 1), second));
        Assert.True(transfer.Client.OpenSubflow(TwoHosts.Address(0, 1), first));
        transfer.RunUntil(Instant.Second);
        Assert.Equal("0-0 0-0 1-1", ShapeOf(hosts, transfer.Client));
        Assert.True(transfer.Server.ResetSubflow(1, MpTcpRstReason.Unspecified));
        transfer.RunUntil(Instant.Second);
        Assert.Equal("0-0 0-0 1-1 1-1", ShapeOf(hosts, transfer.Client));
        transfer.RunToEnd();
    }

    [Fact]
    public void The_limit_of_subflows_binds_each()
    {
        TwoHosts hosts = Between(new FullMesh(), new EndpointPaths());
        hosts.Client.Limits = hosts.Client.Limits with { Subflows = 2 };
        Transfer transfer = Transfer.Begin(hosts, 1_000_000);
        transfer.RunToEnd();
        Assert.Equal(3, hosts.SubflowsOf(transfer.Client).Count);
    }

    [Theory]
    [InlineData(false, "NotSupportedException: no more")]
    [InlineData(true, "InvalidOperationException: 192.0.2.9 to 10.1.0.2:80 was not taken from the view")]
    public void One_that_throws_or_asks_for_what_cannot_be_is_named_and_the_default_goes_on(bool invents, string told)
    {
        TwoHosts hosts = Between(new Broken(invents), new EndpointPaths());
        Transfer transfer = Transfer.Begin(hosts, 1_000_000);
        transfer.RunToEnd();
        Assert.Equal("0-0 1-0", ShapeOf(hosts, transfer.Client));
        ConnectionEvent failure = Assert.Single(
            TwoHosts.EventsOf(transfer.Client), taken => taken.Kind == ConnectionEventKind.PlugInFailed);
        Assert.Equal($"the path manager failed, the default takes its place, {told}", failure.Reason);
    }

    private static IPathManager Make(string name) => name switch
    {
        nameof(EndpointPaths) => new EndpointPaths(),
        nameof(SinglePath) => new SinglePath(),
        nameof(SignalOnly) => new SignalOnly(),
        nameof(FullMesh) => new FullMesh(),
        nameof(MakeBeforeBreak) => new MakeBeforeBreak(),
        nameof(OnePerInterface) => new OnePerInterface(),
        nameof(PortsOnPath) => new PortsOnPath(3),
        _ => new ManualPaths(),
    };

    private static TwoHosts Between(IPathManager client, IPathManager server) => new(
        new MptcpSettings { PathManager = client }, new MptcpSettings { PathManager = server }, seed: 1, _path, _path)
    {
        Describes = false,
    };

    private static string ShapeOf(TwoHosts hosts, StackSocket socket) => string.Join(' ', hosts.SubflowsOf(socket)
        .Select(subflow => $"{PathOf(subflow.Local)}-{PathOf(subflow.Remote)}")
        .Order(StringComparer.Ordinal));

    private static string PathOf(IpEndpoint end) => end.Address.ToString().Split('.')[2];

    private sealed class Broken(bool invents) : IPathManager
    {
        public bool Recreates => true;

        public bool Announces(PathView view, in LocalEndpoint endpoint) => false;

        public bool TryNext(PathView view, out JoinRequest request)
        {
            request = new JoinRequest(view.Endpoints[0] with { Address = IpAddress.Parse("192.0.2.9") }, view.InitialRemote, 0);
            return invents ? true : throw new NotSupportedException("no more");
        }
    }
}
