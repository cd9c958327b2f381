using Mptcp.Hosting;
using Mptcp.Lab;
using Mptcp.Stack;

namespace Mptcp.Bench;

/// <summary>An engine on the links that a laboratory gives it.</summary>
internal sealed class EngineHost : IDisposable
{
    private const int PieceSize = 65_536;

    private EngineHost(LabEngineEnd end, TransferOptions options)
    {
        var stack = new NetworkStack(
            new StackOptions { CongestionControl = options.CongestionControl, Connection = options.Connection }, new SystemEntropy());
        Addresses = [.. end.Links.Select((link, i) => new LocalAddress(i, link.AddressV4, link.Mtu))];
        foreach (LocalAddress address in Addresses)
        {
            stack.AddAddress(address);
        }

        Loop = new StackLoop(stack, [.. end.Links.Select(link => link.Link)], end.Waiter);
    }

    public IReadOnlyList<LocalAddress> Addresses { get; }

    public StackLoop Loop { get; }

    public static async Task<EngineHost> StartAsync(LabEngineEnd end, TransferOptions options)
    {
        var host = new EngineHost(end, options);
        if (options.RealTime)
        {
            // Operations run on the loop's own thread.
            await host.Loop.RunAsync((_, _) =>
            {
                RealTimeThread.Enter();
                return new Attempt<bool>(true, true);
            });
        }

        return host;
    }

    public static async Task SendAsync(HostedSocket socket, Payload payload, CancellationToken cancellationToken)
    {
        for (ReadOnlyMemory<byte> piece = payload.Next(); !piece.IsEmpty; piece = payload.Next())
        {
            await socket.WriteAsync(piece, cancellationToken);
        }

        await socket.CompleteWritesAsync(cancellationToken);
    }

    public static async Task ReceiveAsync(HostedSocket socket, StreamMeter meter, CancellationToken cancellationToken)
    {
        var piece = new byte[PieceSize];
        int count;
        while ((count = await socket.ReadAsync(piece, cancellationToken)) > 0)
        {
            meter.Add(piece.AsSpan(0, count));
        }
    }

    public void Dispose() => Loop.Dispose();
}
