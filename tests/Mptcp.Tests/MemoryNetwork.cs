using System.Net;
using Mptcp.Links;

namespace Mptcp.Tests;

/// <summary>Two engines joined by cables in memory: 10.1.N.1 and 10.1.N.2 on cable N.</summary>
internal sealed class MemoryNetwork : IAsyncDisposable
{
    private readonly List<MemoryLink> _links = [];

    public MemoryNetwork(int cables = 1, Func<MptcpEngineOptions, MptcpEngineOptions>? adapt = null)
    {
        var (nearWaiter, farWaiter) = (new MemoryWaiter(), new MemoryWaiter());
        var (near, far) = (new List<MptcpPath>(), new List<MptcpPath>());
        for (int i = 0; i < cables; i++)
        {
            (MemoryLink nearEnd, MemoryLink farEnd) = MemoryLink.CreatePair(nearWaiter, farWaiter);
            _links.AddRange([nearEnd, farEnd]);
            near.Add(new MptcpPath(nearEnd, IPAddress.Parse($"10.1.{i}.1")));
            far.Add(new MptcpPath(farEnd, IPAddress.Parse($"10.1.{i}.2")));
        }

        adapt ??= options => options;
        Client = MptcpEngine.Create(adapt(new MptcpEngineOptions { Paths = near, Waiter = nearWaiter }));
        Server = MptcpEngine.Create(adapt(new MptcpEngineOptions { Paths = far, Waiter = farWaiter }));
    }

    public MptcpEngine Client { get; }

    public MptcpEngine Server { get; }

    public static IPEndPoint ServerAt(int port, int cable = 0) => new(IPAddress.Parse($"10.1.{cable}.2"), port);

    /// <summary>Cuts the cable: what is sent from now on vanishes.</summary>
    public void Cut(int cable) => _links[2 * cable].Up = _links[2 * cable + 1].Up = false;

    public async Task<(MptcpStream Client, MptcpStream Server)> ConnectAsync(int port, CancellationToken cancel)
    {
        await using MptcpListener listener = await Server.ListenAsync(port, cancellationToken: cancel);
        Task<MptcpStream> accepting = listener.AcceptAsync(cancel);
        MptcpStream client = await Client.ConnectAsync(ServerAt(port), cancel);
        return (client, await accepting);
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Server.DisposeAsync();
    }
}
