using System.Net.Sockets;
using System.Security.Cryptography;
using Mptcp.Lab;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Interop.Tests;

/// <content>What is exchanged in other ways than as one stream from end to end.</content>
internal sealed partial class Peers
{
    private const int PollMilliseconds = 20;

    /// <summary>The kernel's socket.</summary>
    public Socket Kernel => _kernel!;

    /// <summary>Connects from the end that the laboratory has as its client.</summary>
    public Task Connect() => _engineIsClient ? ConnectFromEngine() : ConnectFromKernel();

    /// <summary>A stream each way at the same time.</summary>
    public async Task TransferBothWays(long size)
    {
        using var up = new Payload(size, seed: 1);
        using var down = new Payload(size, seed: 2);
        Task<string> atKernel = Hash(engine: false);
        Task<string> atEngine = Hash(engine: true);
        await Task.WhenAll(SendFromEngine(up), down.SendAsync(_kernel!, Cancel), atKernel, atEngine);
        Assert.Equal((up.Sha256, down.Sha256), (await atKernel, await atEngine));
        _transferred = true;
    }

    /// <summary>One end closes its direction before anything is sent; the other then sends its stream.</summary>
    public async Task TransferHalfClosed(bool engineSends, long size)
    {
        var piece = new byte[1];
        if (engineSends)
        {
            _kernel!.Shutdown(SocketShutdown.Send);
        }
        else
        {
            await Engine.CompleteWritesAsync(Cancel);
        }

        Assert.Equal(0, await Receive(engineSends, piece));
        using var payload = new Payload(size);
        Task sending = engineSends ? SendFromEngine(payload) : payload.SendAsync(_kernel!, Cancel);
        string received = await Hash(!engineSends);
        await sending;
        Assert.Equal(payload.Sha256, received);
        _transferred = true;
    }

    /// <summary>A stream of writes of 1 to 300 bytes, each of which may leave by itself.</summary>
    public async Task TransferInSmallWrites(bool engineSends, int writes)
    {
        using var payload = new Payload(long.MaxValue);
        using var sent = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Task<string> receiving = Hash(!engineSends);
        _kernel!.NoDelay = true;
        for (int i = 0; i < writes; i++)
        {
            ReadOnlyMemory<byte> piece = payload.Next()[..(1 + (i * 7 % 300))];
            sent.AppendData(piece.Span);
            if (engineSends)
            {
                await Engine.WriteAsync(piece, Cancel);
            }
            else
            {
                Assert.Equal(piece.Length, await _kernel.SendAsync(piece, Cancel));
            }
        }

        await EndWrites(engineSends);
        Assert.Equal(Convert.ToHexString(sent.GetCurrentHash()), await receiving);
        await EndWrites(!engineSends);
        Assert.Equal(0, await Receive(engineSends, new byte[1]));
        _transferred = true;
    }

    /// <summary>Some bytes one way, of which at least <paramref name="size"/> are read; the streams stay open.</summary>
    public async Task Begin(bool engineSends, int size, int unread = 0)
    {
        using var payload = new Payload(size + unread);
        using var sent = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var received = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var all = new List<byte>();
        for (ReadOnlyMemory<byte> piece = payload.Next(); !piece.IsEmpty; piece = payload.Next())
        {
            all.AddRange(piece.Span);
        }

        byte[] bytes = [.. all];
        Task sending = engineSends ? Engine.WriteAsync(bytes, Cancel) : _kernel!.SendAsync(bytes, Cancel).AsTask();
        sent.AppendData(bytes, 0, size);
        var room = new byte[size];
        for (int count = 0; count < size;)
        {
            int more = await Receive(!engineSends, room.AsMemory(count));
            Assert.True(more > 0, $"the stream ended after {count} of {size}");
            count += more;
        }

        await sending;
        received.AppendData(room);
        Assert.Equal(Convert.ToHexString(sent.GetCurrentHash()), Convert.ToHexString(received.GetCurrentHash()));
        _transferred = true;
    }

    /// <summary>A stream that a middlebox changes: one byte is inverted after each <paramref name="period"/>.</summary>
    public async Task TransferChanged(bool engineSends, int size, int period)
    {
        using var payload = new Payload(size);
        using var expected = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var twin = new Payload(size);
        long offset = 0;
        for (ReadOnlyMemory<byte> piece = twin.Next(); !piece.IsEmpty; piece = twin.Next())
        {
            byte[] bytes = piece.ToArray();
            for (int i = 0; i < bytes.Length; i++, offset++)
            {
                bytes[i] = offset > 0 && offset % period == 0 ? (byte)~bytes[i] : bytes[i];
            }

            expected.AppendData(bytes);
        }

        Task sending = engineSends ? SendFromEngine(payload) : payload.SendAsync(_kernel!, Cancel);
        string received = await Hash(!engineSends);
        await sending;
        await EndWrites(!engineSends);
        Assert.Equal(0, await Receive(engineSends, new byte[1]));
        Assert.Equal(Convert.ToHexString(expected.GetCurrentHash()), received);
        _transferred = true;
    }

