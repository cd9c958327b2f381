using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mptcp.Links;

/// <summary>
/// Hears from the Linux kernel what becomes of the interfaces of one network namespace, that of the thread that made it
/// (rtnetlink(7)).
/// </summary>
public sealed unsafe partial class NetlinkMonitor : IInterfaceMonitor
{
    private const int FamilyNetlink = 16;
    private const int RawCloseOnExec = 3 | 0x8_0000;
    private const int Interrupted = 4;
    private const int TryAgain = 11;
    private const int NoBuffers = 105;

    // RTMGRP_LINK; RTMGRP_IPV4_IFADDR and _ROUTE; RTMGRP_IPV6_IFADDR and _ROUTE.
    private const uint Groups = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;
    private const ushort GetLink = 18;
    private const ushort GetAddress = 22;

    // NLM_F_REQUEST, NLM_F_DUMP.
    private const ushort Dump = 0x1 | 0x300;
    private const int RequestSize = 20;
    private const int BufferSize = 65_536;

    private readonly SafeFileHandle _socket;
    private readonly InterfaceTable _table = new();
    private readonly byte[] _buffer = new byte[BufferSize];
    private Thread? _thread;
    private volatile bool _stopping;

    /// <summary>Makes it, for the calling thread's network namespace.</summary>
    /// <exception cref="LinkException">There is no such socket here.</exception>
    public NetlinkMonitor()
    {
        _socket = NewSocket(FamilyNetlink, RawCloseOnExec, 0);

        // A sockaddr_nl: family, padding, port 0 for any, groups.
        Span<uint> address = [FamilyNetlink, 0, Groups];
        fixed (uint* start = address)
        {
            if (_socket.IsInvalid || Bind(_socket, start, sizeof(uint) * address.Length) != 0)
            {
                string error = Marshal.GetLastPInvokeErrorMessage();
                _socket.Dispose();
                throw new LinkException($"The kernel does not tell of its interfaces ({error}).");
            }
        }
    }

    /// <inheritdoc/>
    public void Start(Action<IReadOnlyList<InterfaceState>> changed)
    {
        _thread = new Thread(() => Run(changed)) { IsBackground = true, Name = "interface monitor" };
        _thread.Start();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_stopping)
        {
            return;
        }

        // The answer to a question wakes the thread.
        _stopping = true;
        Ask(GetLink);
        _thread?.Join();
        _socket.Dispose();
    }

    private void Run(Action<IReadOnlyList<InterfaceState>> changed)
    {
        IReadOnlyList<InterfaceState> told = [];
        bool known = Learn();
        while (!_stopping)
        {
            IReadOnlyList<InterfaceState> now = _table.States;
            if (known && !now.SequenceEqual(told))
            {
                told = now;
                changed(now);
            }

            // Where messages were lost, everything is asked anew.
            known = Receive() != InterfaceTable.Overrun || Learn();
        }
    }

    /// <summary>Asks for everything; false when it was lost on the way.</summary>
    private bool Learn()
    {
        _table.Clear();
        return Learn(GetLink) && Learn(GetAddress);
    }

    private bool Learn(ushort what)
    {
        Ask(what);
        ushort type;
        do
        {
            type = Receive();
        }
        while (type is not (InterfaceTable.Done or InterfaceTable.Overrun) && !_stopping);
        return type == InterfaceTable.Done;
    }

    private ushort Receive()
    {
        nint length;
        fixed (byte* start = _buffer)
        {
            do
            {
                length = Receive(_socket, start, _buffer.Length, 0);
            }
            while (length < 0 && Marshal.GetLastPInvokeError() is Interrupted or TryAgain);
        }

        if (length < 0)
        {
            // Anything but lost messages is the end of the socket.
            _stopping |= Marshal.GetLastPInvokeError() != NoBuffers;
            return InterfaceTable.Overrun;
        }

        return _table.Take(_buffer.AsSpan(0, (int)length));
    }

    private void Ask(ushort what)
    {
        Span<byte> request = stackalloc byte[RequestSize];
        request.Clear();
        BitConverter.TryWriteBytes(request, RequestSize);
        BitConverter.TryWriteBytes(request[4..], what);
        BitConverter.TryWriteBytes(request[6..], Dump);
        fixed (byte* start = request)
        {
            Send(_socket, start, request.Length, 0);
        }
    }

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial SafeFileHandle NewSocket(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    private static partial int Bind(SafeFileHandle socket, uint* address, int length);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static partial nint Send(SafeFileHandle socket, byte* buffer, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static partial nint Receive(SafeFileHandle socket, byte* buffer, nint length, int flags);
}
