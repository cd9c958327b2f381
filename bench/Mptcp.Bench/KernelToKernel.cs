using System.Net;
using System.Net.Sockets;
using Mptcp.Lab;

namespace Mptcp.Bench;

/// <summary>The yardstick: the kernel at both ends.</summary>
internal sealed class KernelToKernel(TransferOptions options) : IDriver
{
    private const int Port = 5000;

    public string Name => "kernel-kernel";

    public LabPeer Client => LabPeer.Kernel;

    public LabPeer Server => LabPeer.Kernel;

    public async Task<SenderCounts> TransferAsync(
        TwoPathLab lab, Payload payload, StreamMeter meter, Action connected, CancellationToken cancellationToken)
    {
        var server = new IPEndPoint(TwoPathLab.ServerAddress(0).ToIPAddress(), Port);
        using Socket listener = KernelSocket.Listen(lab.Server, server, options.Multipath);
        Task<Socket> accepting = listener.AcceptAsync(cancellationToken).AsTask();
        using Socket client = await KernelSocket.ConnectAsync(
            lab.Client, null, server, options.Multipath, cancellationToken);
        using Socket accepted = await accepting;
        connected();
        Task sending = payload.SendAsync(client, cancellationToken);
        await meter.ReceiveAsync(accepted, cancellationToken);
        await sending;
        return SenderCounts.Of(lab.Client);
    }
}
