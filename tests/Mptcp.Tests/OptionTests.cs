using System.Net.Sockets;

namespace Mptcp.Tests;

/// <summary>What the options of an engine make of its connections.</summary>
public sealed class OptionTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    private readonly CancellationToken _cancel = new CancellationTokenSource(_patience).Token;

    [Fact]
    public async Task Keep_alive_notices_a_peer_that_is_gone_without_data()
    {
        await using var network = new MemoryNetwork(adapt: options => options with
        {
            KeepAlive = true,
            KeepAliveIdle = TimeSpan.FromMilliseconds(200),
            KeepAliveInterval = TimeSpan.FromMilliseconds(100),
            KeepAliveProbes = 2,
        });
        (MptcpStream client, _) = await network.ConnectAsync(80, _cancel);
        ValueTask<int> reading = client.ReadAsync(new byte[1], _cancel);
        network.Cut(0);
        Assert.Equal(SocketError.TimedOut, (await FailureAsync(async () => await reading)).SocketErrorCode);
    }

    [Fact]
    public async Task The_user_timeout_ends_a_connection_whose_peer_is_gone()
    {
        await using var network = new MemoryNetwork(adapt: options => options with { UserTimeout = TimeSpan.FromSeconds(1) });
        (MptcpStream client, _) = await network.ConnectAsync(80, _cancel);
        network.Cut(0);
        await client.WriteAsync(new byte[1000], _cancel);
        Assert.Equal(
            SocketError.TimedOut,
            (await FailureAsync(async () => await client.ReadExactlyAsync(new byte[1], _cancel))).SocketErrorCode);
    }

    [Theory]
    [InlineData(MptcpCongestionControl.Cubic)]
    [InlineData(MptcpCongestionControl.NewReno)]
    [InlineData(MptcpCongestionControl.Bbr)]
    [InlineData(MptcpCongestionControl.Lia)]
    [InlineData(MptcpCongestionControl.Olia)]
    [InlineData(MptcpCongestionControl.Balia)]
    [InlineData(MptcpCongestionControl.WVegas)]
    public async Task Data_arrives_under_each_congestion_control(MptcpCongestionControl control)
    {
        await using var network = new MemoryNetwork(adapt: options => options with { CongestionControl = control });
        (MptcpStream client, MptcpStream server) = await network.ConnectAsync(80, _cancel);
        Task writing = client.WriteAsync(new byte[2_000_000], _cancel).AsTask();
        await server.ReadExactlyAsync(new byte[2_000_000], _cancel);
        await writing;
    }

    [Fact]
    public void Options_that_make_no_sense_are_refused()
    {
        MptcpEngineOptions[] wrong =
        [
            new() { KeepAliveIdle = TimeSpan.Zero },
            new() { KeepAliveInterval = TimeSpan.FromSeconds(-1) },
            new() { KeepAliveProbes = 0 },
            new() { UserTimeout = TimeSpan.FromSeconds(-1) },
            new() { UserTimeout = TimeSpan.MaxValue },
            new() { MinimumRetransmissionTimeout = TimeSpan.Zero },
            new() { MinimumRetransmissionTimeout = TimeSpan.FromMinutes(2) },
            new() { CongestionControl = (MptcpCongestionControl)17 },
        ];
        foreach (MptcpEngineOptions options in wrong)
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => MptcpEngine.Create(options));
        }
    }

    [Theory]
    [InlineData("fastest", "default", "'fastest' is no scheduler")]
    [InlineData("round-robin:0", "default", "'round-robin:0' is no scheduler")]
    [InlineData("default", "mesh", "'mesh' is no path manager")]
    public void A_name_that_is_not_known_is_refused(string scheduler, string pathManager, string message)
    {
        var options = new MptcpEngineOptions { Scheduler = scheduler, PathManager = pathManager };
        ArgumentException refused = Assert.Throws<ArgumentException>(() => MptcpEngine.Create(options));
        Assert.StartsWith(message, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("wlan7", 0, 1, "There is no path 'wlan7': the paths are path 0, path 1.")]
    [InlineData("path 1", -1, 1, "Path 'path 1' has a negative weight.")]
    [InlineData("path 1", 0, 0, "Path 'path 1' has a cap of nothing: to use it not at all, let it be avoided.")]
    public async Task A_policy_that_cannot_be_is_refused(string path, int weight, long cap, string message)
    {
        var policy = new MptcpPathPolicy { Weight = weight, Cap = cap };
        var policies = new Dictionary<string, MptcpPathPolicy> { [path] = policy };
        ArgumentException refused = Assert.Throws<ArgumentException>(() => new MemoryNetwork(2, options => options with { Policies = policies }));
        Assert.StartsWith(message, refused.Message, StringComparison.Ordinal);
        await using var network = new MemoryNetwork(2);
        refused = await Assert.ThrowsAsync<ArgumentException>(() => network.Client.SetPolicyAsync(path, policy));
        Assert.StartsWith(message, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_policy_counts_from_the_start_and_can_be_changed()
    {
        var avoid = new Dictionary<string, MptcpPathPolicy> { ["path 1"] = new() { Use = MptcpPathUse.Avoid } };
        await using var network = new MemoryNetwork(2, options => options with { Policies = avoid });
        (MptcpStream client, MptcpStream server) = await network.ConnectAsync(80, CancellationToken.None);
        await client.WriteAsync(new byte[100_000]);
        await server.ReadExactlyAsync(new byte[100_000]);
        await server.WriteAsync(new byte[1]);
        await client.ReadExactlyAsync(new byte[1]);
        Assert.Contains(client.Paths, path => path is { Path: "path 1", Why: "no subflow: policy avoids the path" });
        await network.Client.SetPolicyAsync("path 1", new MptcpPathPolicy());
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await foreach (MptcpEvent happened in client.ReadEventsAsync(limit.Token))
        {
            if (happened is { Kind: MptcpEventKind.SubflowEstablished, Subflow: > 0 }
                && client.Paths.Any(path => path is { Path: "path 1", State: MptcpPathState.Active }))
                return;
        }

        Assert.Fail("no subflow came on path 1");
    }

    private static async Task<SocketException> FailureAsync(Func<Task> action) =>
        Assert.IsType<SocketException>((await Assert.ThrowsAsync<IOException>(action)).InnerException);
}
