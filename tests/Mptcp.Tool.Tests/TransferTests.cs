using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Mptcp.Tool.Tests;

/// <summary>Whole processes over paths of <c>--via</c>, with the kernel, or another process of ours, at the far end.</summary>
public sealed class TransferTests
{
    private const int Size = 2_000_000;
    private const string Port = "5000";
    private readonly CancellationToken _cancel = new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    [Fact]
    public async Task Connect_carries_both_directions_to_their_ends()
    {
        using ToolNetwork network = ToolNetwork.CreateOrSkip();
        using Socket listener = network.Listen();
        using ToolProcess tool = ToolProcess.Start(
            network.Host, _cancel, "connect", ToolNetwork.Peers, PortOf(listener), "--via", "h0");
        using Socket kernel = await listener.AcceptAsync(_cancel);
        await ExchangeAsync(tool, kernel);
        network.AssertNothingLeft(tool);
    }

    [Fact]
    public async Task Listen_carries_both_directions_to_their_ends()
    {
        using ToolNetwork network = ToolNetwork.CreateOrSkip();
        using ToolProcess tool = ToolProcess.Start(network.Host, _cancel, "listen", Port, "--via", "h0", "--via", "h1");
        await tool.WaitToSayAsync("listening on 10.1.0.1:5000\nlistening on 10.2.0.1:5000\n");
        using Socket kernel = await network.ConnectAsync(5000, _cancel);
        await ExchangeAsync(tool, kernel);
        network.AssertNothingLeft(tool);
    }

    [Fact]
    public async Task Two_processes_of_ours_reach_each_other_and_tell_of_it()
    {
        using ToolNetwork network = ToolNetwork.CreateOrSkip();
        string capture = Path.GetTempFileName();
        using ToolProcess server = ToolProcess.Start(network.Peer, _cancel, "listen", Port, "--via", "p0", "--via", "p1");
        await server.WaitToSayAsync("listening on 10.2.0.2:5000");
        using ToolProcess client = ToolProcess.Start(
            network.Host, _cancel,
            "connect", ToolNetwork.Peers, Port, "--via", "h0", "--via", "h1", "--stats", "--verbose", "--pcap", capture);
        (byte[] there, byte[] back) = (RandomNumberGenerator.GetBytes(Size), RandomNumberGenerator.GetBytes(Size));
        await Task.WhenAll(client.SendAsync(there), server.SendAsync(back));
        Task<byte[]> received = server.ReadToEndAsync();
        Assert.Equal(SHA256.HashData(back), SHA256.HashData(await client.ReadToEndAsync()));
        Assert.Equal(SHA256.HashData(there), SHA256.HashData(await received));
        Assert.Equal((0, 0), (await client.WaitAsync(), await server.WaitAsync()));
        network.AssertNothingLeft(client);
        foreach (string part in (string[])["connected: 10.1.0.1:", "10.1.0.2:5000", "share", "RTT", "h0", "h1", "retransmitted", "Multipath TCP"])
            Assert.Contains(part, client.Errors, StringComparison.Ordinal);
        Assert.True(new FileInfo(capture).Length > 2 * Size);
        File.Delete(capture);
    }

    [Fact]
    public async Task An_address_that_a_device_loses_is_withdrawn_and_the_next_one_is_used()
    {
        using ToolNetwork network = ToolNetwork.CreateOrSkip();
        using ToolProcess server = ToolProcess.Start(network.Peer, _cancel, "listen", Port, "--via", "p0", "--via", "p1");
        await server.WaitToSayAsync("listening on 10.2.0.2:5000");
        using ToolProcess client = ToolProcess.Start(
            network.Host, _cancel, "connect", ToolNetwork.Peers, Port, "--via", "h0", "--via", "h1", "--verbose");
        await client.WaitToSayAsync("10.2.0.1:");
        network.Host.Ip("addr del 10.1.0.1/24 dev h0");
        await client.WaitToSayAsync("its local address is gone");
        network.Host.Ip("addr add 10.1.0.9/24 dev h0");
        await client.WaitToSayAsync("10.1.0.9:");
        (byte[] there, byte[] back) = (RandomNumberGenerator.GetBytes(Size), RandomNumberGenerator.GetBytes(Size));
        await Task.WhenAll(client.SendAsync(there), server.SendAsync(back));
        Task<byte[]> received = server.ReadToEndAsync();
        Assert.Equal(SHA256.HashData(back), SHA256.HashData(await client.ReadToEndAsync()));
        Assert.Equal(SHA256.HashData(there), SHA256.HashData(await received));
        Assert.Equal((0, 0), (await client.WaitAsync(), await server.WaitAsync()));
    }

