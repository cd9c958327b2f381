using Mptcp.Hosting;
using Mptcp.Links;
using Mptcp.Stack;

namespace Mptcp;

/// <summary>
/// Keeps an engine in step with the devices of its paths: what goes down carries nothing from that moment on, an address that
/// the device has lost is withdrawn, and what comes back is used again.
/// </summary>
internal sealed class PathFollower : IDisposable
{
    private readonly ViaPathSet _via;
    private readonly IInterfaceMonitor _monitor;
    private readonly StackLoop _loop;
    private readonly Action<IReadOnlyList<LocalAddress>> _changed;

    // Touched on the monitor's thread only. Null: to be looked at when it is up.
    private readonly InterfaceState?[] _seen;
    private IReadOnlyList<LocalAddress> _addresses;

    /// <summary>Begins to follow.</summary>
    /// <param name="via">The paths.</param>
    /// <param name="monitor">Tells of the devices; disposed with this.</param>
    /// <param name="loop">What is told.</param>
    /// <param name="addresses">The engine's addresses now.</param>
    /// <param name="changed">Gets them when they have changed.</param>
    public PathFollower(
        ViaPathSet via,
        IInterfaceMonitor monitor,
        StackLoop loop,
        IReadOnlyList<LocalAddress> addresses,
        Action<IReadOnlyList<LocalAddress>> changed)
    {
        (_via, _monitor, _loop, _addresses, _changed) = (via, monitor, loop, addresses, changed);
        _seen = new InterfaceState?[via.Paths.Count];
        monitor.Start(HandleInterfaces);
    }

    /// <summary>Follows no longer. Before the loop and the paths end.</summary>
    public void Dispose() => _monitor.Dispose();

    private void HandleInterfaces(IReadOnlyList<InterfaceState> states)
    {
        for (int link = 0; link < _seen.Length; link++)
        {
            InterfaceState? state = states.FirstOrDefault(state => state.Name == _via.Paths[link].Device);
            if (state is not { IsUp: true })
            {
                _seen[link] = null;
                Tell(link, up: false, state is null ? [] : Of(link));
            }
            else if (!state.Equals(_seen[link]))
            {
                _seen[link] = Refresh(link) ? state : null;
            }
        }
    }

    private bool Refresh(int link)
    {
        ViaPath path = _via.Paths[link];
        try
        {
            Tell(link, up: true, [.. _via.Refresh(path).Select(address => EnginePaths.ToLocal(link, path, address))]);
            return true;
        }
        catch (LinkException)
        {
            // It went again while it was looked at, and the next change says so.
            return false;
        }
    }

    private List<LocalAddress> Of(int link) => [.. _addresses.Where(address => address.Link == link)];

    private void Tell(int link, bool up, List<LocalAddress> now)
    {
        List<LocalAddress> gone = [.. Of(link).Except(now)];
        List<LocalAddress> come = [.. now.Except(Of(link))];
        if (gone.Count + come.Count > 0)
        {
            _addresses = [.. _addresses.Except(gone), .. come];
            _changed(_addresses);
        }

        // Nobody waits for it; where the loop has ended there is nobody to tell.
        _ = _loop.RunAsync((stack, time) =>
        {
            stack.SetLink(time, link, up);
            foreach (LocalAddress address in gone)
                stack.RemoveAddress(address.Address);
            foreach (LocalAddress address in come)
                stack.AddAddress(address);
            return new Attempt<bool>(true, true);
        }).ContinueWith(task => _ = task.Exception, TaskScheduler.Default);
    }
}
