using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Mptcp.Tests;

public sealed class StreamTests
{
    private const int Size = 5_000_000;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    private readonly CancellationToken _cancel = new CancellationTokenSource(_patience).Token;

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    [InlineData(false, 2)]
    [InlineData(true, 2)]
    public async Task What_is_written_is_read_to_the_end(bool serverSends, int cables)
    {
        await using var network = new MemoryNetwork(cables);
        (MptcpStream client, MptcpStream server) = await network.ConnectAsync(80, _cancel);
        (MptcpStream from, MptcpStream to) = serverSends ? (server, client) : (client, server);
        byte[] sent = RandomNumberGenerator.GetBytes(Size);
        Task<byte[]> receiving = ReadToEndAsync(to);
        await from.WriteAsync(sent, _cancel);
        await from.CompleteWritesAsync(_cancel);
        Assert.Equal(SHA256.HashData(sent), SHA256.HashData(await receiving));

        // Half-close: the other direction still works, and ends in order.
        await to.WriteAsync("thanks"u8.ToArray(), _cancel);
        Task completing = to.CompleteWritesAsync(_cancel);
        Assert.Equal("thanks"u8.ToArray(), await ReadToEndAsync(from));
        await completing;
        Assert.True(await client.WaitForSubflowsAsync(_patience, _cancel));
        Assert.True(await server.WaitForSubflowsAsync(_patience, _cancel));
    }

    [Fact]
    public async Task Both_directions_run_at_once_with_the_synchronous_calls_too()
    {
        await using var network = new MemoryNetwork();
        (MptcpStream client, MptcpStream server) = await network.ConnectAsync(80, _cancel);
        byte[] sent = RandomNumberGenerator.GetBytes(Size);
        Task echoing = Task.Run(async () =>
        {
            await server.CopyToAsync(server, _cancel);
            await server.DisposeAsync();
        });
        Task writing = Task.Run(async () =>
        {
            client.Write(sent, 0, sent.Length);
            await client.CompleteWritesAsync(_cancel);
        });
        var received = new MemoryStream();
        await Task.Run(() => client.CopyTo(received));
        await writing;
        await echoing;
        Assert.Equal(SHA256.HashData(sent), SHA256.HashData(received.ToArray()));
    }

    [Fact]
    public async Task Each_path_says_how_it_stands_and_why()
    {
        await using var network = new MemoryNetwork(2, options => options with { PathManager = "single", Scheduler = "round-robin:3,1" });
        (MptcpStream client, MptcpStream server) = await network.ConnectAsync(80, _cancel);
        await client.WriteAsync(new byte[1000], _cancel);
        await server.ReadExactlyAsync(new byte[1000], _cancel);
        await server.WriteAsync(new byte[1000], _cancel);
        await client.ReadExactlyAsync(new byte[1000], _cancel);
        Assert.Equal(
            [
                new MptcpPathStatus("path 0", IPAddress.Parse("10.1.0.1"), MemoryNetwork.ServerAt(80), MptcpPathState.Active, 0, "carries data"),
                new MptcpPathStatus("path 1", IPAddress.Parse("10.1.1.1"), null, MptcpPathState.Dead, -1, "no subflow: the path manager wants none here"),
            ],
            client.Paths);
        await network.DisposeAsync();
        Assert.Empty(client.Paths);
    }

    [Fact]
    public async Task The_subflows_tell_addresses_and_bytes_also_after_the_engine_ended()
    {
        await using var network = new MemoryNetwork();
        (MptcpStream client, MptcpStream server) = await network.ConnectAsync(80, _cancel);
        await client.WriteAsync(new byte[1000], _cancel);
        await server.ReadExactlyAsync(new byte[1000], _cancel);

        MptcpSubflow subflow = client.Subflows[0];
        Assert.Equal(0, subflow.Number);
        Assert.Equal("path 0", subflow.Path);
        Assert.Equal(MptcpSubflowState.Established, subflow.State);
        Assert.Equal(MemoryNetwork.ServerAt(80), subflow.RemoteEndPoint);
        Assert.Equal(client.LocalEndPoint, subflow.LocalEndPoint);
        Assert.Equal(client.LocalEndPoint, server.RemoteEndPoint);
        await network.DisposeAsync();
        Assert.Equal(subflow.LocalEndPoint, client.Subflows[0].LocalEndPoint);
    }

    [Fact]
    public async Task A_cancelled_read_ends_and_the_next_one_misses_nothing()
    {
        await using var network = new MemoryNetwork();
        (MptcpStream client, MptcpStream server) = await network.ConnectAsync(80, _cancel);
        using var cancel = new CancellationTokenSource();
        ValueTask<int> reading = server.ReadAsync(new byte[10], cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await reading);
        await client.WriteAsync("abc"u8.ToArray(), _cancel);
        byte[] buffer = new byte[3];
        await server.ReadExactlyAsync(buffer, _cancel);
        Assert.Equal("abc"u8.ToArray(), buffer);
    }

