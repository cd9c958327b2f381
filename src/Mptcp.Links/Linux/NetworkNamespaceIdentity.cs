using System.Globalization;
using System.Net.Sockets;

namespace Mptcp.Links;

/// <summary>A network namespace as records name it.</summary>
/// <param name="Inode">The inode of its <c>ns/net</c> file; the kernel reuses these.</param>
/// <param name="Cookie">Its SO_NETNS_COOKIE, never reused within a boot; 0 where the kernel has none.</param>
internal readonly record struct NetworkNamespaceIdentity(ulong Inode, ulong Cookie)
{
    private const int SolSocket = 1;
    private const int SoNetnsCookie = 71;

    /// <summary>The file that stands for the calling thread's network namespace.</summary>
    public const string CurrentThreadPath = "/proc/thread-self/ns/net";

    /// <summary>The calling thread's network namespace.</summary>
    public static NetworkNamespaceIdentity OfCurrentThread()
    {
        if (!TryReadInode(CurrentThreadPath, out ulong inode))
            throw new LinkException("This process cannot see its network namespace: mount /proc.");
        return new NetworkNamespaceIdentity(inode, ReadCookie());
    }

    /// <summary>
    /// Whether the namespace may still exist: a thread is in it or it is mounted. One that only an open file keeps
    /// is taken as gone.
    /// </summary>
    public bool Exists()
    {
        NetworkNamespaceIdentity current = OfCurrentThread();
        if (current.Inode == Inode)
            return current == this;
        string name = $"net:[{Inode}]";
        try
        {
            // Bind mounts, such as those of `ip netns add`, show the namespace as the root of the mount.
            if (File.ReadAllText("/proc/self/mountinfo").Contains(name, StringComparison.Ordinal))
                return true;
        }
        catch (IOException)
        {
            return true;
        }
        foreach (string process in Directory.EnumerateDirectories("/proc"))
            if (AnyThreadIsIn(process, Inode))
                return true;
        return false;
    }

    private static bool AnyThreadIsIn(string processDirectory, ulong inode)
    {
        if (!char.IsAsciiDigit(Path.GetFileName(processDirectory)[0]))
            return false;
        try
        {
            foreach (string thread in Directory.EnumerateDirectories(processDirectory + "/task"))
                if (TryReadInode(thread + "/ns/net", out ulong other) && other == inode)
                    return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The process ended while we looked.
        }
        return false;
    }

    private static bool TryReadInode(string path, out ulong inode)
    {
        inode = 0;
        try
        {
            // The link reads "net:[4026531840]".
            string? target = new FileInfo(path).LinkTarget;
            return target is not null
                && target.StartsWith("net:[", StringComparison.Ordinal)
                && ulong.TryParse(target.AsSpan(5, target.Length - 6), CultureInfo.InvariantCulture, out inode);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static ulong ReadCookie()
    {
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            Span<byte> cookie = stackalloc byte[8];
            return socket.GetRawSocketOption(SolSocket, SoNetnsCookie, cookie) == 8 ? BitConverter.ToUInt64(cookie) : 0;
        }
        catch (SocketException)
        {
            return 0;
        }
    }
}
