using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Mptcp.Links;

/// <summary>
/// The engine's paths through outside devices (<c>--via DEV</c>): one TUN per device, a private address on it, a
/// routing rule by that address, and NAT out of the device; for a listener, TCP ports forwarded in by incoming device.
/// </summary>
/// <remarks>
/// <para>
/// Everything happens on the calling thread and in its network namespace, and is removed by <see cref="Dispose"/>, which
/// may run on any thread, and when the process exits. What a killed process left behind is removed by the next
/// <see cref="Create"/> in the same namespace, by the records in <see cref="ViaOptions.StateDirectory"/>.
/// </para>
/// <para>
/// A firewall of the host that drops forwarded packets drops these too: a rule of ours cannot overrule another table's.
/// </para>
/// </remarks>
public sealed class ViaPathSet : IDisposable
{
    private static int _sequence;

    private readonly Lock _gate = new();
    private readonly ViaSystem _system;
    private readonly ViaOptions _options;
    private readonly ViaRecord _record;
    private readonly NetworkNamespaceHandle _namespace;
    private readonly List<ViaPath> _paths = [];
    private readonly List<Socket> _reservations = [];
    private readonly List<PosixSignalRegistration> _signals = [];
    private string? _recordFile;
    private bool _disposed;

    private ViaPathSet(ViaSystem system, ViaOptions options, ViaRecord record, NetworkNamespaceHandle @namespace)
    {
        _system = system;
        _options = options;
        _record = record;
        _namespace = @namespace;
    }

    /// <summary>The paths, in the order of the devices.</summary>
    public IReadOnlyList<ViaPath> Paths => _paths;

    /// <summary>Sets one path up per device, after it removed what dead owners left in this namespace.</summary>
    /// <param name="devices">Names of outside devices, each once.</param>
    /// <param name="options">Ports to forward in, and where records are kept.</param>
    /// <exception cref="LinkException">
    /// A device is unknown, down or without address, a port is in use, or rights or tools are missing; nothing is left
    /// behind.
    /// </exception>
    public static ViaPathSet Create(IReadOnlyList<string> devices, ViaOptions options)
    {
        ArgumentNullException.ThrowIfNull(devices);
        ArgumentNullException.ThrowIfNull(options);
        if (devices.Count == 0)
            throw new LinkException("No device is named: give --via DEV at least once.");
        if (devices.Distinct().Count() != devices.Count)
            throw new LinkException("A device is named twice: give --via DEV once per device.");

        var system = ViaSystem.Require();
        using var state = ViaStateDirectory.Open(options.StateDirectory);
        NetworkNamespaceHandle @namespace = NetworkNamespaceHandle.OfCurrentThread();
        try
        {
            IReadOnlyList<ViaRecord> others = Reclaim(system, state, @namespace.Identity);
            NetworkSnapshot snapshot = system.TakeSnapshot();
            IReadOnlyList<ViaPlannedPath> plan = new ViaPlanner(snapshot, others).Plan(devices);
            var record = new ViaRecord
            {
                Owner = ProcessIdentity.Current,
                Namespace = @namespace.Identity,
                NftTable = $"mptcp_{Environment.ProcessId}_{Interlocked.Increment(ref _sequence)}",
                Paths = [.. plan.Select(p => p.Record)],
            };
            var set = new ViaPathSet(system, options, record, @namespace);
            set.SetUp(state, plan, snapshot, others);
            return set;
        }
        catch
        {
            @namespace.Dispose();
            throw;
        }
    }

    /// <summary>Removes what dead owners left in the calling thread's network namespace.</summary>
    /// <exception cref="LinkException">Rights or tools are missing.</exception>
    public static void RemoveLeftOvers(ViaOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var system = ViaSystem.Require();
        using var state = ViaStateDirectory.Open(options.StateDirectory);
        Reclaim(system, state, NetworkNamespaceIdentity.OfCurrentThread());
    }

