using System.Net;
using System.Net.Sockets;
using Mptcp.Hosting;
using Mptcp.Links;
using Mptcp.Stack;
using Mptcp.Wire;

namespace Mptcp;

/// <summary>The links of an engine, its addresses on them, and what has to be undone at the end.</summary>
internal sealed class EnginePaths : IDisposable
{
    private readonly List<ILink> _links = [];
    private volatile IReadOnlyList<LocalAddress> _addresses;
    private readonly List<string> _names = [];
    private readonly HashSet<ushort> _forwarded = [];
    private readonly Lock _gate = new();
    private readonly ViaPathSet? _via;
    private readonly IInterfaceMonitor? _monitor;
    private PcapngFile? _capture;
    private PathFollower? _follower;

    private EnginePaths(ViaPathSet via, IInterfaceMonitor monitor)
    {
        (_via, _monitor) = (via, monitor);
        var addresses = new List<LocalAddress>();
        foreach (ViaPath path in via.Paths)
        {
            _links.Add(path.Tun);
            _names.Add(path.Device);
            addresses.AddRange(path.Addresses.Select(address => ToLocal(_links.Count - 1, path, address)));
        }

        _addresses = addresses;
        Waiter = new PollWaiter([.. via.Paths.Select(path => path.Tun)]);
    }

    private EnginePaths(IReadOnlyList<MptcpPath> paths, ILinkWaiter waiter)
    {
        Waiter = waiter;
        var addresses = new List<LocalAddress>();
        foreach (MptcpPath path in paths)
        {
            int link = _links.IndexOf(path.Link);
            if (link < 0)
            {
                link = _links.Count;
                _links.Add(path.Link);
                _names.Add(path.Name ?? $"path {link}");
            }

            IpAddress? outside = path.Outside is null ? null : IpAddress.From(path.Outside);
            addresses.Add(new LocalAddress(link, IpAddress.From(path.Address), path.Mtu, outside));
        }

        _addresses = addresses;
    }

    /// <summary>The links; an address names one by its place here.</summary>
    public IReadOnlyList<ILink> Links => _links;

    /// <summary>The addresses at the moment.</summary>
    public IReadOnlyList<LocalAddress> Addresses => _addresses;

    /// <summary>What to sleep on.</summary>
    public ILinkWaiter Waiter { get; }

    /// <summary>Why the capture ended before the engine, or null.</summary>
    public string? CaptureFailure => _capture?.Failure?.Message;

    /// <summary>Makes what the options ask for.</summary>
    /// <exception cref="MptcpException">It cannot be made; nothing is left behind.</exception>
    public static EnginePaths Open(MptcpEngineOptions options)
    {
        EnginePaths paths = OpenLinks(options);
        try
        {
            if (options.CaptureFile is { } file)
                paths.Tap(PcapngFile.Create(file));
            return paths;
        }
        catch (LinkException e)
        {
            paths.Dispose();
            throw new MptcpException(e.Message, e);
        }
    }

    /// <summary>An address of a path as the stack has it.</summary>
    public static LocalAddress ToLocal(int link, ViaPath path, ViaAddress address) =>
        new(link, IpAddress.From(address.EngineAddress), path.Mtu, IpAddress.From(address.OutsideAddress));

    /// <summary>From now on the engine follows what becomes of the devices.</summary>
    public void Follow(StackLoop loop)
    {
        if (_via is not null)
            _follower = new PathFollower(_via, _monitor!, loop, _addresses, addresses => _addresses = addresses);
    }

    /// <summary>The engine's loop is about to end.</summary>
    public void Unfollow() => _follower?.Dispose();

    /// <summary>Lets connections to a port in.</summary>
    /// <exception cref="MptcpException">The port is in use.</exception>
    public void Forward(ushort port)
    {
        try
        {
            // It stays forwarded when its listener goes: the stack then answers with a RST, and may listen again.
            lock (_gate)
            {
                if (_via is not null && !_forwarded.Contains(port))
                {
                    _via.ForwardPort(port);
                    _forwarded.Add(port);
                }
            }
        }
        catch (LinkException e)
        {
            throw new MptcpException(e.Message, e);
        }
    }

    /// <summary>An end of ours as peers know it, and the name of its path.</summary>
    public (IPEndPoint EndPoint, string Path) Describe(IpEndpoint local)
    {
        foreach (LocalAddress candidate in _addresses)
        {
            if (candidate.Address == local.Address)
                return (new IPEndPoint(OutsideOf(candidate), local.Port), _names[candidate.Link]);
        }

        return (ToEndPoint(local), "");
    }

    /// <summary>The names of the paths.</summary>
    public IReadOnlyList<string> Names => _names;

    /// <summary>The number of the link of a path, or -1.</summary>
    public int LinkOf(string path) => _names.IndexOf(path);

    /// <summary>The address by which peers know it.</summary>
    public static IPAddress OutsideOf(LocalAddress address) => (address.Outside ?? address.Address).ToIPAddress();

    /// <summary>The framework's form.</summary>
    public static IPEndPoint ToEndPoint(IpEndpoint endpoint) => new(endpoint.Address.ToIPAddress(), endpoint.Port);

    /// <summary>Why an address cannot be a peer, or null. An address that no path leads to would be met with silence.</summary>
    public SocketError? WhyUnreachable(IPAddress address)
    {
        IpAddress peer = IpAddress.From(address);
        return peer.IsUnspecified || peer.IsMulticastOrBroadcast || (peer.IsLoopback && _via is not null)
            ? SocketError.HostUnreachable
            : _addresses.Any(local => local.Address.IsV4 == peer.IsV4) ? null : SocketError.AddressFamilyNotSupported;
    }

    /// <summary>Undoes everything. The loop has ended before.</summary>
    public void Dispose()
    {
        _monitor?.Dispose();
        _via?.Dispose();
        _capture?.Dispose();
    }

    private void Tap(PcapngFile capture)
    {
        _capture = capture;
        for (int i = 0; i < _links.Count; i++)
            _links[i] = new TappedLink(_links[i], capture, _names[i]);
    }

    private static EnginePaths OpenLinks(MptcpEngineOptions options)
    {
        if (options.Paths.Count > 0)
        {
            return new EnginePaths(
                options.Paths, options.Waiter ?? throw new MptcpException("Paths need a Waiter: set both options."));
        }

        IReadOnlyList<string> devices = options.Via.Count > 0 ? options.Via : FindDevices();
        ViaPathSet? via = null;
        try
        {
            via = ViaPathSet.Create(devices, new ViaOptions { StateDirectory = options.StateDirectory });
            return new EnginePaths(via, InterfaceMonitors.Open());
        }
        catch (LinkException e)
        {
            via?.Dispose();
            throw new MptcpException(e.Message, e);
        }
    }

    private static IReadOnlyList<string> FindDevices()
    {
        IReadOnlyList<string> devices = OperatingSystem.IsLinux() ? DefaultRouteDevices.Find() : [];
        return devices.Count > 0
            ? devices
            : throw new MptcpException("No device here has a default route: name the devices to use (--via DEV).");
    }
}
