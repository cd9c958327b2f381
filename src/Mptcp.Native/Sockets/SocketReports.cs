using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mptcp.Multipath;
using static Mptcp.Native.Errno;

namespace Mptcp.Native;

/// <summary>What getsockopt tells of a connection as a struct: TCP_INFO and all of SOL_MPTCP, laid out as in Linux.</summary>
internal static class SocketReports
{
    private const int SubflowDataLength = 16;
    private const int FullInfoHead = 40;
    private const int AddressesLength = 2 * SocketAddresses.StorageLength;
    private const int SubflowInfoLength = sizeof(long) + AddressesLength;

    /// <summary>struct mptcp_subflow_data.</summary>
    private struct SubflowData
    {
        public uint OwnSize;
        public uint Subflows;
        public uint KernelSize;
        public uint UserSize;
    }

    /// <summary>struct mptcp_full_info, before its last member.</summary>
    private struct FullInfo
    {
        public uint KernelTcpSize;
        public uint UserTcpSize;
        public uint KernelSubflowSize;
        public uint UserSubflowSize;
        public uint Subflows;
        public uint ArrayLength;
        public ulong SubflowArray;
        public ulong TcpArray;
    }

    /// <summary>False when it is none of these; else <paramref name="written"/> is a length or an errno.</summary>
    public static bool TryWrite(NativeSocket socket, NativeStack host, int level, int name, Span<byte> value, out int written)
    {
        written = 0;
        if (level == Levels.SOL_TCP && name == ProtocolNames.TCP_INFO)
        {
            TcpInfoLayout info = TcpInfoOf(socket, host);
            written = Copy(info, value);
            return true;
        }

        if (level != Levels.SOL_MPTCP || !socket.IsOfMultipath)
        {
            return false;
        }

        switch (name)
        {
            case ProtocolNames.MPTCP_INFO:
                MptcpInfoLayout info = MptcpInfoOf(socket, host);
                written = Copy(info, value);
                return true;
            case ProtocolNames.MPTCP_TCPINFO:
                written = WriteEach(socket, value, Unsafe.SizeOf<TcpInfoLayout>(),
                    (subflow, place) => Copy(TcpInfoLayout.From(subflow.Tcp, host.Now), place));
                return true;
            case ProtocolNames.MPTCP_SUBFLOW_ADDRS:
                written = WriteEach(socket, value, AddressesLength, (subflow, place) => WriteAddresses(subflow, place));
                return true;
            case ProtocolNames.MPTCP_FULL_INFO:
                written = WriteFull(socket, host, value);
                return true;
            default:
                return false;
        }
    }

    private static List<SubflowTcpInfo> SubflowsOf(NativeSocket socket)
    {
        var subflows = new List<SubflowTcpInfo>();
        socket.Stream?.CopyTcpInfo(subflows);
        return subflows;
    }

    private static TcpInfoLayout TcpInfoOf(NativeSocket socket, NativeStack host)
    {
        List<SubflowTcpInfo> subflows = SubflowsOf(socket);
        return subflows.Count > 0
            ? TcpInfoLayout.From(subflows[0].Tcp, host.Now)
            : new TcpInfoLayout { State = socket.IsListening ? TcpInfoLayout.Listening : TcpInfoLayout.Closed };
    }

    private static MptcpInfoLayout MptcpInfoOf(NativeSocket socket, NativeStack host)
    {
        PathLimits limits = host.Stack.Limits;
        return socket.Stream is { } stream
            ? MptcpInfoLayout.From(stream.Info, SubflowsOf(socket), host.Now)
            : new MptcpInfoLayout { SubflowsMax = (byte)limits.Subflows, AddressesAcceptedMax = (byte)limits.AcceptedAddresses };
    }

