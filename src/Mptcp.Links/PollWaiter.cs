using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Mptcp.Hosting;

namespace Mptcp.Links;

/// <summary>Sleeps in poll(2) on the file descriptors of TUN interfaces and an eventfd that wakes it.</summary>
public sealed unsafe partial class PollWaiter : ILinkWaiter
{
    private const short Readable = 1;
    private const int CloseOnExecNonBlocking = 0x8_0800;
    private readonly IReadOnlyList<TunDevice> _devices;
    private readonly SafeFileHandle _wake;

    /// <summary>Makes the eventfd; the devices stay their owner's.</summary>
    /// <exception cref="LinkException">The process has no file descriptor left.</exception>
    public PollWaiter(IReadOnlyList<TunDevice> devices)
    {
        _devices = devices;
        _wake = EventFile(0, CloseOnExecNonBlocking);
        if (_wake.IsInvalid)
            throw new LinkException($"No event file: {Marshal.GetLastPInvokeErrorMessage()}.");
    }

    /// <inheritdoc/>
    public void Wait(long nanoseconds)
    {
        PollEntry* entries = stackalloc PollEntry[_devices.Count + 1];
        entries[0] = new PollEntry { File = (int)_wake.DangerousGetHandle(), Events = Readable };
        for (int i = 0; i < _devices.Count; i++)
            entries[i + 1] = new PollEntry { File = _devices[i].File, Events = Readable };
        var time = new TimeSpecification { Seconds = nanoseconds / 1_000_000_000, Nanoseconds = nanoseconds % 1_000_000_000 };

        // A failure (a signal came) counts as a wake-up: the loop looks at everything and comes back.
        int ready = Poll(entries, (nuint)(_devices.Count + 1), &time, null);
        if (ready > 0 && entries[0].Returned != 0)
        {
            ulong count;
            Read(_wake, &count, sizeof(ulong));
        }
    }

    /// <inheritdoc/>
    public void Wake()
    {
        ulong one = 1;
        Write(_wake, &one, sizeof(ulong));
    }

    /// <inheritdoc/>
    public void Dispose() => _wake.Dispose();

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    private static partial SafeFileHandle EventFile(uint start, int flags);

    [LibraryImport("libc", EntryPoint = "ppoll")]
    private static partial int Poll(PollEntry* entries, nuint count, TimeSpecification* time, void* signals);

    [LibraryImport("libc", EntryPoint = "read")]
    private static partial nint Read(SafeFileHandle file, void* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint Write(SafeFileHandle file, void* buffer, nuint length);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int File;
        public short Events;
        public short Returned;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpecification
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
