using System.Diagnostics;
using Mptcp.Hosting;
using Mptcp.Simulation;
using Mptcp.Stack;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Lab.Tests;

/// <summary>Paths without devices: two engines, or bare packets.</summary>
public sealed class EmulatorLinkTests
{
    [Fact]
    public void A_packet_is_never_early()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs Linux");
        using var first = new EmulatorLink();
        using var second = new EmulatorLink();
        using var emulator = Join(first, second, PathOptions.Of(12, 20, 100_000));
        using var waiter = new EmulatorLinkWaiter([second]);
        long start = Stopwatch.GetTimestamp();
        Assert.Equal(1500, first.TryWrite(new byte[1500]));
        var buffer = new byte[2000];
        int length;
        while ((length = second.TryRead(buffer)) < 1)
        {
            waiter.Wait(Instant.Second);
        }

        Assert.Equal(1500, length);
        Assert.True(Stopwatch.GetElapsedTime(start) >= TimeSpan.FromMilliseconds(21));
        Assert.Equal(new Tally(1, 1500), emulator.Paths[0].Forward.Delivered);
    }

    [Fact]
    public async Task Two_engines_talk_over_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs Linux");
        const int Size = 5_000_000;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var here = new EmulatorLink();
        using var there = new EmulatorLink();
        using var emulator = Join(here, there, PathOptions.Of(50, 5, 125_000));
        using StackLoop client = Loop(here, "10.0.0.1", out LocalAddress local);
        using StackLoop server = Loop(there, "10.0.0.2", out LocalAddress remote);
        StackListener listener = await server.RunAsync(
            (stack, _) => new Attempt<StackListener>(true, stack.TryListen(80)!), limit.Token);
        Task<HostedSocket> connecting = HostedSocket.ConnectAsync(client, local, new IpEndpoint(remote.Address, 80), limit.Token);
        HostedSocket accepted = await HostedSocket.AcceptAsync(server, listener, limit.Token);
        HostedSocket connected = await connecting;

        using var payload = new Payload(Size);
        using var meter = new StreamMeter();
        Task sending = Send(connected, payload, limit.Token);
        var piece = new byte[65_536];
        int count;
        while ((count = await accepted.ReadAsync(piece, limit.Token)) > 0)
        {
            meter.Add(piece.AsSpan(0, count));
        }

        await sending;
        Assert.Equal(payload.Sha256, meter.Sha256);
        Assert.Equal(0, emulator.Paths[0].Refused);
    }

    private static async Task Send(HostedSocket socket, Payload payload, CancellationToken cancel)
    {
        for (ReadOnlyMemory<byte> piece = payload.Next(); !piece.IsEmpty; piece = payload.Next())
        {
            await socket.WriteAsync(piece, cancel);
        }

        await socket.CompleteWritesAsync(cancel);
    }

    private static StackLoop Loop(EmulatorLink link, string address, out LocalAddress local)
    {
        local = new LocalAddress(0, IpAddress.Parse(address), 1500);
        var stack = new NetworkStack(new StackOptions(), new SystemEntropy());
        stack.AddAddress(local);
        return new StackLoop(stack, [link], new EmulatorLinkWaiter([link]));
    }

    private static PathEmulator Join(EmulatorLink first, EmulatorLink second, PathOptions both) =>
        new([new EmulatedPath(first, second, both, both, 1)]);
}