    [Fact]
    public async Task A_write_into_a_full_queue_can_be_cancelled()
    {
        await using var network = new MemoryNetwork();
        (MptcpStream client, _) = await network.ConnectAsync(80, _cancel);
        using var cancel = new CancellationTokenSource();
        ValueTask writing = client.WriteAsync(new byte[64 * 1024 * 1024], cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await writing);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_read_that_waits_fails_when_the_stream_goes(bool abort)
    {
        await using var network = new MemoryNetwork();
        (MptcpStream client, MptcpStream server) = await network.ConnectAsync(80, _cancel);
        ValueTask<int> reading = client.ReadAsync(new byte[10], _cancel);
        if (abort)
            client.Abort();
        else
            await client.DisposeAsync();
        AssertFailed(SocketError.OperationAborted, await Assert.ThrowsAsync<IOException>(async () => await reading));
        if (abort)
        {
            AssertFailed(
                SocketError.ConnectionReset,
                await Assert.ThrowsAsync<IOException>(async () => await server.ReadExactlyAsync(new byte[1], _cancel)));
        }
        else
        {
            Assert.Equal(0, await server.ReadAtLeastAsync(new byte[1], 1, throwOnEndOfStream: false, _cancel));
            await Assert.ThrowsAsync<ObjectDisposedException>(async () => await client.ReadExactlyAsync(new byte[1], _cancel));
        }
    }

    [Fact]
    public async Task Disposal_delivers_what_was_written()
    {
        await using var network = new MemoryNetwork();
        (MptcpStream client, MptcpStream server) = await network.ConnectAsync(80, _cancel);
        Task<byte[]> receiving = ReadToEndAsync(server);
        await client.WriteAsync(new byte[1_000_000], _cancel);
        await client.DisposeAsync();
        await network.Client.DisposeAsync();
        Assert.Equal(1_000_000, (await receiving).Length);
    }

    [Fact]
    public async Task What_comes_after_the_disposal_is_reset()
    {
        await using var network = new MemoryNetwork();
        (MptcpStream client, MptcpStream server) = await network.ConnectAsync(80, _cancel);
        await client.DisposeAsync();
        IOException failure = await Assert.ThrowsAsync<IOException>(async () =>
        {
            while (true)
                await server.WriteAsync(new byte[1000], _cancel);
        });
        AssertFailed(SocketError.ConnectionReset, failure);
    }

    [Fact]
    public async Task A_peer_that_is_gone_does_not_hold_the_disposal()
    {
        await using var network = new MemoryNetwork(
            adapt: options => options with { CloseTimeout = TimeSpan.FromMilliseconds(50) });
        (MptcpStream client, _) = await network.ConnectAsync(80, _cancel);
        network.Cut(0);
        await client.WriteAsync(new byte[1000], _cancel);
        await client.DisposeAsync();
    }

    [Fact]
    public async Task Nothing_can_be_written_after_the_end_of_the_writes()
    {
        await using var network = new MemoryNetwork();
        (MptcpStream client, _) = await network.ConnectAsync(80, _cancel);
        await client.CompleteWritesAsync(_cancel);
        AssertFailed(
            SocketError.Shutdown,
            await Assert.ThrowsAsync<IOException>(async () => await client.WriteAsync(new byte[1], _cancel)));
    }

    [Fact]
    public async Task An_engine_that_ends_resets_its_connections_and_fails_what_waits()
    {
        await using var network = new MemoryNetwork();
        (MptcpStream client, MptcpStream server) = await network.ConnectAsync(80, _cancel);
        ValueTask<int> ours = client.ReadAsync(new byte[1], _cancel);
        ValueTask<int> theirs = server.ReadAsync(new byte[1], _cancel);
        await network.Client.DisposeAsync();
        AssertFailed(SocketError.OperationAborted, await Assert.ThrowsAsync<IOException>(async () => await ours));
        AssertFailed(SocketError.ConnectionReset, await Assert.ThrowsAsync<IOException>(async () => await theirs));
        AssertFailed(
            SocketError.OperationAborted,
            await Assert.ThrowsAsync<IOException>(async () => await client.ReadExactlyAsync(new byte[1], _cancel)));
    }

    private static void AssertFailed(SocketError expected, IOException failure) =>
        Assert.Equal(expected, Assert.IsType<SocketException>(failure.InnerException).SocketErrorCode);

    private async Task<byte[]> ReadToEndAsync(MptcpStream stream)
    {
        var all = new MemoryStream();
        await stream.CopyToAsync(all, _cancel);
        return all.ToArray();
    }
}
