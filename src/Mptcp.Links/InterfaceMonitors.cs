namespace Mptcp.Links;

/// <summary>What this system has to tell of its interfaces.</summary>
public static class InterfaceMonitors
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);

    /// <summary>The kernel's own messages on Linux; elsewhere a look each second, which knows nothing of routes.</summary>
    /// <exception cref="LinkException">The kernel gives no socket for them.</exception>
    public static IInterfaceMonitor Open() => OperatingSystem.IsLinux() ? new NetlinkMonitor() : new PollingMonitor(_interval);
}
