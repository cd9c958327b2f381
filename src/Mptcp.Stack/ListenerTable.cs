using System.Diagnostics.CodeAnalysis;
using Mptcp.Wire;

namespace Mptcp.Stack;

/// <summary>Who listens where: at one address, at those of a family, or everywhere, the closest first.</summary>
internal sealed class ListenerTable
{
    private readonly Dictionary<(IpAddress? Address, ushort Port), StackListener> _listeners = [];

    public bool TryAdd(StackListener listener) => _listeners.TryAdd((listener.Address, listener.Port), listener);

    public void Remove(StackListener listener) => _listeners.Remove((listener.Address, listener.Port));

    /// <summary>The listener for a SYN to this place.</summary>
    public bool TryFind(IpEndpoint place, [NotNullWhen(true)] out StackListener? listener)
    {
        IpAddress family = place.Address.IsV4 ? IpAddress.AnyV4 : IpAddress.AnyV6;
        return _listeners.TryGetValue((place.Address, place.Port), out listener)
            || _listeners.TryGetValue((family, place.Port), out listener)
            || _listeners.TryGetValue((null, place.Port), out listener);
    }
}
