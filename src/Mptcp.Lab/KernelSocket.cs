using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Mptcp.Lab;

/// <summary>
/// Sockets of the kernel in a namespace. The framework refuses to make one of Multipath TCP and takes one that exists:
/// the descriptor is made here, and all else is the framework's.
/// </summary>
public static partial class KernelSocket
{
    private const int ProtocolTcp = 6;
    private const int ProtocolMptcp = 262;
    private const int StreamCloseOnExec = 1 | 0x8_0000;
    private const int LevelMptcp = 284;
    private const int MptcpInfo = 1;
    private const int FamilyV4 = 2;
    private const int FamilyV6 = 10;

    /// <summary>Makes a socket in a namespace; it may be used from any thread.</summary>
    /// <param name="place">Where.</param>
    /// <param name="family">IPv4 or IPv6.</param>
    /// <param name="multipath">Multipath TCP, or plain TCP.</param>
    /// <exception cref="LabException">The kernel has no such protocol.</exception>
    public static Socket Create(NetworkNamespace place, AddressFamily family, bool multipath = true)
    {
        ArgumentNullException.ThrowIfNull(place);
        return place.Run(() =>
        {
            int domain = family == AddressFamily.InterNetworkV6 ? FamilyV6 : FamilyV4;
            int file = NewSocket(domain, StreamCloseOnExec, multipath ? ProtocolMptcp : ProtocolTcp);
            return file >= 0
                ? new Socket(new SafeSocketHandle(file, ownsHandle: true))
                : throw new LabException($"No socket of this kind: {Marshal.GetLastPInvokeErrorMessage()}.");
        });
    }

    /// <summary>Makes a socket that listens.</summary>
    /// <param name="place">Where.</param>
    /// <param name="local">On what; port 0 for any.</param>
    /// <param name="multipath">Multipath TCP, or plain TCP.</param>
    public static Socket Listen(NetworkNamespace place, IPEndPoint local, bool multipath = true)
    {
        ArgumentNullException.ThrowIfNull(local);
        Socket socket = Create(place, local.AddressFamily, multipath);
        try
        {
            // Not the framework's ReuseAddress, which also sets SO_REUSEPORT.
            socket.Bind(local);
            socket.Listen();
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Makes a socket and connects it.</summary>
    /// <param name="place">Where.</param>
    /// <param name="local">From where; null leaves it to the routes.</param>
    /// <param name="remote">To whom.</param>
    /// <param name="multipath">Multipath TCP, or plain TCP.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    public static async Task<Socket> ConnectAsync(
        NetworkNamespace place,
        IPEndPoint? local,
        IPEndPoint remote,
        bool multipath = true,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(remote);
        Socket socket = Create(place, remote.AddressFamily, multipath);
        try
        {
            if (local is not null)
            {
                socket.Bind(local);
            }

            await socket.ConnectAsync(remote, cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// How many subflows the connection has now beside its first; null for plain TCP, such as what a listener of
    /// Multipath TCP accepts from a peer that does not speak it.
    /// </summary>
    public static unsafe int? AdditionalSubflows(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        const int InfoSize = 256;
        byte* info = stackalloc byte[InfoSize];
        int length = InfoSize;

        // struct mptcp_info begins with the count of subflows in one octet.
        return GetOption((int)socket.Handle, LevelMptcp, MptcpInfo, info, &length) == 0 ? info[0] : null;
    }

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int NewSocket(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "getsockopt", SetLastError = true)]
    private static unsafe partial int GetOption(int socket, int level, int name, void* value, int* length);
}
