using System.Net;
using System.Net.Sockets;
using Mptcp.Hosting;
using Mptcp.Lab;
using Mptcp.Multipath;
using Mptcp.Wire;

namespace Mptcp.Bench;

/// <summary>Our client sends to the kernel's server.</summary>
internal sealed class EngineToKernel(TransferOptions options) : IDriver
{
    private const int Port = 5000;

    public string Name => "engine-kernel";

    public LabPeer Client => LabPeer.Engine;

    public LabPeer Server => LabPeer.Kernel;

    public async Task<SenderCounts> TransferAsync(
        TwoPathLab lab, Payload payload, StreamMeter meter, Action connected, CancellationToken cancellationToken)
    {
        IpAddress server = TwoPathLab.ServerAddress(0);
        using EngineHost engine = await EngineHost.StartAsync(lab.ClientEngine!, options);
        using Socket listener = KernelSocket.Listen(
            lab.Server, new IPEndPoint(server.ToIPAddress(), Port), options.Multipath);
        Task<Socket> accepting = listener.AcceptAsync(cancellationToken).AsTask();
        HostedSocket client = await HostedSocket.ConnectAsync(
            engine.Loop, engine.Addresses[0], new IpEndpoint(server, Port), cancellationToken);
        using Socket accepted = await accepting;
        connected();
        Task sending = EngineHost.SendAsync(client, payload, cancellationToken);
        await meter.ReceiveAsync(accepted, cancellationToken);
        await sending;
        (bool multipath, List<SubflowInfo> subflows) = await client.DescribeAsync();
        return multipath == options.Multipath
            ? new SenderCounts(subflows.Sum(subflow => subflow.Retransmissions), subflows.Sum(subflow => subflow.Timeouts))
            : throw new InvalidOperationException($"Multipath TCP is {(multipath ? "" : "not ")}in use.");
    }
}