    /// <summary>Waits until something is so; the test's own limit ends a wait in vain.</summary>
    public async Task Until(Func<Task<bool>> isSo)
    {
        while (!await isSo())
        {
            await Task.Delay(PollMilliseconds, Cancel);
        }
    }

    /// <summary>Waits until the engine has so many established subflows.</summary>
    public Task UntilSubflows(int alive) => Until(async () => alive ==
        (await Engine.DescribeAsync()).Subflows.Count(subflow => subflow.State == Tcp.TcpState.Established));

    /// <summary>A kernel that connects opens two further subflows where our listener announces its second address.</summary>
    public Task UntilJoined() => Until(async () =>
        (await Engine.DescribeAsync()).Subflows.Count(subflow => subflow.State == Tcp.TcpState.Established) >= 2);

    /// <summary>The kernel counts each of these, also if a little later.</summary>
    public async Task AssertCounted(params string[] names)
    {
        var limit = System.Diagnostics.Stopwatch.StartNew();
        await Until(() => Task.FromResult(
            names.All(name => KernelCounters[name] > 0) || limit.Elapsed > TimeSpan.FromSeconds(5)));
        string all = Describe(KernelCounters);
        Assert.All(names, name => Assert.True(KernelCounters[name] > 0, $"{name}: {all}"));
        TestContext.Current.TestOutputHelper?.WriteLine(all);
    }

    /// <summary>The kernel counts none of these.</summary>
    public void AssertNotCounted(params string[] names)
    {
        IReadOnlyDictionary<string, long> counters = KernelCounters;
        Assert.All(names, name => Assert.True(counters[name] == 0, $"{name}: {Describe(counters)}"));
    }

    /// <summary>The kernel saw neither a fallback nor a mapping or a checksum that is wrong.</summary>
    public void AssertNoFallback()
    {
        string[] faults = [.. KernelCounters.Keys.Where(name => name.Contains("Fallback", StringComparison.Ordinal))];
        AssertNotCounted([.. faults, "MPFailRx", "MPFailTx", "DSSNotMatching", "DataCsumErr", "InfiniteMapRx", "InfiniteMapTx"]);
    }

    /// <summary>The identifier of one of the kernel's endpoints.</summary>
    public string KernelEndpoint(IpAddress address)
    {
        string[] known = KernelPlace.Ip("mptcp endpoint show").Split('\n');
        string[] words = Array.Find(known, line => line.StartsWith(address + " ", StringComparison.Ordinal))!.Split(' ');
        return words[Array.IndexOf(words, "id") + 1];
    }

    private static string Describe(IReadOnlyDictionary<string, long> counters) =>
        string.Join(", ", counters.Where(counter => counter.Value != 0).Select(counter => $"{counter.Key} {counter.Value}"));

    /// <summary>A SYN from an address where nobody is: it takes a place among the half-open ones.</summary>
    private Task<bool> HalfOpen(IpAddress from)
    {
        var packet = new byte[TcpPacket.PayloadOffset(isV4: true, optionsLength: 0)];
        TcpPacket.Write(
            packet,
            new TcpHeaderFields
            {
                Source = new IpEndpoint(from, 4711),
                Destination = new IpEndpoint(ServerAddress, Port),
                SequenceNumber = 1,
                Flags = TcpFlags.Syn,
                Window = ushort.MaxValue,
            },
            [],
            payloadLength: 0);
        return _loop.RunAsync(
            (stack, now) =>
            {
                stack.HandlePacket(now, 0, packet);
                Assert.Equal(1, stack.Connections);
                return new Hosting.Attempt<bool>(true, true);
            },
            Cancel);
    }

    private async Task EndWrites(bool engine)
    {
        if (engine)
        {
            await Engine.CompleteWritesAsync(Cancel);
        }
        else
        {
            _kernel!.Shutdown(SocketShutdown.Send);
        }
    }

    private async Task<string> Hash(bool engine)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var piece = new byte[262_144];
        while (await Receive(engine, piece) is > 0 and int count)
        {
            hash.AppendData(piece, 0, count);
        }

        return Convert.ToHexString(hash.GetCurrentHash());
    }
}
