using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Mptcp.Hosting;
using Mptcp.Lab;
using Mptcp.Stack;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Links.Tests;

/// <summary>Plain TCP between the engine and the kernel, over a TUN in a namespace of its own.</summary>
public sealed class KernelTcpTests
{
    private const int Size = 20_000_000;
    private static readonly IPAddress _kernelAddress = IPAddress.Parse("10.62.0.1");
    private static readonly IpAddress _engineAddress = IpAddress.Parse("10.62.0.2");

    [Fact]
    public Task The_engine_connects_and_sends() => Run(async (lab, cancel) =>
    {
        using Socket listener = lab.Listen();
        Task<HostedSocket> connecting = HostedSocket.ConnectAsync(lab.Loop, lab.Local, lab.Remote(listener), cancel);
        using Socket kernel = await listener.AcceptAsync(cancel);
        HostedSocket ours = await connecting;
        await SendFromEngine(ours, kernel, cancel);
    });

    [Fact]
    public Task The_engine_connects_and_receives() => Run(async (lab, cancel) =>
    {
        using Socket listener = lab.Listen();
        Task<HostedSocket> connecting = HostedSocket.ConnectAsync(lab.Loop, lab.Local, lab.Remote(listener), cancel);
        using Socket kernel = await listener.AcceptAsync(cancel);
        HostedSocket ours = await connecting;
        await SendFromKernel(ours, kernel, cancel);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task The_engine_listens(bool engineSends) => Run(async (lab, cancel) =>
    {
        StackListener listener = await lab.Loop.RunAsync(
            (stack, _) => new Attempt<StackListener>(true, stack.TryListen(80)!), cancel);
        using Socket kernel = lab.NewSocket();
        Task connecting = kernel.ConnectAsync(new IPEndPoint(_engineAddress.ToIPAddress(), 80), cancel).AsTask();
        HostedSocket ours = await HostedSocket.AcceptAsync(lab.Loop, listener, cancel);
        await connecting;
        await (engineSends ? SendFromEngine(ours, kernel, cancel) : SendFromKernel(ours, kernel, cancel));
    });

    [Fact]
    public Task A_port_where_nobody_listens_is_refused() => Run(async (lab, cancel) =>
    {
        var nobody = new IpEndpoint(IpAddress.Parse("10.62.0.1"), 9);
        var failure = await Assert.ThrowsAsync<IOException>(
            () => HostedSocket.ConnectAsync(lab.Loop, lab.Local, nobody, cancel));
        Assert.Equal(SocketError.ConnectionRefused, Assert.IsType<SocketException>(failure.InnerException).SocketErrorCode);
    });

    private static async Task SendFromEngine(HostedSocket ours, Socket kernel, CancellationToken cancel)
    {
        byte[] sent = Payload();
        Task<byte[]> receiving = ReceiveAll(kernel, cancel);
        await ours.WriteAsync(sent, cancel);
        await ours.CompleteWritesAsync(cancel);
        Assert.Equal(SHA256.HashData(sent), SHA256.HashData(await receiving));

        // Half-close: the other direction still works, and ends in order.
        await kernel.SendAsync("thanks"u8.ToArray(), cancel);
        kernel.Shutdown(SocketShutdown.Send);
        Assert.Equal("thanks"u8.ToArray(), await ReceiveAll(ours, cancel));
    }

    private static async Task SendFromKernel(HostedSocket ours, Socket kernel, CancellationToken cancel)
    {
        byte[] sent = Payload();
        Task<byte[]> receiving = ReceiveAll(ours, cancel);
        for (int at = 0; at < sent.Length;)
            at += await kernel.SendAsync(sent.AsMemory(at), cancel);
        kernel.Shutdown(SocketShutdown.Send);
        Assert.Equal(SHA256.HashData(sent), SHA256.HashData(await receiving));
        await ours.CompleteWritesAsync(cancel);
        Assert.Equal(0, await kernel.ReceiveAsync(new byte[1], cancel));
    }

    private static byte[] Payload()
    {
        var bytes = new byte[Size];
        for (int i = 0; i < Size; i++)
            bytes[i] = (byte)((i * 31) ^ (i >> 9));
        return bytes;
    }

    private static async Task<byte[]> ReceiveAll(Socket socket, CancellationToken cancel)
    {
        var all = new MemoryStream();
        var buffer = new byte[65_536];
        for (int n = await socket.ReceiveAsync(buffer, cancel); n > 0; n = await socket.ReceiveAsync(buffer, cancel))
            all.Write(buffer, 0, n);
        return all.ToArray();
    }

    private static async Task<byte[]> ReceiveAll(HostedSocket socket, CancellationToken cancel)
    {
        var all = new MemoryStream();
        var buffer = new byte[65_536];
        for (int n = await socket.ReadAsync(buffer, cancel); n > 0; n = await socket.ReadAsync(buffer, cancel))
            all.Write(buffer, 0, n);
        return all.ToArray();
    }

    private static async Task Run(Func<Lab, CancellationToken, Task> test)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess || !File.Exists("/dev/net/tun"))
            Assert.Skip("needs Linux, root and /dev/net/tun");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var lab = new Lab();
        await test(lab, limit.Token);
    }

    private sealed class Lab : IDisposable
    {
        private readonly NetworkNamespace _namespace = new();
        private readonly TunDevice _tun;

        public Lab()
        {
            _tun = _namespace.Run(() => TunDevice.Open("mptcp0"));
            _namespace.Ip($"addr add {_kernelAddress}/24 dev mptcp0");
            _namespace.Ip("link set mptcp0 up");
            Local = new LocalAddress(0, _engineAddress, 1500);
            var stack = new NetworkStack(new StackOptions(), new SystemEntropy());
            stack.AddAddress(Local);
            Loop = new StackLoop(stack, [_tun], new PollWaiter([_tun]));
        }

        public StackLoop Loop { get; }

        public LocalAddress Local { get; }

        public IpEndpoint Remote(Socket listener) =>
            new(IpAddress.Parse("10.62.0.1"), (ushort)((IPEndPoint)listener.LocalEndPoint!).Port);

        // A socket belongs to the namespace of the thread that makes it.
        public Socket NewSocket() =>
            _namespace.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));

        public Socket Listen()
        {
            Socket socket = NewSocket();
            socket.Bind(new IPEndPoint(_kernelAddress, 0));
            socket.Listen();
            return socket;
        }

        public void Dispose()
        {
            Loop.Dispose();
            _tun.Dispose();
            _namespace.Dispose();
        }
    }
}
