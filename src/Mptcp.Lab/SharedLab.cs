using Mptcp.Links;
using Mptcp.Wire;

namespace Mptcp.Lab;

/// <summary>
/// Two clients, the kernel in a namespace and an engine of ours, and one server, the kernel in another, joined by a single
/// emulated path: whatever they send shares its bottleneck. Each client has two addresses. Linux and root. Leaves nothing behind.
/// </summary>
public sealed class SharedLab : IDisposable
{
    private const int Prefix = 24;

    /// <summary>Builds it.</summary>
    /// <param name="path">The path: forward is from the clients to the server.</param>
    /// <param name="congestionControl">The kernels' congestion control.</param>
    /// <param name="seed">Decides about losses.</param>
    /// <exception cref="LabException">The machine refuses a step.</exception>
    /// <exception cref="LinkException">The machine refuses a TUN.</exception>
    public SharedLab(LabPath path, string congestionControl, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(path);
        var options = new LabOptions { Paths = [path], CongestionControl = congestionControl, Seed = seed };
        EmulatorLink[] links = [new(), new()];
        PathEnd? clients = null;
        PathEnd? server = null;
        Client = new NetworkNamespace();
        try
        {
            Server = new NetworkNamespace();
            (IpAddress, EmulatorLink)[] addressed = [.. links.Select((link, i) => (EngineAddress(i), link))];
            clients = new SharedPathEnd(Open(Client, options, KernelAddress(0), KernelAddress(1)), addressed);
            server = Open(Server, options, ServerAddress);
            Client.Ip($"mptcp endpoint add {KernelAddress(1)} dev {KernelHost.Device(0)} subflow");
            Emulator = new PathEmulator([new EmulatedPath(clients, server, path.Forward, path.Back, seed)]);
            Engine = new LabEngineEnd(
                [.. links.Select((link, i) => new LabLink(link, EngineAddress(i), null, options.Mtu))], new EmulatorLinkWaiter(links));
        }
        catch
        {
            clients?.Dispose();
            server?.Dispose();
            Server?.Dispose();
            Client.Dispose();
            throw;
        }
    }

    /// <summary>The server's address.</summary>
    public static IpAddress ServerAddress => IpAddress.Parse("10.1.1.100");

    /// <summary>The path.</summary>
    public PathEmulator Emulator { get; }

    /// <summary>The kernel that connects; its connections over Multipath TCP open a second subflow.</summary>
    public NetworkNamespace Client { get; }

    /// <summary>The kernel that listens.</summary>
    public NetworkNamespace Server { get; }

    /// <summary>What the engine runs on.</summary>
    public LabEngineEnd Engine { get; }

    /// <summary>An address of the kernel's client, 0 or 1.</summary>
    public static IpAddress KernelAddress(int index) => IpAddress.Parse($"10.1.1.{index + 1}");

    /// <summary>An address of the engine, 0 or 1.</summary>
    public static IpAddress EngineAddress(int index) => IpAddress.Parse($"10.1.1.{index + 11}");

    /// <summary>Stops the emulator, and ends the devices and the namespaces. The engine's loop is disposed before.</summary>
    public void Dispose()
    {
        Emulator.Dispose();
        Client.Dispose();
        Server.Dispose();
    }

    private static TunPathEnd Open(NetworkNamespace place, LabOptions options, params IpAddress[] addresses)
    {
        KernelHost.Prepare(place, options);
        var end = new TunPathEnd(place.Run(() => TunDevice.Open(KernelHost.Device(0))));
        foreach (IpAddress address in addresses)
        {
            KernelHost.AddPath(place, 0, address, Prefix, options.Mtu);
        }

        return end;
    }
}
