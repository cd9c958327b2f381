using Mptcp.Multipath;
using Mptcp.Wire;
using static Mptcp.Native.Errno;

namespace Mptcp.Native;

/// <summary>Endpoints, as <c>ip mptcp endpoint</c> has them, with the errno of what cannot be.</summary>
internal static class Endpoints
{
    public static int Add(NativeStack host, IpEndpoint place, EndpointFlags flags, byte id, int ifindex)
    {
        if (host.Find(place.Address) is not { } local || (ifindex != 0 && local.Link != ifindex))
        {
            return -EADDRNOTAVAIL;
        }

        ushort? port = place.Port == 0 ? null : place.Port;
        bool signal = (flags & EndpointFlags.Signal) != 0;
        if (flags == EndpointFlags.None || (signal && (flags & EndpointFlags.Fullmesh) != 0) || (port is not null && !signal))
        {
            return -EINVAL;
        }

        return host.Stack.TryAddEndpoint(place.Address, flags, id == 0 ? null : id, port) is { } endpoint ? endpoint.Id : -EEXIST;
    }
}
