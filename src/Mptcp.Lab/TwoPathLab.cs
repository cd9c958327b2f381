using Mptcp.Links;
using Mptcp.Wire;

namespace Mptcp.Lab;

/// <summary>
/// A client and a server joined by emulated paths, two as a rule; each is the kernel in a namespace of its own, or an
/// engine of ours. Path P, counted from 1, joins 10.1.P.1 with 10.1.P.2 and fd00:P::1 with fd00:P::2; a kernel sees it as
/// the device <c>pathP</c>. Linux and root. Leaves nothing behind.
/// </summary>
public sealed class TwoPathLab : IDisposable
{
    private readonly LabOptions _options;
    private readonly NetworkNamespace? _client;
    private readonly NetworkNamespace? _server;

    /// <summary>Builds it.</summary>
    /// <exception cref="LabException">The machine refuses a step.</exception>
    /// <exception cref="LinkException">The machine refuses a TUN.</exception>
    public TwoPathLab(LabOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        var paths = new List<EmulatedPath>();
        PathEnd[] clientEnds = [];
        PathEnd[] serverEnds = [];
        try
        {
            (_client, clientEnds, ClientEngine) = Build(options.Client, begins: true, ClientAddress, ClientAddressV6);
            (_server, serverEnds, ServerEngine) = Build(options.Server, begins: false, ServerAddress, ServerAddressV6);
            for (int i = 0; i < options.Paths.Count; i++)
            {
                LabPath path = options.Paths[i];
                paths.Add(new EmulatedPath(clientEnds[i], serverEnds[i], path.Forward, path.Back, options.Seed + (ulong)i));
            }

            Emulator = new PathEmulator(paths);
        }
        catch
        {
            Array.ForEach([.. clientEnds, .. serverEnds], end => end.Dispose());
            _client?.Dispose();
            _server?.Dispose();
            throw;
        }
    }

    /// <summary>The paths: forward is from the client to the server.</summary>
    public PathEmulator Emulator { get; }

    /// <summary>The client's namespace.</summary>
    /// <exception cref="InvalidOperationException">The client is an engine.</exception>
    public NetworkNamespace Client => _client ?? throw new InvalidOperationException("The client is an engine.");

    /// <summary>The server's namespace.</summary>
    /// <exception cref="InvalidOperationException">The server is an engine.</exception>
    public NetworkNamespace Server => _server ?? throw new InvalidOperationException("The server is an engine.");

    /// <summary>What the client's engine runs on; null when the client is the kernel.</summary>
    public LabEngineEnd? ClientEngine { get; }

    /// <summary>What the server's engine runs on; null when the server is the kernel.</summary>
    public LabEngineEnd? ServerEngine { get; }

    /// <summary>Why there can be no laboratory here, in one line that begins with "needs"; null when there can.</summary>
    public static string? Missing =>
        !OperatingSystem.IsLinux() ? "needs Linux"
        : !Environment.IsPrivilegedProcess ? "needs root for network namespaces"
        : !File.Exists("/dev/net/tun") ? "needs /dev/net/tun"
        : !File.Exists("/proc/sys/net/mptcp/enabled") ? "needs a kernel with Multipath TCP"
        : null;

    /// <summary>The client's IPv4 address on a path, counted from 0.</summary>
    public static IpAddress ClientAddress(int path) => IpAddress.Parse($"10.1.{path + 1}.1");

    /// <summary>The server's IPv4 address on a path, counted from 0.</summary>
    public static IpAddress ServerAddress(int path) => IpAddress.Parse($"10.1.{path + 1}.2");

    /// <summary>The client's IPv6 address on a path, counted from 0.</summary>
    public static IpAddress ClientAddressV6(int path) => IpAddress.Parse($"fd00:{path + 1}::1");

    /// <summary>The server's IPv6 address on a path, counted from 0.</summary>
    public static IpAddress ServerAddressV6(int path) => IpAddress.Parse($"fd00:{path + 1}::2");

    /// <summary>Stops the emulator, and ends the devices and the namespaces. An engine's loop is disposed before.</summary>
    public void Dispose()
    {
        Emulator.Dispose();
        _client?.Dispose();
        _server?.Dispose();
    }

    private (NetworkNamespace? Place, PathEnd[] Ends, LabEngineEnd? Engine) Build(
        LabPeer peer, bool begins, Func<int, IpAddress> address, Func<int, IpAddress> addressV6)
    {
        var ends = new PathEnd[_options.Paths.Count];
        if (peer == LabPeer.Engine)
        {
            EmulatorLink[] links = [.. ends.Select(_ => new EmulatorLink())];
            links.CopyTo(ends, 0);
            LabLink[] described = [.. links.Select(
                (link, i) => new LabLink(link, address(i), _options.WithIPv6 ? addressV6(i) : null, _options.Mtu))];
            return (null, ends, new LabEngineEnd(described, new EmulatorLinkWaiter(links)));
        }

        var place = new NetworkNamespace();
        try
        {
            KernelHost.Prepare(place, _options);
            for (int i = 0; i < ends.Length; i++)
            {
                ends[i] = new TunPathEnd(place.Run(() => TunDevice.Open(KernelHost.Device(i))));
                KernelHost.AddPath(place, i, address(i), prefix: 24, _options.Mtu);
                if (_options.WithIPv6)
                {
                    KernelHost.AddPath(place, i, addressV6(i), prefix: 64, _options.Mtu);
                }

                if (begins)
                {
                    KernelHost.AddSubflowEndpoint(place, i, address(i));
                    if (_options.WithIPv6)
                    {
                        KernelHost.AddSubflowEndpoint(place, i, addressV6(i));
                    }
                }
            }

            return (place, ends, null);
        }
        catch
        {
            place.Dispose();
            Array.ForEach(ends, end => end?.Dispose());
            throw;
        }
    }
}
