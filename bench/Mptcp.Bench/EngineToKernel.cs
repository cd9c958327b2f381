using System.Net;
using System.Net.Sockets;
using Mptcp.Hosting;
using Mptcp.Lab;
using Mptcp.Wire;

namespace Mptcp.Bench;

/// <summary>Our client sends to the kernel's server.</summary>
internal sealed class EngineToKernel : IDriver
{
    private const int Port = 5000;

    public string Name => "engine-kernel";

    public LabPeer Client => LabPeer.Engine;

    public LabPeer Server => LabPeer.Kernel;

    public async Task TransferAsync(
        TwoPathLab lab, Payload payload, StreamMeter meter, Action connected, CancellationToken cancellationToken)
    {
        IpAddress server = TwoPathLab.ServerAddress(0);
        using var engine = new EngineHost(lab.ClientEngine!);
        using Socket listener = KernelSocket.Listen(lab.Server, new IPEndPoint(server.ToIPAddress(), Port));
        Task<Socket> accepting = listener.AcceptAsync(cancellationToken).AsTask();
        HostedSocket client = await HostedSocket.ConnectAsync(
            engine.Loop, engine.Addresses[0], new IpEndpoint(server, Port), cancellationToken);
        using Socket accepted = await accepting;
        connected();
        Task sending = EngineHost.SendAsync(client, payload, cancellationToken);
        await meter.ReceiveAsync(accepted, cancellationToken);
        await sending;
    }
}
