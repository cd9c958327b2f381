using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Stack;

/// <content>Links that come and go, and which of our addresses a peer is reached from.</content>
public sealed partial class NetworkStack
{
    private readonly HashSet<int> _linksDown = [];

    /// <summary>
    /// Says whether a link carries packets; at first it does. While it does not, nothing is taken from it, what would leave
    /// by it is lost, and the connections send by others what waits on it.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="link">Its number.</param>
    /// <param name="up">Whether it carries packets.</param>
    public void SetLink(Instant now, int link, bool up)
    {
        if (up ? !_linksDown.Remove(link) : !_linksDown.Add(link))
        {
            return;
        }

        foreach (StackSocket socket in _sockets.All)
        {
            socket.Connection.HandleLink(now, link, up);
        }
    }

    /// <summary>Whether a link carries packets.</summary>
    public bool IsUp(int link) => !_linksDown.Contains(link);

    /// <summary>Whether a Fast Open to this peer could take data along, because it gave a cookie before (RFC 7413).</summary>
    /// <param name="now">The time.</param>
    /// <param name="local">Our address.</param>
    /// <param name="remote">The peer.</param>
    public bool HasFastOpenCookie(Instant now, IpAddress local, IpEndpoint remote) =>
        _fastOpen.Find(now, local, remote) is { Cookie.IsEmpty: false };

    /// <summary>
    /// Whether a connection, one that is only waiting for its end included, has this port of ours at <paramref name="address"/>;
    /// null asks for every address.
    /// </summary>
    public bool IsInUse(IpAddress? address, ushort port)
    {
        foreach (ConnectionKey key in _byKey.Keys)
        {
            if (key.Local.Port == port && (address is null || key.Local.Address == address))
            {
                return true;
            }
        }

        return false;
    }
}
