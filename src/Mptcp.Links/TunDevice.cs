using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Mptcp.Hosting;

namespace Mptcp.Links;

/// <summary>A TUN interface: IP packets without any framing, not blocking. It goes when it is disposed.</summary>
public sealed unsafe partial class TunDevice : ILink, IDisposable
{
    private const int OpenReadWrite = 2;
    private const int OpenNonBlocking = 0x800;
    private const int OpenCloseOnExec = 0x8_0000;
    private const nuint TunSetInterface = 0x4004_54CA;
    private const short TunNoPacketInfo = 0x1001;
    private const int InterfaceNameSize = 16;
    private const int InterfaceRequestSize = 40;

    private readonly SafeFileHandle _file;

    private TunDevice(SafeFileHandle file, string name)
    {
        _file = file;
        Name = name;
    }

    /// <summary>The interface's name.</summary>
    public string Name { get; }

    /// <summary>The descriptor to poll, valid until the device is disposed.</summary>
    internal int File => (int)_file.DangerousGetHandle();

    /// <summary>Makes the interface in the calling thread's network namespace.</summary>
    /// <exception cref="LinkException">No TUN here, no right to it, or the name is taken.</exception>
    public static TunDevice Open(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (Encoding.ASCII.GetByteCount(name) >= InterfaceNameSize)
            throw new LinkException($"'{name}' is too long for an interface's name: 15 characters at most.");
        SafeFileHandle file = OpenFile("/dev/net/tun", OpenReadWrite | OpenNonBlocking | OpenCloseOnExec);
        if (file.IsInvalid)
            throw new LinkException(
                $"/dev/net/tun cannot be opened ({Marshal.GetLastPInvokeErrorMessage()}): load the module tun, run as root.");
        byte* request = stackalloc byte[InterfaceRequestSize];
        new Span<byte>(request, InterfaceRequestSize).Clear();
        Encoding.ASCII.GetBytes(name, new Span<byte>(request, InterfaceNameSize));
        *(short*)(request + InterfaceNameSize) = TunNoPacketInfo;
        if (Control(file, TunSetInterface, request) < 0)
        {
            string error = Marshal.GetLastPInvokeErrorMessage();
            file.Dispose();
            throw new LinkException($"The TUN '{name}' cannot be made ({error}): run as root, or take another name.");
        }
        return new TunDevice(file, name);
    }

    /// <summary>Reads one packet; its length, or a value below 1 if there is none.</summary>
    public int TryRead(Span<byte> buffer)
    {
        fixed (byte* start = buffer)
            return (int)Read(_file, start, (nuint)buffer.Length);
    }

    /// <summary>Writes one packet; its length, or a value below 1 if the kernel did not take it.</summary>
    public int TryWrite(ReadOnlySpan<byte> packet)
    {
        fixed (byte* start = packet)
            return (int)Write(_file, start, (nuint)packet.Length);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle OpenFile(string path, int flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Control(SafeFileHandle file, nuint request, byte* argument);

    [LibraryImport("libc", EntryPoint = "read")]
    private static partial nint Read(SafeFileHandle file, byte* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint Write(SafeFileHandle file, byte* buffer, nuint length);
}
