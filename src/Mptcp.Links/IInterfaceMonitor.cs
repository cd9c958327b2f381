using System.Net;

namespace Mptcp.Links;

/// <summary>A network interface at one moment.</summary>
/// <param name="Name">As the system calls it.</param>
/// <param name="IsUp">Whether it carries packets: switched on, and plugged in as far as can be told.</param>
/// <param name="Addresses">Those that may be used, link-local ones excepted.</param>
/// <param name="Routes">A number that changes with its routes; always 0 where they are not known.</param>
public sealed record InterfaceState(string Name, bool IsUp, IReadOnlyList<IPAddress> Addresses, int Routes = 0)
{
    /// <summary>Whether two are the same in all that is said of them.</summary>
    public bool Equals(InterfaceState? other) =>
        other is not null && Name == other.Name && IsUp == other.IsUp && Routes == other.Routes && Addresses.SequenceEqual(other.Addresses);

    /// <inheritdoc/>
    public override int GetHashCode() => Name.GetHashCode(StringComparison.Ordinal);
}

/// <summary>Tells of changes of the machine's network interfaces. Disposed, it tells of no more.</summary>
public interface IInterfaceMonitor : IDisposable
{
    /// <summary>
    /// Begins: <paramref name="changed"/> gets all interfaces, now and after each change, on a thread of the monitor's own, one
    /// call at a time. To be called once.
    /// </summary>
    void Start(Action<IReadOnlyList<InterfaceState>> changed);
}