    /// <summary>
    /// Forwards a TCP port in, from every device to the engine's address there, whatever local address is targeted;
    /// replies leave by the device that the connection came in by.
    /// </summary>
    /// <exception cref="LinkException">The port is in use.</exception>
    public void ForwardPort(ushort port)
    {
        ArgumentOutOfRangeException.ThrowIfZero(port);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _namespace.Run(() =>
            {
                ReservePort(port, _paths.Select(p => (p.Device, p.Addresses)));
                _system.ForwardPort(_record, port);
            });
        }
    }

    /// <summary>
    /// Looks at a path's device again: its addresses now, and its routes, which the kernel forgets while it is down. Addresses of
    /// a family that it did not have at the start are not used.
    /// </summary>
    /// <returns>The addresses of the path; empty while the device has none, or is gone.</returns>
    /// <exception cref="LinkException">The tools fail.</exception>
    public IReadOnlyList<ViaAddress> Refresh(ViaPath path)
    {
        ArgumentNullException.ThrowIfNull(path);
        IReadOnlyList<ViaAddress> addresses = [];
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _namespace.Run(() =>
            {
                NetworkSnapshot snapshot = _system.TakeSnapshot();
                ViaPathRecord record = _record.Paths.First(entry => entry.Device == path.Device);
                if (snapshot.Devices.TryGetValue(path.Device, out DeviceInfo? device) && device.Up)
                {
                    addresses = ViaPlanner.OutsideNow(device, path.Addresses);
                    _system.RestoreRoutes(new ViaPlannedPath(record, device, addresses), snapshot);
                }
            });
        }

        return addresses;
    }

    /// <summary>
    /// Removes everything and closes the TUNs; end whatever reads and writes them before. Does not throw: what cannot
    /// be removed stays recorded, and the next start removes it.
    /// </summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            UnregisterEnds();
            try
            {
                _namespace.Run(() =>
                {
                    using var state = ViaStateDirectory.Open(_options.StateDirectory);
                    Remove(OthersIn(state, _namespace.Identity));
                });
            }
            catch (Exception e) when (e is LinkException or IOException or UnauthorizedAccessException)
            {
                // The record is still there.
            }
            _namespace.Dispose();
        }
    }

    private void SetUp(
        ViaStateDirectory state,
        IReadOnlyList<ViaPlannedPath> plan,
        NetworkSnapshot snapshot,
        IReadOnlyList<ViaRecord> others)
    {
        // A signal meanwhile waits for the gate and then finds everything to remove.
        using Lock.Scope scope = _gate.EnterScope();
        try
        {
            RegisterEnds();
            foreach (ushort port in _options.ListenPorts)
                ReservePort(port, plan.Select(p => (p.Record.Device, p.Addresses)));
            _recordFile = state.FileOf(_record);
            ViaStateDirectory.Write(_recordFile, _record);
            foreach (ViaPlannedPath path in plan)
            {
                TunDevice tun = TunDevice.Open(path.Record.TunName);
                _paths.Add(new ViaPath(path.Record.Device, tun, path.Device.Mtu, path.Addresses));
                ViaSysctls.PrepareTun(tun.Name, path.Record.EngineV6 is not null);
            }
            _system.SetUp(_record, plan, snapshot, _options.ListenPorts);
            // Not before NAT is there: loading it may be what brings the settings of conntrack.
            ViaSysctls.Plan(_record, others, snapshot);
            ViaStateDirectory.Write(_recordFile, _record);
            ViaSysctls.Apply(_record);
        }
        catch
        {
            _disposed = true;
            UnregisterEnds();
            Remove(others);
            throw;
        }
    }

    private void ReservePort(ushort port, IEnumerable<(string Device, IReadOnlyList<ViaAddress> Addresses)> paths)
    {
        int before = _reservations.Count;
        try
        {
            foreach ((string device, IReadOnlyList<ViaAddress> addresses) in paths)
                foreach (ViaAddress address in addresses)
                    _reservations.Add(PortReservation.Take(device, address.OutsideAddress, port));
        }
        catch (LinkException)
        {
            for (int i = _reservations.Count - 1; i >= before; i--)
            {
                _reservations[i].Dispose();
                _reservations.RemoveAt(i);
            }
            throw;
        }
    }

    private void Remove(IReadOnlyList<ViaRecord> others)
    {
        bool clean = _recordFile is null || _system.TryRemove(_record, others);
        foreach (ViaPath path in _paths)
            path.Tun.Dispose();
        foreach (Socket reservation in _reservations)
            reservation.Dispose();
        if (clean && _recordFile is not null)
            File.Delete(_recordFile);
    }

    private void RegisterEnds()
    {
        AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
        if (!_options.RemoveOnSignals)
            return;
        // The default action follows when the handler returns without Cancel, and ends the process.
        foreach (PosixSignal signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
            _signals.Add(PosixSignalRegistration.Create(signal, _ => Dispose()));
    }

    private void UnregisterEnds()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
        foreach (PosixSignalRegistration signal in _signals)
            signal.Dispose();
    }

    private void OnProcessExit(object? sender, EventArgs e) => Dispose();

    // Returns the live owners' records in the namespace.
    private static List<ViaRecord> Reclaim(
        ViaSystem system, ViaStateDirectory state, NetworkNamespaceIdentity here)
    {
        IReadOnlyList<(string File, ViaRecord Record)> all = state.ReadAll();
        List<ViaRecord> live = [.. all.Select(r => r.Record).Where(r => r.Namespace == here && r.Owner.IsAlive)];
        foreach ((string file, ViaRecord record) in all)
        {
            if (record.Owner.IsAlive)
                continue;
            bool gone = record.Owner.BootId != ProcessIdentity.Current.BootId
                || (record.Namespace == here ? system.TryRemove(record, live) : !record.Namespace.Exists());
            if (gone)
                File.Delete(file);
        }
        return live;
    }

    private List<ViaRecord> OthersIn(ViaStateDirectory state, NetworkNamespaceIdentity here) =>
    [
        .. state.ReadAll()
            .Where(r => r.File != _recordFile && r.Record.Namespace == here && r.Record.Owner.IsAlive)
            .Select(r => r.Record),
    ];
}