    [Theory]
    [InlineData(ToolProcess.SigTerm)]
    [InlineData(ToolProcess.SigInt)]
    public async Task A_signal_ends_a_connection_with_a_reset_and_leaves_nothing(int signal)
    {
        using ToolNetwork network = ToolNetwork.CreateOrSkip();
        using Socket listener = network.Listen();
        using ToolProcess tool = ToolProcess.Start(
            network.Host, _cancel, "connect", ToolNetwork.Peers, PortOf(listener), "--via", "h0", "--verbose");
        using Socket kernel = await listener.AcceptAsync(_cancel);
        await tool.WaitToSayAsync("connected");
        tool.Signal(signal);
        Assert.Equal(128 + signal, await tool.WaitAsync());
        Assert.DoesNotContain("   at ", tool.Errors, StringComparison.Ordinal);
        network.AssertNothingLeft(tool);
        await Assert.ThrowsAsync<SocketException>(async () => await kernel.ReceiveAsync(new byte[1], _cancel));
    }

    [Fact]
    public async Task A_signal_ends_the_wait_for_a_peer_and_leaves_nothing()
    {
        using ToolNetwork network = ToolNetwork.CreateOrSkip();
        using ToolProcess tool = ToolProcess.Start(network.Host, _cancel, "listen", Port, "--via", "h0");
        await tool.WaitToSayAsync("listening");
        tool.Signal(ToolProcess.SigTerm);
        Assert.Equal(128 + ToolProcess.SigTerm, await tool.WaitAsync());
        Assert.Equal("listening on 10.1.0.1:5000\n", tool.Errors);
        network.AssertNothingLeft(tool);
    }

    [Fact]
    public async Task Keep_serves_one_peer_after_the_other_also_after_a_reset()
    {
        using ToolNetwork network = ToolNetwork.CreateOrSkip();
        using ToolProcess tool = ToolProcess.Start(network.Host, _cancel, "listen", Port, "--keep", "--via", "h0");
        await tool.WaitToSayAsync("listening");
        await SendAsync("one", reset: false);
        await SendAsync("", reset: true);
        await tool.WaitToSayAsync("the peer reset the connection");
        await SendAsync("two", reset: false);
        byte[] received = new byte["onetwo".Length];
        await tool.Output.ReadExactlyAsync(received, _cancel);
        Assert.Equal("onetwo", Encoding.ASCII.GetString(received));
        tool.Signal(ToolProcess.SigInt);
        Assert.Empty(await tool.ReadToEndAsync());
        Assert.Equal(128 + ToolProcess.SigInt, await tool.WaitAsync());
        network.AssertNothingLeft(tool);

        async Task SendAsync(string text, bool reset)
        {
            using Socket kernel = await network.ConnectAsync(5000, _cancel);
            if (reset)
            {
                kernel.LingerState = new LingerOption(true, 0);
                return;
            }

            await kernel.SendAsync(Encoding.ASCII.GetBytes(text), _cancel);
            kernel.Shutdown(SocketShutdown.Send);
            Assert.Equal(0, await kernel.ReceiveAsync(new byte[1], _cancel));
        }
    }

    private static string PortOf(Socket listener) => $"{((IPEndPoint)listener.LocalEndPoint!).Port}";

    private async Task ExchangeAsync(ToolProcess tool, Socket kernel)
    {
        (byte[] there, byte[] back) = (RandomNumberGenerator.GetBytes(Size), RandomNumberGenerator.GetBytes(Size));
        Task sending = tool.SendAsync(there);
        var received = new MemoryStream();
        await using var stream = new NetworkStream(kernel);
        await stream.CopyToAsync(received, _cancel);
        await sending;
        Assert.Equal(SHA256.HashData(there), SHA256.HashData(received.ToArray()));

        // Its input has ended, and it stays for ours.
        Task<byte[]> answer = tool.ReadToEndAsync();
        await stream.WriteAsync(back, _cancel);
        kernel.Shutdown(SocketShutdown.Send);
        Assert.Equal(SHA256.HashData(back), SHA256.HashData(await answer));
        Assert.Equal(0, await tool.WaitAsync());
    }
}
