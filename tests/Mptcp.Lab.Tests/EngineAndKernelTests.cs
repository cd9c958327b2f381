using System.Net;
using System.Net.Sockets;
using Mptcp.Hosting;
using Mptcp.Stack;
using Mptcp.Wire;

namespace Mptcp.Lab.Tests;

/// <summary>Our engine and the kernel's Multipath TCP over two emulated paths, in both roles and both ways.</summary>
public sealed class EngineAndKernelTests
{
    private const int Port = 5000;
    private const int Size = 20_000_000;
    private const int SmallSize = 5_000_000;

    private static readonly LabOptions _twoEqualPaths = new()
    {
        Paths = [LabPath.Of(50, 10, 125_000), LabPath.Of(50, 10, 125_000)],
    };

    [Theory]
    [InlineData(true, true, false, false)]
    [InlineData(true, false, false, false)]
    [InlineData(false, true, false, false)]
    [InlineData(false, false, false, false)]
    [InlineData(true, true, true, false)]
    [InlineData(true, false, true, false)]
    [InlineData(false, true, true, false)]
    [InlineData(false, false, true, false)]
    [InlineData(true, true, false, true)]
    [InlineData(false, false, false, true)]
    public Task Two_paths_carry_one_stream(bool engineConnects, bool engineSends, bool checksum, bool overIPv6) =>
        Run(_twoEqualPaths with { Checksum = checksum, WithIPv6 = overIPv6 }, engineConnects, async pair =>
        {
            await pair.Transfer(engineSends, Size);
            (bool isMultipath, var subflows) = await pair.Engine.DescribeAsync();
            Assert.True(isMultipath);

            // The address that our server announces brings one more.
            Assert.InRange(subflows.Count, 2, 3);
            bool forward = engineConnects == engineSends;
            foreach (EmulatedPath path in pair.Lab.Emulator.Paths)
            {
                Assert.True((forward ? path.Forward : path.Back).Delivered.Bytes > Size / 4, $"{path.Forward} {path.Back}");
            }

            IReadOnlyDictionary<string, long> counters = KernelMib.Read(pair.KernelPlace);
            Assert.True(counters[engineConnects ? "MPJoinAckRx" : "MPJoinSynAckRx"] >= 1);
            foreach (string refusal in (string[])["MPFailRx", "MPFailTx", "DSSNotMatching", "DataCsumErr", "MPRstRx"])
            {
                Assert.True(counters[refusal] == 0, $"{refusal} {counters[refusal]}");
            }
        });

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public Task A_cut_path_does_not_stop_the_stream(bool engineConnects, bool engineSends) =>
        Run(_twoEqualPaths, engineConnects, async pair =>
        {
            await pair.Transfer(engineSends, SmallSize, bytes => pair.Lab.Emulator.SetBlackHole(0, bytes > SmallSize / 4));
            EmulatedPath cut = pair.Lab.Emulator.Paths[0];
            Assert.True(cut.Forward.BlackHoled.Packets + cut.Back.BlackHoled.Packets > 0);
        });

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public Task A_peer_of_plain_tcp_gets_plain_tcp(bool engineConnects, bool engineSends) => Run(
        _twoEqualPaths,
        engineConnects,
        async pair =>
        {
            await pair.Transfer(engineSends, SmallSize);
            Assert.False((await pair.Engine.DescribeAsync()).IsMultipath);
            Assert.Equal(0, pair.Lab.Emulator.Paths[1].Forward.Offered.Packets);
        },
        multipath: false);

    private static async Task Run(LabOptions options, bool engineConnects, Func<Pair, Task> test, bool multipath = true)
    {
        Assert.SkipWhen(TwoPathLab.Missing is not null, TwoPathLab.Missing ?? "");
        using var lab = new TwoPathLab(options with
        {
            Client = engineConnects ? LabPeer.Engine : LabPeer.Kernel,
            Server = engineConnects ? LabPeer.Kernel : LabPeer.Engine,
        });
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        LabEngineEnd end = (engineConnects ? lab.ClientEngine : lab.ServerEngine)!;
        LocalAddress[] addresses = [.. end.Links.Select(
            (link, i) => new LocalAddress(i, options.WithIPv6 ? link.AddressV6!.Value : link.AddressV4, link.Mtu))];
        var stack = new NetworkStack(new StackOptions(), new SystemEntropy());
        Array.ForEach(addresses, stack.AddAddress);
        using var loop = new StackLoop(stack, [.. end.Links.Select(link => link.Link)], end.Waiter);
        IpAddress server = options.WithIPv6 ? TwoPathLab.ServerAddressV6(0) : TwoPathLab.ServerAddress(0);
        var kernelEnd = new IPEndPoint(server.ToIPAddress(), Port);
        if (engineConnects)
        {
            using Socket listener = KernelSocket.Listen(lab.Server, kernelEnd, multipath);
            Task<Socket> accepting = listener.AcceptAsync(limit.Token).AsTask();
            HostedSocket engine = await HostedSocket.ConnectAsync(
                loop, addresses[0], new IpEndpoint(server, Port), limit.Token);
            using Socket kernel = await accepting;
            await test(new Pair(lab, lab.Server, engine, kernel, limit.Token));
        }
        else
        {
            StackListener listener = await loop.RunAsync(
                (host, _) => new Attempt<StackListener>(true, host.TryListen(Port)!), limit.Token);
            Task<HostedSocket> accepting = HostedSocket.AcceptAsync(loop, listener, limit.Token);
            using Socket kernel = await KernelSocket.ConnectAsync(lab.Client, null, kernelEnd, multipath, limit.Token);
            await test(new Pair(lab, lab.Client, await accepting, kernel, limit.Token));
        }
    }

    private sealed record Pair(
        TwoPathLab Lab, NetworkNamespace KernelPlace, HostedSocket Engine, Socket Kernel, CancellationToken Cancel)
    {
        /// <summary>Sends a stream one way, ends it, and ends the other direction without a byte.</summary>
        public async Task Transfer(bool engineSends, int size, Action<long>? during = null)
        {
            using var payload = new Payload(size);
            using var meter = new StreamMeter();
            Task sending = engineSends ? SendFromEngine(payload) : payload.SendAsync(Kernel, Cancel);
            var piece = new byte[65_536];
            int count;
            while ((count = await Receive(!engineSends, piece)) > 0)
            {
                meter.Add(piece.AsSpan(0, count));
                during?.Invoke(meter.Bytes);
            }

            await sending;
            Assert.Equal(payload.Sha256, meter.Sha256);
            TestContext.Current.TestOutputHelper?.WriteLine(
                $"{meter.MegabitsPerSecond:F1} Mbit/s, longest gap {meter.LongestGap.TotalMilliseconds:F0} ms");
            if (engineSends)
            {
                Kernel.Shutdown(SocketShutdown.Send);
            }
            else
            {
                await Engine.CompleteWritesAsync(Cancel);
            }

            Assert.Equal(0, await Receive(engineSends, piece));
        }

        private async Task<int> Receive(bool byEngine, byte[] piece) => byEngine
            ? await Engine.ReadAsync(piece, Cancel)
            : await Kernel.ReceiveAsync(piece, Cancel);

        private async Task SendFromEngine(Payload payload)
        {
            for (ReadOnlyMemory<byte> piece = payload.Next(); !piece.IsEmpty; piece = payload.Next())
            {
                await Engine.WriteAsync(piece, Cancel);
            }

            await Engine.CompleteWritesAsync(Cancel);
        }
    }
}
