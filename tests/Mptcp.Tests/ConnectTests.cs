using System.Net;
using System.Net.Sockets;

namespace Mptcp.Tests;

public sealed class ConnectTests
{
    private readonly CancellationToken _cancel = new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token;

    [Theory]
    [InlineData("10.1.0.2", SocketError.ConnectionRefused, "10.1.0.2:81 refused the connection")]
    [InlineData("fd00::2", SocketError.AddressFamilyNotSupported, "[fd00::2]:81 cannot be reached: no path has an address of its family")]
    [InlineData("255.255.255.255", SocketError.HostUnreachable, "255.255.255.255:81 cannot be reached by any path")]
    public async Task A_peer_that_cannot_be_had_is_an_exception_of_one_line(string host, SocketError error, string message)
    {
        await using var network = new MemoryNetwork();
        IOException failure = await Assert.ThrowsAsync<IOException>(() => network.Client.ConnectAsync(host, 81, _cancel));
        Assert.Equal(message, failure.Message);
        Assert.Equal(error, Assert.IsType<SocketException>(failure.InnerException).SocketErrorCode);
    }

    [Fact]
    public async Task An_unknown_name_is_said_to_be_unknown()
    {
        await using var network = new MemoryNetwork();
        IOException failure = await Assert.ThrowsAsync<IOException>(
            () => network.Client.ConnectAsync("no..such", 80, _cancel));
        Assert.Equal("host 'no..such' is not known", failure.Message);
    }

    [Fact]
    public async Task A_peer_that_does_not_answer_is_given_up()
    {
        await using var network = new MemoryNetwork(
            adapt: options => options with { ConnectTimeout = TimeSpan.FromMilliseconds(50) });
        network.Cut(0);
        IOException failure = await Assert.ThrowsAsync<IOException>(
            () => network.Client.ConnectAsync(MemoryNetwork.ServerAt(80), _cancel));
        Assert.Equal("10.1.0.2:80 did not answer", failure.Message);
        Assert.Equal(SocketError.TimedOut, Assert.IsType<SocketException>(failure.InnerException).SocketErrorCode);
    }

    [Fact]
    public async Task A_cancelled_attempt_ends()
    {
        await using var network = new MemoryNetwork();
        network.Cut(0);
        using var cancel = new CancellationTokenSource();
        Task<MptcpStream> connecting = network.Client.ConnectAsync(MemoryNetwork.ServerAt(80), cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting);
    }

    [Fact]
    public async Task An_attempt_ends_with_its_engine()
    {
        await using var network = new MemoryNetwork();
        network.Cut(0);
        Task<MptcpStream> connecting = network.Client.ConnectAsync(MemoryNetwork.ServerAt(80), _cancel);
        await network.Client.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => connecting);
        await Assert.ThrowsAsync<ObjectDisposedException>(
            () => network.Client.ConnectAsync(MemoryNetwork.ServerAt(80), _cancel));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65_536)]
    public async Task Ports_have_their_range(int port)
    {
        await using var network = new MemoryNetwork();
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => network.Client.ConnectAsync("10.1.0.2", port, _cancel));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => network.Server.ListenAsync(port, cancellationToken: _cancel));
    }

    [Fact]
    public async Task A_listener_says_where_it_is_and_a_port_has_one()
    {
        await using var network = new MemoryNetwork(cables: 2);
        await using MptcpListener listener = await network.Server.ListenAsync(80, cancellationToken: _cancel);
        Assert.Equal([MemoryNetwork.ServerAt(80, 0), MemoryNetwork.ServerAt(80, 1)], listener.LocalEndPoints);
        MptcpException taken = await Assert.ThrowsAsync<MptcpException>(
            () => network.Server.ListenAsync(80, cancellationToken: _cancel));
        Assert.Contains("80", taken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_listener_that_goes_ends_the_wait_and_gives_the_port_back()
    {
        await using var network = new MemoryNetwork();
        MptcpListener listener = await network.Server.ListenAsync(80, cancellationToken: _cancel);
        Task<MptcpStream> accepting = listener.AcceptAsync(_cancel);
        await listener.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => accepting);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => listener.AcceptAsync(_cancel));
        await Assert.ThrowsAsync<IOException>(() => network.Client.ConnectAsync(MemoryNetwork.ServerAt(80), _cancel));
        await using MptcpListener next = await network.Server.ListenAsync(80, cancellationToken: _cancel);
    }

    [Fact]
    public async Task A_connection_that_nobody_accepted_is_reset_with_its_listener()
    {
        await using var network = new MemoryNetwork();
        MptcpListener listener = await network.Server.ListenAsync(80, cancellationToken: _cancel);
        await using MptcpStream client = await network.Client.ConnectAsync(MemoryNetwork.ServerAt(80), _cancel);
        // The handshake's last ACK may still be on its way to the listener: data behind it shows when it is through.
        await client.WriteAsync(new byte[1], _cancel);
        await listener.DisposeAsync();
        IOException failure = await Assert.ThrowsAsync<IOException>(async () => await client.ReadExactlyAsync(new byte[1], _cancel));
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(failure.InnerException).SocketErrorCode);
    }

    [Fact]
    public async Task A_capture_holds_the_packets_of_every_path()
    {
        string file = Path.GetTempFileName();
        await using (var network = new MemoryNetwork(2, options => options with { CaptureFile = file }))
        {
            (MptcpStream client, _) = await network.ConnectAsync(80, _cancel);
            await client.WriteAsync("captured"u8.ToArray(), _cancel);
            await client.CompleteWritesAsync(_cancel);
            Assert.Null(network.Client.CaptureFailure);
        }

        Assert.True(File.ReadAllBytes(file).AsSpan().IndexOf("captured"u8) >= 0);
        File.Delete(file);
    }

    [Fact]
    public void A_capture_that_cannot_be_written_is_said_in_one_line()
    {
        MptcpException failure = Assert.Throws<MptcpException>(
            () => new MemoryNetwork(1, options => options with { CaptureFile = "/no/such/folder/x.pcapng" }));
        Assert.Equal("cannot write capture '/no/such/folder/x.pcapng': its folder does not exist", failure.Message);
    }

    [Fact]
    public void Options_that_cannot_work_are_refused()
    {
        Assert.Throws<MptcpException>(() => MptcpEngine.Create(new MptcpEngineOptions
        {
            Paths = [new MptcpPath(Links.MemoryLink.CreatePair(new Links.MemoryWaiter(), new Links.MemoryWaiter()).Near, IPAddress.Loopback)],
        }));
        Assert.Throws<ArgumentOutOfRangeException>(() => MptcpEngine.Create(new MptcpEngineOptions { SendBuffer = 1 }));
    }
}