    /// <summary>An array of one element for each subflow, as many as fit, behind a head that says how large they are.</summary>
    private static int WriteEach(NativeSocket socket, Span<byte> value, int size, Action<SubflowTcpInfo, Span<byte>> write)
    {
        if (value.Length < SubflowDataLength)
        {
            return -EINVAL;
        }

        ref SubflowData head = ref MemoryMarshal.AsRef<SubflowData>(value);
        if (head.OwnSize < SubflowDataLength || head.OwnSize > value.Length || head.UserSize > int.MaxValue
            || head.Subflows != 0 || head.KernelSize != 0)
        {
            return -EINVAL;
        }

        List<SubflowTcpInfo> subflows = SubflowsOf(socket);
        int element = (int)Math.Min(head.UserSize, (uint)size);
        (head.Subflows, head.KernelSize, head.UserSize) = ((uint)subflows.Count, (uint)size, (uint)element);
        Span<byte> rest = value[(int)head.OwnSize..];
        Span<byte> whole = new byte[size];
        int copied = 0;
        foreach (SubflowTcpInfo subflow in subflows)
        {
            if (rest.IsEmpty || rest.Length < element)
            {
                break;
            }

            write(subflow, whole);
            whole[..element].CopyTo(rest);
            rest = rest[element..];
            copied += element;
        }

        return SubflowDataLength + copied;
    }

    private static int WriteFull(NativeSocket socket, NativeStack host, Span<byte> value)
    {
        if (value.Length < FullInfoHead)
        {
            return -EINVAL;
        }

        ref FullInfo head = ref MemoryMarshal.AsRef<FullInfo>(value);
        if (head.KernelTcpSize != 0 || head.KernelSubflowSize != 0 || head.Subflows != 0
            || head.UserSubflowSize > int.MaxValue || head.UserTcpSize > int.MaxValue)
        {
            return -EINVAL;
        }

        List<SubflowTcpInfo> subflows = SubflowsOf(socket);
        if (!TryFillArrays(head, subflows, host))
        {
            return -EFAULT;
        }

        head.KernelTcpSize = (uint)Unsafe.SizeOf<TcpInfoLayout>();
        head.UserTcpSize = Math.Min(head.UserTcpSize, head.KernelTcpSize);
        head.KernelSubflowSize = SubflowInfoLength;
        head.UserSubflowSize = Math.Min(head.UserSubflowSize, head.KernelSubflowSize);
        head.Subflows = (uint)subflows.Count;
        MptcpInfoLayout info = MptcpInfoOf(socket, host);
        return FullInfoHead + Copy(info, value[FullInfoHead..]);
    }

    /// <summary>Fills the arrays that the caller's struct points to; false for a null pointer where something is to go.</summary>
    private static unsafe bool TryFillArrays(in FullInfo head, List<SubflowTcpInfo> subflows, NativeStack host)
    {
        int count = (int)Math.Min(head.ArrayLength, (uint)subflows.Count);
        int tcpSize = (int)Math.Min(head.UserTcpSize, (uint)Unsafe.SizeOf<TcpInfoLayout>());
        int subflowSize = (int)Math.Min(head.UserSubflowSize, SubflowInfoLength);
        if (count > 0 && ((head.SubflowArray == 0 && subflowSize > 0) || (head.TcpArray == 0 && tcpSize > 0)))
        {
            return false;
        }

        Span<byte> whole = stackalloc byte[SubflowInfoLength];
        for (int i = 0; i < count; i++)
        {
            whole.Clear();
            MemoryMarshal.Write(whole, (uint)subflows[i].Subflow.Number);
            WriteAddresses(subflows[i], whole[sizeof(long)..]);
            whole[..subflowSize].CopyTo(new Span<byte>((byte*)head.SubflowArray + i * (long)head.UserSubflowSize, subflowSize));
            TcpInfoLayout tcp = TcpInfoLayout.From(subflows[i].Tcp, host.Now);
            Copy(tcp, new Span<byte>((byte*)head.TcpArray + i * (long)head.UserTcpSize, tcpSize));
        }

        return true;
    }

    private static int WriteAddresses(in SubflowTcpInfo subflow, Span<byte> place)
    {
        place[..AddressesLength].Clear();
        SocketAddresses.Write(place, subflow.Subflow.Local);
        SocketAddresses.Write(place[SocketAddresses.StorageLength..], subflow.Subflow.Remote);
        return AddressesLength;
    }

    private static int Copy<T>(in T value, Span<byte> destination)
        where T : unmanaged
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value));
        int length = Math.Min(bytes.Length, destination.Length);
        bytes[..length].CopyTo(destination);
        return length;
    }
}
