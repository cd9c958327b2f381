using System.Net;
using System.Net.Sockets;
using Mptcp.Hosting;
using Mptcp.Lab;
using Mptcp.Links;
using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Stack;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Interop.Tests;

/// <summary>A laboratory with the engine at one end and a kernel socket at the other.</summary>
internal sealed partial class Peers : IDisposable
{
    private const int Port = 5001;
    private const int LevelTcp = 6;
    private const int FastOpen = 23;
    private const int FastOpenConnect = 30;
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(60));
    private readonly TwoPathLab _lab;
    private readonly StackLoop _loop;
    private readonly string _capturePath;
    private readonly PcapngFile _capture;
    private readonly bool _keepCapture;
    private readonly bool _engineIsClient;
    private readonly bool _kernelIsMultipath;
    private readonly Wiring _wiring;
    private Socket? _listener;
    private Socket? _kernel;
    private StackListener? _fastOpenListener;
    private bool _transferred;

    public Peers(
        LabOptions options, MptcpSettings? settings = null, bool kernelIsMultipath = true, string? capture = null,
        Wiring? wiring = null)
    {
        Assert.SkipWhen(TwoPathLab.Missing is not null, TwoPathLab.Missing ?? "");
        _kernelIsMultipath = kernelIsMultipath;
        _wiring = wiring ?? new Wiring();
        _engineIsClient = options.Client == LabPeer.Engine;
        WithIPv6 = options.WithIPv6 && (!_wiring.BothFamilies || _wiring.BeginsOverIPv6);
        _lab = new TwoPathLab(options);
        LabEngineEnd end = (_engineIsClient ? _lab.ClientEngine : _lab.ServerEngine)!;
        var stack = new NetworkStack(new StackOptions { Connection = settings ?? new MptcpSettings() }, new SystemEntropy());
        for (int i = 0; i < end.Links.Count; i++)
        {
            LabLink link = end.Links[i];
            IpAddress[] addresses = _wiring.BothFamilies
                ? [link.AddressV4, link.AddressV6!.Value]
                : [link.AddressV6 ?? link.AddressV4];
            Array.ForEach(addresses, address => stack.AddAddress(new LocalAddress(i, address, link.Mtu)));
        }

        _keepCapture = capture is not null;
        _capturePath = capture ?? Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".pcapng");
        _capture = PcapngFile.Create(_capturePath);
        ILink[] links = [.. end.Links.Select((link, i) => Equip(link.Link, i))];
        _loop = new StackLoop(stack, links, end.Waiter);
    }

    public bool WithIPv6 { get; }

    public HostedSocket Engine { get; private set; } = null!;

    public PathEmulator Emulator => _lab.Emulator;

    public NetworkNamespace KernelPlace => _engineIsClient ? _lab.Server : _lab.Client;

    public IReadOnlyDictionary<string, long> KernelCounters => KernelMib.Read(KernelPlace);

    /// <summary>What the audit found; null before the end, or where nothing was to be audited.</summary>
    public CaptureFindings? Findings { get; private set; }

    private CancellationToken Cancel => _limit.Token;

    private IpAddress ServerAddress => WithIPv6 ? TwoPathLab.ServerAddressV6(0) : TwoPathLab.ServerAddress(0);

    public async Task ConnectFromEngine()
    {
        IPAddress on = _wiring.BothFamilies ? IPAddress.IPv6Any
            : _wiring.KernelListensEverywhere ? IPAddress.Any
            : ServerAddress.ToIPAddress();

        // The kernel refuses joins once the listener is closed.
        _listener = KernelSocket.Listen(_lab.Server, new IPEndPoint(on, Port), _kernelIsMultipath);
        LocalAddress local = await OnStack(
            stack => stack.Addresses.First(address => address.Address.IsV4 == ServerAddress.IsV4));
        Task<HostedSocket> connecting = HostedSocket.ConnectAsync(_loop, local, new IpEndpoint(ServerAddress, Port), Cancel);
        _kernel = await _listener.AcceptAsync(Cancel);
        Engine = await connecting;
    }

    public Task ConnectFromKernel() => ConnectFromKernel(halfOpen: null);

    /// <summary>The same, while an attempt from where nobody is holds a place at the listener.</summary>
    public async Task ConnectFromKernel(IpAddress? halfOpen)
    {
        StackListener listener = await _loop.RunAsync(
            (stack, _) => new Attempt<StackListener>(true, stack.TryListen(Port, _wiring.Backlog)!), Cancel);
        Task<HostedSocket> accepting = HostedSocket.AcceptAsync(_loop, listener, Cancel);
        if (halfOpen is { } nobody)
        {
            await HalfOpen(nobody);
        }

        IPAddress to = ServerAddress.ToIPAddress();
        _kernel = await KernelSocket.ConnectAsync(
            _lab.Client, null, new IPEndPoint(_wiring is { BothFamilies: true, KernelIsOfIPv4Alone: false } ? to.MapToIPv6() : to, Port), _kernelIsMultipath, Cancel);
        Engine = await accepting;
    }

    /// <summary>Asks or changes the engine's host: its endpoints, limits and counters.</summary>
    public Task<T> OnStack<T>(Func<NetworkStack, T> function) =>
        _loop.RunAsync((stack, _) => new Attempt<T>(true, function(stack)), Cancel);

    /// <summary>Turns Fast Open on in the kernel, for clients and servers.</summary>
    public void AllowFastOpen() => KernelPlace.SetSysctl("ipv4/tcp_fastopen", "3");

    /// <summary>One question from the engine and the kernel's echo of it, by Fast Open if the kernel has given a cookie.</summary>
    public async Task<(bool FastOpened, bool IsMultipath)> AskFromEngine(byte[] question)
    {
        var remote = new IPEndPoint(ServerAddress.ToIPAddress(), Port);
        if (_listener is null)
        {
            _listener = KernelSocket.Listen(_lab.Server, remote, _kernelIsMultipath);
            _listener.SetRawSocketOption(LevelTcp, FastOpen, BitConverter.GetBytes(16));
        }

        LocalAddress local = await _loop.RunAsync((stack, _) => new Attempt<LocalAddress>(true, stack.Addresses[0]), Cancel);
        Task<HostedSocket> connecting = HostedSocket.ConnectAsync(
            _loop, local, new IpEndpoint(ServerAddress, Port), question, fastOpen: true, Cancel);
        using Socket kernel = await _listener.AcceptAsync(Cancel);
        var received = new byte[question.Length];
        for (int count = 0; count < received.Length;)
        {
            count += await kernel.ReceiveAsync(received.AsMemory(count), Cancel);
        }

        await kernel.SendAsync(received, Cancel);
        Engine = await connecting;
        Array.Clear(received);
        await ReadWhole(received);
        Assert.Equal(question, received);
        return await Outcome();
    }

    /// <summary>One question from the kernel and the engine's echo of it.</summary>
    public async Task<(bool FastOpened, bool IsMultipath)> AskFromKernel(byte[] question)
    {
        _fastOpenListener ??= await _loop.RunAsync(
            (stack, _) => new Attempt<StackListener>(true, stack.TryListen(Port, fastOpen: 16)!), Cancel);
        Task<HostedSocket> accepting = HostedSocket.AcceptAsync(_loop, _fastOpenListener, Cancel);
        using Socket kernel = KernelSocket.Create(_lab.Client, AddressFamily.InterNetwork, _kernelIsMultipath);
        kernel.SetRawSocketOption(LevelTcp, FastOpenConnect, BitConverter.GetBytes(1));
        await kernel.ConnectAsync(new IPEndPoint(ServerAddress.ToIPAddress(), Port), Cancel);
        await kernel.SendAsync(question, Cancel);
        Engine = await accepting;
        var received = new byte[question.Length];
        await ReadWhole(received);
        await Engine.WriteAsync(received, Cancel);
        Array.Clear(received);
        for (int count = 0; count < received.Length;)
        {
            count += await kernel.ReceiveAsync(received.AsMemory(count), Cancel);
        }

        Assert.Equal(question, received);
        return await Outcome();
    }

    /// <summary>A stream one way, and its end both ways.</summary>
    public async Task<StreamMeter> Transfer(bool engineSends, long size, Action<StreamMeter>? during = null)
    {
        using var payload = new Payload(size);
        var meter = new StreamMeter();
        Task sending = engineSends ? SendFromEngine(payload) : payload.SendAsync(_kernel!, Cancel);
        var piece = new byte[262_144];
        while (await Receive(!engineSends, piece) is > 0 and int count)
        {
            meter.Add(piece.AsSpan(0, count));
            during?.Invoke(meter);
        }

        await sending;
        if (engineSends)
        {
            _kernel!.Shutdown(SocketShutdown.Send);
            Assert.Equal(0, await Engine.ReadAsync(piece, Cancel));
        }
        else
        {
            await Engine.CompleteWritesAsync(Cancel);
            Assert.Equal(0, await _kernel!.ReceiveAsync(piece, Cancel));
        }

        Assert.Equal(payload.Sha256, meter.Sha256);
        _transferred = true;
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{meter.MegabitsPerSecond:F1} Mbit/s, longest gap {meter.LongestGap.TotalMilliseconds:F0} ms");
        return meter;
    }

    /// <summary>At least a quarter of the bytes on each path.</summary>
    public void AssertBothPathsCarried(bool forward, long size)
    {
        foreach (EmulatedPath path in Emulator.Paths)
        {
            long bytes = (forward ? path.Forward : path.Back).Delivered.Bytes;
            TestContext.Current.TestOutputHelper?.WriteLine($"{bytes} of {size}");
            Assert.True(bytes >= size / 4, $"{bytes} of {size}");
        }
    }

    /// <summary>Takes everything down, and audits what was on the wire if a transfer went well.</summary>
    public void Dispose()
    {
        _kernel?.Dispose();
        _listener?.Dispose();
        _loop.Dispose();
        _capture.Dispose();
        _lab.Dispose();
        _limit.Dispose();
        try
        {
            if (_transferred)
            {
                Findings = CaptureAudit.Run(_capturePath);
                Audit(Findings);
            }
        }
        finally
        {
            if (!_keepCapture)
            {
                File.Delete(_capturePath);
            }
        }
    }

    private void Audit(CaptureFindings findings)
    {
        TestContext.Current.TestOutputHelper?.WriteLine(findings.ToString());
        Assert.True(findings.Faults.Count == 0, string.Join('\n', findings.Faults));
        if (_wiring.AuditedConnections != Wiring.AnyNumber)
        {
            Assert.Equal(_wiring.AuditedConnections ?? (_kernelIsMultipath ? 1 : 0), findings.Connections);
        }
    }

    /// <summary>A link of the engine with its tap, and with its middlebox where there is one.</summary>
    private ILink Equip(ILink link, int path)
    {
        TappedLink Tap(ILink inner) => new(inner, _capture, $"path{path + 1}");
        if (_wiring.Box is null || path != _wiring.BoxPath)
        {
            return Tap(link);
        }

        Assert.True(MiddleboxCatalog.TryMake(_wiring.Box, seed: 1, out Middlebox? box, out string? expected), expected);
        return _wiring.CapturesBeyondBox
            ? new BoxedLink(Tap(link), box, _wiring.BoxActsOnKernel)
            : Tap(new BoxedLink(link, box, _wiring.BoxActsOnKernel));
    }

    private async Task ReadWhole(byte[] room)
    {
        for (int count = 0; count < room.Length;)
        {
            int read = await Engine.ReadAsync(room.AsMemory(count), Cancel);
            Assert.True(read > 0, $"the stream ended after {count} of {room.Length}");
            count += read;
        }
    }

    // A server that has answered early may not have heard the third ACK yet.
    private Task<(bool FastOpened, bool IsMultipath)> Outcome() => _loop.RunAsync(
        (_, _) => new Attempt<(bool, bool)>(
            Engine.Socket.State != TcpState.SynReceived, (Engine.Socket.FastOpened, Engine.Socket.IsMultipath)),
        Cancel);

    private async Task SendFromEngine(Payload payload)
    {
        for (ReadOnlyMemory<byte> piece = payload.Next(); !piece.IsEmpty; piece = payload.Next())
        {
            await Engine.WriteAsync(piece, Cancel);
        }

        await Engine.CompleteWritesAsync(Cancel);
    }

    private async Task<int> Receive(bool engine, Memory<byte> piece) => engine
        ? await Engine.ReadAsync(piece, Cancel)
        : await _kernel!.ReceiveAsync(piece, Cancel);
}
