using System.Net.NetworkInformation;

namespace Mptcp.Links;

/// <summary>Looks at the interfaces again and again: for systems where nothing better is known.</summary>
/// <param name="interval">How often.</param>
/// <param name="read">What all interfaces are now; null asks the framework.</param>
public sealed class PollingMonitor(TimeSpan interval, Func<IReadOnlyList<InterfaceState>>? read = null) : IInterfaceMonitor
{
    private readonly Func<IReadOnlyList<InterfaceState>> _read = read ?? ReadAll;
    private readonly Lock _gate = new();
    private IReadOnlyList<InterfaceState> _last = [];
    private Timer? _timer;
    private bool _disposed;

    /// <inheritdoc/>
    public void Start(Action<IReadOnlyList<InterfaceState>> changed) => _timer = new Timer(_ => Look(changed), null, TimeSpan.Zero, interval);

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer?.Dispose();
        lock (_gate)
        {
            _disposed = true;
        }
    }

    private static IReadOnlyList<InterfaceState> ReadAll() =>
    [
        .. NetworkInterface.GetAllNetworkInterfaces().Select(device => new InterfaceState(
            device.Name,
            device.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown,
            [.. device.GetIPProperties().UnicastAddresses.Select(entry => entry.Address).Where(address => !address.IsIPv6LinkLocal)])),
    ];

    private void Look(Action<IReadOnlyList<InterfaceState>> changed)
    {
        // A look that takes longer than the interval is not looked at by the next.
        if (!_gate.TryEnter())
        {
            return;
        }

        try
        {
            IReadOnlyList<InterfaceState> now = _disposed ? _last : _read();
            if (!now.SequenceEqual(_last))
            {
                _last = now;
                changed(now);
            }
        }
        catch (NetworkInformationException)
        {
            // An interface that goes while it is looked at: the next look does not find it.
        }
        finally
        {
            _gate.Exit();
        }
    }
}
