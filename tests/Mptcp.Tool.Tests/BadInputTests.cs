using System.Net;
using System.Net.Sockets;
using Mptcp.Lab;

namespace Mptcp.Tool.Tests;

public sealed class BadInputTests
{
    private readonly CancellationToken _cancel = new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    [Theory]
    [InlineData("Required command was not provided")]
    [InlineData("'nonsense'", "nonsense")]
    [InlineData("'PORT' missing", "connect", "10.1.0.2")]
    [InlineData("'0' is not a port", "listen", "0")]
    [InlineData("'65536' is not a port", "connect", "10.1.0.2", "65536")]
    [InlineData("'http' is not a port", "connect", "10.1.0.2", "http")]
    [InlineData("'--nope'", "listen", "80", "--nope")]
    [InlineData("'--keep'", "connect", "10.1.0.2", "80", "--keep")]
    [InlineData("--via", "listen", "80", "--via")]
    public async Task A_wrong_command_line_is_one_line_and_2(string says, params string[] arguments)
    {
        using ToolProcess tool = ToolProcess.Start(null, _cancel, arguments);
        await tool.AssertFailsAsync(2, says);
        Assert.Empty(await tool.ReadToEndAsync());
    }

    [Fact]
    public async Task Help_says_the_commands_and_the_exit_codes()
    {
        using ToolProcess tool = ToolProcess.Start(null, _cancel, "--help");
        string help = System.Text.Encoding.UTF8.GetString(await tool.ReadToEndAsync());
        Assert.Equal(0, await tool.WaitAsync());
        foreach (string part in (string[])["Exit codes", "connect <HOST> <PORT>", "listen <PORT>", "mptcp [command]"])
            Assert.Contains(part, help, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("listen", "5000", "--via", "nope")]
    [InlineData("connect", Peer, "5000", "--via", "nope")]
    public async Task An_unknown_device_is_3(params string[] arguments)
    {
        // Without root, and without nft, another line comes first; the code is the same.
        if (Environment.IsPrivilegedProcess)
            ToolNetwork.SkipWithoutNft();
        using ToolProcess tool = ToolProcess.Start(null, _cancel, arguments);
        await tool.AssertFailsAsync(3, Environment.IsPrivilegedProcess ? "There is no device 'nope' here" : "root");
    }

    [Fact]
    public async Task A_host_without_routes_is_3()
    {
        using ToolNetwork network = ToolNetwork.CreateOrSkip();
        using ToolProcess tool = ToolProcess.Start(network.Host, _cancel, "connect", Peer, "80");
        await tool.AssertFailsAsync(3, "No device here has a default route: name the devices to use (--via DEV).");
    }

    [Fact]
    public async Task A_capture_that_cannot_be_written_is_3_and_nothing_is_left()
    {
        using ToolNetwork network = ToolNetwork.CreateOrSkip();
        using ToolProcess tool = ToolProcess.Start(
            network.Host, _cancel, "listen", "80", "--via", "h0", "--pcap", "/no/such/folder/x.pcapng");
        await tool.AssertFailsAsync(3, "/no/such/folder/x.pcapng");
        network.AssertNothingLeft(tool);
    }

    [Fact]
    public async Task A_port_in_use_is_3_and_nothing_is_left()
    {
        using ToolNetwork network = ToolNetwork.CreateOrSkip();
        using Socket taken = KernelSocket.Listen(network.Host, new IPEndPoint(IPAddress.Any, 5000), multipath: false);
        using ToolProcess tool = ToolProcess.Start(network.Host, _cancel, "listen", "5000", "--via", "h0");
        await tool.AssertFailsAsync(3, "5000 of h0 (10.1.0.1) is in use");
        network.AssertNothingLeft(tool);
    }

    [Theory]
    [InlineData("10.1.0.2", "10.1.0.2:9 refused the connection")]
    [InlineData("127.0.0.1", "127.0.0.1:9 cannot be reached by any path")]
    [InlineData("[fd00::1]", "[fd00::1]:9 cannot be reached: no path has an address of its family")]
    [InlineData("no..such", "host 'no..such' is not known")]
    public async Task A_peer_that_is_not_there_is_4_and_nothing_is_left(string host, string says)
    {
        using ToolNetwork network = ToolNetwork.CreateOrSkip();
        using ToolProcess tool = ToolProcess.Start(network.Host, _cancel, "connect", host, "9", "--via", "h0");
        await tool.AssertFailsAsync(4, says);
        network.AssertNothingLeft(tool);
    }

    [Fact]
    public async Task A_peer_that_resets_is_1_and_nothing_is_left()
    {
        using ToolNetwork network = ToolNetwork.CreateOrSkip();
        using Socket listener = network.Listen();
        using ToolProcess tool = ToolProcess.Start(
            network.Host, _cancel, "connect", Peer, $"{((IPEndPoint)listener.LocalEndPoint!).Port}", "--via", "h0");
        using Socket kernel = await listener.AcceptAsync(_cancel);
        kernel.LingerState = new LingerOption(true, 0);
        kernel.Close();
        await tool.AssertFailsAsync(1, "the peer reset the connection");
        network.AssertNothingLeft(tool);
    }

    [Fact]
    public async Task A_reader_of_standard_output_that_goes_is_1_and_nothing_is_left()
    {
        using ToolNetwork network = ToolNetwork.CreateOrSkip();
        using Socket listener = network.Listen();
        using ToolProcess tool = ToolProcess.Start(
            network.Host, _cancel, "connect", Peer, $"{((IPEndPoint)listener.LocalEndPoint!).Port}", "--via", "h0");
        using Socket kernel = await listener.AcceptAsync(_cancel);
        tool.Output.Close();
        await kernel.SendAsync(new byte[1], _cancel);
        await tool.AssertFailsAsync(1, "standard output takes no more: Broken pipe");
        network.AssertNothingLeft(tool);

        // The peer learns that not all was taken.
        await Assert.ThrowsAsync<SocketException>(async () => await kernel.ReceiveAsync(new byte[1], _cancel));
    }

    [Fact]
    public async Task Garbage_on_the_path_disturbs_nobody()
    {
        using ToolNetwork network = ToolNetwork.CreateOrSkip();
        using Socket listener = network.Listen();
        using ToolProcess tool = ToolProcess.Start(
            network.Host, _cancel, "connect", Peer, $"{((IPEndPoint)listener.LocalEndPoint!).Port}", "--via", "h0");
        using Socket kernel = await listener.AcceptAsync(_cancel);

        // The engine's private address stands in the rule that leads to it.
        string rules = network.Host.Ip("-4 rule");
        var engine = IPAddress.Parse(rules.Split('\n').First(r => r.Contains(" to ", StringComparison.Ordinal))
            .Split(" to ")[1].Split(' ')[0]);
        var random = new Random(1);
        foreach (ProtocolType protocol in (ProtocolType[])[ProtocolType.Tcp, ProtocolType.Icmp, ProtocolType.Udp])
        {
            using Socket raw = network.Host.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Raw, protocol));
            for (int i = 8; i < 300; i++)
            {
                byte[] garbage = new byte[i];
                random.NextBytes(garbage);
                await raw.SendToAsync(garbage, SocketFlags.None, new IPEndPoint(engine, 0), _cancel);
            }
        }

        await tool.SendAsync("still here"u8.ToArray());
        byte[] received = new byte[10];
        await using var stream = new NetworkStream(kernel);
        await stream.ReadExactlyAsync(received, _cancel);
        Assert.Equal("still here"u8.ToArray(), received);
        kernel.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await tool.WaitAsync());
        Assert.Empty(tool.Errors);
        network.AssertNothingLeft(tool);
    }

    private const string Peer = ToolNetwork.Peers;
}
