using System.Net;
using System.Net.Sockets;
using Mptcp.Lab;

namespace Mptcp.Bench;

/// <summary>The yardstick: the kernel's Multipath TCP at both ends.</summary>
internal sealed class KernelToKernel : IDriver
{
    private const int Port = 5000;

    public string Name => "kernel-kernel";

    public LabPeer Client => LabPeer.Kernel;

    public LabPeer Server => LabPeer.Kernel;

    public async Task TransferAsync(
        TwoPathLab lab, Payload payload, StreamMeter meter, Action connected, CancellationToken cancellationToken)
    {
        var server = new IPEndPoint(TwoPathLab.ServerAddress(0).ToIPAddress(), Port);
        using Socket listener = KernelSocket.Listen(lab.Server, server);
        Task<Socket> accepting = listener.AcceptAsync(cancellationToken).AsTask();
        using Socket client = await KernelSocket.ConnectAsync(lab.Client, null, server, cancellationToken: cancellationToken);
        using Socket accepted = await accepting;
        connected();
        Task sending = payload.SendAsync(client, cancellationToken);
        await meter.ReceiveAsync(accepted, cancellationToken);
        await sending;
    }
}
