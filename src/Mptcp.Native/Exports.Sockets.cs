using System.Runtime.InteropServices;
using Mptcp.Wire;
using static Mptcp.Native.Errno;

namespace Mptcp.Native;

/// <content>Sockets.</content>
internal static unsafe partial class Exports
{
    private const int AcceptFlags = Families.SOCK_NONBLOCK | Families.SOCK_CLOEXEC;

    [UnmanagedCallersOnly(EntryPoint = "mptcp_socket")]
    public static int OpenSocket(nint stack, int domain, int type, int protocol) => (int)Call(
        stack, (domain, type, protocol), static (host, a) => host.Sockets.Open(a.domain, a.type, a.protocol));

    [UnmanagedCallersOnly(EntryPoint = "mptcp_bind")]
    public static int Bind(nint stack, int s, byte* address, uint length) => (int)OnSocket(
        stack, s, (address: (nint)address, length), static (socket, a) =>
            CheckAddress(a.address, a.length) is < 0 and int failure ? failure : socket.Bind(Bytes(a.address, (nint)a.length)));

    [UnmanagedCallersOnly(EntryPoint = "mptcp_listen")]
    public static int Listen(nint stack, int s, int backlog) => (int)OnSocket(
        stack, s, backlog, static (socket, backlog) => socket.Listen(backlog));

    [UnmanagedCallersOnly(EntryPoint = "mptcp_accept")]
    public static int Accept(nint stack, int s, byte* address, uint* length, int flags) => (int)OnSocket(
        stack, s, (address: (nint)address, length: (nint)length, flags), static (socket, a) =>
        {
            if ((a.flags & ~AcceptFlags) != 0)
            {
                return -EINVAL;
            }

            int accepted = socket.Accept(out IpEndpoint peer);
            if (accepted < 0 || a.address == 0)
            {
                return accepted;
            }

            // A connection whose peer cannot be told is lost, as in Linux.
            int failure = GiveAddress(peer, a.address, a.length);
            return failure == 0 ? accepted : socket.CloseAccepted(accepted, failure);
        });

    [UnmanagedCallersOnly(EntryPoint = "mptcp_connect")]
    public static int Connect(nint stack, int s, byte* address, uint length) => (int)OnSocket(
        stack, s, (address: (nint)address, length), static (socket, a) =>
            CheckAddress(a.address, a.length) is < 0 and int failure ? failure : socket.Connect(Bytes(a.address, (nint)a.length)));

    [UnmanagedCallersOnly(EntryPoint = "mptcp_shutdown")]
    public static int Shutdown(nint stack, int s, int how) => (int)OnSocket(stack, s, how, static (socket, how) => socket.Shutdown(how));

    [UnmanagedCallersOnly(EntryPoint = "mptcp_close")]
    public static int Close(nint stack, int s) => (int)OnSocket(stack, s, 0, static (socket, _) => socket.Close());

    [UnmanagedCallersOnly(EntryPoint = "mptcp_getsockname")]
    public static int GetSocketName(nint stack, int s, byte* address, uint* length) => (int)OnSocket(
        stack, s, (address: (nint)address, length: (nint)length), static (socket, a) => GiveAddress(socket.Name, a.address, a.length));

    [UnmanagedCallersOnly(EntryPoint = "mptcp_getpeername")]
    public static int GetPeerName(nint stack, int s, byte* address, uint* length) => (int)OnSocket(
        stack, s, (address: (nint)address, length: (nint)length), static (socket, a) =>
            socket.TryGetPeer(out IpEndpoint peer) ? GiveAddress(peer, a.address, a.length) : -ENOTCONN);

    [UnmanagedCallersOnly(EntryPoint = "mptcp_getsockopt")]
    public static int GetOption(nint stack, int s, int level, int name, byte* value, uint* length) => (int)OnSocket(
        stack, s, (level, name, value: (nint)value, length: (nint)length), static (socket, a) =>
        {
            int unknown = socket.CheckGet(a.level, a.name);
            if (unknown < 0 || a.length == 0)
            {
                return unknown < 0 ? unknown : -EFAULT;
            }

            int room = *(int*)a.length;
            if (room < 0)
            {
                return -EINVAL;
            }

            if (a.value == 0 && room > 0)
            {
                return -EFAULT;
            }

            int written = socket.GetOption(a.level, a.name, Room(a.value, room));
            if (written >= 0)
            {
                *(int*)a.length = written;
            }

            return Math.Min(written, 0);
        });

    [UnmanagedCallersOnly(EntryPoint = "mptcp_setsockopt")]
    public static int SetOption(nint stack, int s, int level, int name, byte* value, uint length) => (int)OnSocket(
        stack, s, (level, name, value: (nint)value, length), static (socket, a) => (int)a.length < 0 ? -EINVAL
            : socket.CheckSet(a.level, a.name) is < 0 and int unknown ? unknown
            : a.value == 0 && a.length > 0 ? -EFAULT
            : socket.SetOption(a.level, a.name, Bytes(a.value, (nint)a.length)));

    [UnmanagedCallersOnly(EntryPoint = "mptcp_ioctl")]
    public static int Ioctl(nint stack, int s, nuint request, int* argument) => (int)OnSocket(
        stack, s, (request, argument: (nint)argument), static (socket, a) =>
        {
            if (a.request == CallNames.FIONBIO)
            {
                return a.argument == 0 ? -EFAULT : 0;
            }

            int failure = socket.Ioctl((uint)a.request, out int value);
            if (failure == 0 && a.argument == 0)
            {
                return -EFAULT;
            }

            if (failure == 0)
            {
                *(int*)a.argument = value;
            }

            return failure;
        });

    [UnmanagedCallersOnly(EntryPoint = "mptcp_poll_mask")]
    public static int GetPollMask(nint stack, int s) => (int)OnSocket(stack, s, 0, static (socket, _) => socket.PollMask);

    private static int CheckAddress(nint address, uint length) => length > SocketAddresses.StorageLength ? -EINVAL
        : address == 0 && length > 0 ? -EFAULT
        : 0;

    private static int CheckRoom(nint length) => length == 0 ? -EFAULT : *(int*)length < 0 ? -EINVAL : 0;

    private static int GiveAddress(IpEndpoint endpoint, nint address, nint length)
    {
        int failure = CheckRoom(length);
        if (failure < 0)
        {
            return failure;
        }

        if (address == 0 && *(int*)length > 0)
        {
            return -EFAULT;
        }

        WriteAddress(endpoint, address, length);
        return 0;
    }

    /// <summary>Writes as much of an address as there is room for, and how long all of it is.</summary>
    private static void WriteAddress(IpEndpoint endpoint, nint address, nint length)
    {
        Span<byte> whole = stackalloc byte[SocketAddresses.StorageLength];
        int written = SocketAddresses.Write(whole, endpoint);
        whole[..Math.Min(written, *(int*)length)].CopyTo(Room(address, *(int*)length));
        *(int*)length = written;
    }
}
