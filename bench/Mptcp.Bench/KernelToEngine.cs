using System.Net;
using System.Net.Sockets;
using Mptcp.Hosting;
using Mptcp.Lab;
using Mptcp.Multipath;
using Mptcp.Stack;

namespace Mptcp.Bench;

/// <summary>The kernel's client sends to our server.</summary>
internal sealed class KernelToEngine(TransferOptions options) : IDriver
{
    private const int Port = 5000;

    public string Name => "kernel-engine";

    public LabPeer Client => LabPeer.Kernel;

    public LabPeer Server => LabPeer.Engine;

    public async Task<SenderCounts> TransferAsync(
        TwoPathLab lab, Payload payload, StreamMeter meter, Action connected, CancellationToken cancellationToken)
    {
        // The kernel's server announces nothing either; the client would have two subflows on the second path.
        MptcpSettings quiet = options.Connection with { AnnounceAddresses = false };
        using EngineHost engine = await EngineHost.StartAsync(lab.ServerEngine!, options with { Connection = quiet });
        StackListener listener = await engine.Loop.RunAsync(
            (stack, _) => new Attempt<StackListener>(true, stack.TryListen(Port)!), cancellationToken);
        Task<HostedSocket> accepting = HostedSocket.AcceptAsync(engine.Loop, listener, cancellationToken);
        using Socket client = await KernelSocket.ConnectAsync(
            lab.Client,
            null,
            new IPEndPoint(TwoPathLab.ServerAddress(0).ToIPAddress(), Port),
            options.Multipath,
            cancellationToken);
        HostedSocket accepted = await accepting;
        connected();
        Task sending = payload.SendAsync(client, cancellationToken);
        await EngineHost.ReceiveAsync(accepted, meter, cancellationToken);
        await sending;
        await accepted.CompleteWritesAsync(cancellationToken);
        return SenderCounts.Of(lab.Client);
    }
}
