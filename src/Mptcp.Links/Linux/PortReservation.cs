using System.Net;
using System.Net.Sockets;

namespace Mptcp.Links;

/// <summary>
/// Keeps a TCP port of an outside address for a listener of the engine: a kernel socket that is bound and never
/// listens, so that the kernel itself says whether the port is in use, and says so to those who come later.
/// </summary>
internal static class PortReservation
{
    /// <summary>Takes the port; a <see cref="LinkException"/> if the kernel or another engine has it.</summary>
    public static Socket Take(string device, IPAddress address, ushort port)
    {
        // Exclusively at first. Only TIME_WAIT sockets and others that allow it let the second attempt succeed.
        if (TryBind(address, port, ProtocolType.Unspecified) is { } exclusive)
            return exclusive;
        if (TryBind(address, port, ProtocolType.Tcp) is { } shared)
            return shared;
        throw new LinkException($"TCP port {port} of {device} ({address}) is in use: choose another or end its user.");
    }

    // With the protocol named, the runtime sets SO_REUSEADDR; without, it does not.
    private static Socket? TryBind(IPAddress address, ushort port, ProtocolType protocol)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, protocol);
        try
        {
            socket.Bind(new IPEndPoint(address, port));
            return socket;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            socket.Dispose();
            return null;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new LinkException($"TCP port {port} of {address} cannot be taken: {e.Message}.", e);
        }
    }
}
