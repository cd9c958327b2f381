using System.Runtime.InteropServices;
using Mptcp.Multipath;
using Mptcp.Wire;
using static Mptcp.Native.Errno;

namespace Mptcp.Native;

/// <content>Interfaces, paths, packets, time and events.</content>
internal static unsafe partial class Exports
{
    private const int MaxLimit = 8;
    private const uint EndpointFlagsMask = 15;

    /// <summary>struct mptcp_endpoint.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct EndpointLayout
    {
        public uint Size;
        public uint Flags;
        public fixed byte Address[SocketAddresses.StorageLength];
        public int Interface;
        public byte Id;
        private readonly byte _reserved1;
        private readonly byte _reserved2;
        private readonly byte _reserved3;

        public readonly bool HasReserved => (_reserved1 | _reserved2 | _reserved3) != 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "mptcp_if_add")]
    public static int AddInterface(nint stack, int ifindex, byte* address, int prefix, int mtu) => (int)Call(
        stack, (ifindex, address: (nint)address, prefix, mtu), static (host, a) =>
            TryReadAddress((byte*)a.address, out IpEndpoint place) is < 0 and int failure
                ? failure
                : host.AddInterface(a.ifindex, place.Address, a.prefix, a.mtu));

    [UnmanagedCallersOnly(EntryPoint = "mptcp_if_del")]
    public static int RemoveInterface(nint stack, int ifindex, byte* address) => (int)Call(
        stack, (ifindex, address: (nint)address), static (host, a) =>
        {
            if (a.address == 0)
            {
                return host.RemoveInterface(a.ifindex, null);
            }

            int failure = TryReadAddress((byte*)a.address, out IpEndpoint place);
            return failure < 0 ? failure : host.RemoveInterface(a.ifindex, place.Address);
        });

    [UnmanagedCallersOnly(EntryPoint = "mptcp_if_up")]
    public static int SetInterface(nint stack, int ifindex, int up) => (int)Call(
        stack, (ifindex, up), static (host, a) => host.SetInterface(a.ifindex, a.up != 0));

    [UnmanagedCallersOnly(EntryPoint = "mptcp_endpoint_add")]
    public static int AddEndpoint(nint stack, EndpointLayout* endpoint) => (int)Call(stack, (nint)endpoint, static (host, pointer) =>
    {
        var given = (EndpointLayout*)pointer;
        if (given is null)
        {
            return -EFAULT;
        }

        if (given->Size != sizeof(EndpointLayout) || given->Flags > EndpointFlagsMask || given->HasReserved || given->Interface < 0)
        {
            return -EINVAL;
        }

        int failure = TryReadAddress(given->Address, out IpEndpoint place);
        return failure < 0 ? failure : Endpoints.Add(host, place, (EndpointFlags)given->Flags, given->Id, given->Interface);
    });

    [UnmanagedCallersOnly(EntryPoint = "mptcp_endpoint_del")]
    public static int RemoveEndpoint(nint stack, int id) => (int)Call(stack, id, static (host, id) =>
        id is > 0 and <= byte.MaxValue && host.Stack.RemoveEndpoint((byte)id) ? 0 : -EINVAL);

    [UnmanagedCallersOnly(EntryPoint = "mptcp_endpoint_change")]
    public static int ChangeEndpoint(nint stack, int id, uint flags) => (int)Call(stack, (id, flags), static (host, a) =>
        a.id is > 0 and <= byte.MaxValue && a.flags <= EndpointFlagsMask
            && host.Stack.ChangeEndpoint((byte)a.id, (EndpointFlags)a.flags) ? 0 : -EINVAL);

    [UnmanagedCallersOnly(EntryPoint = "mptcp_limits")]
    public static int SetLimits(nint stack, int subflows, int accepted) => (int)Call(stack, (subflows, accepted), static (host, a) =>
    {
        if (a.subflows is < 0 or > MaxLimit || a.accepted is < 0 or > MaxLimit)
        {
            return -EINVAL;
        }

        host.Stack.Limits = new PathLimits(a.subflows, a.accepted);
        return 0;
    });

    [UnmanagedCallersOnly(EntryPoint = "mptcp_input")]
    public static int Input(nint stack, int ifindex, byte* packet, nuint length) => (int)Call(
        stack, (ifindex, packet: (nint)packet, length), static (host, a) => a.packet == 0 ? -EFAULT
            : a.length > int.MaxValue ? -EMSGSIZE
            : host.Input(a.ifindex, Bytes(a.packet, (nint)a.length)));

    [UnmanagedCallersOnly(EntryPoint = "mptcp_output")]
    public static nint Output(nint stack, int* ifindex, byte* buffer, nuint capacity, long* leftAt) => Call(
        stack, (ifindex: (nint)ifindex, buffer: (nint)buffer, capacity, leftAt: (nint)leftAt), static (host, a) =>
        {
            if (a.buffer == 0)
            {
                return -EFAULT;
            }

            nint length = host.Output(Room(a.buffer, (nint)Math.Min(a.capacity, int.MaxValue)), out int link, out long at);
            if (length > 0 && a.ifindex != 0)
            {
                *(int*)a.ifindex = link;
            }

            if (length > 0 && a.leftAt != 0)
            {
                *(long*)a.leftAt = at;
            }

            return length;
        });

    [UnmanagedCallersOnly(EntryPoint = "mptcp_next_timer")]
    public static long GetNextTimer(nint stack) => Call(stack, 0, static (host, _) => (nint)host.NextTimer);

    [UnmanagedCallersOnly(EntryPoint = "mptcp_advance")]
    public static void Advance(nint stack, long now) => Call(stack, now, static (host, now) =>
    {
        host.Advance(now);
        return 0;
    });

    [UnmanagedCallersOnly(EntryPoint = "mptcp_drops")]
    public static long GetDrops(nint stack) => Call(stack, 0, static (host, _) => (nint)host.Stack.Drops.Refused);

    [UnmanagedCallersOnly(EntryPoint = "mptcp_events")]
    public static int TakeEvents(nint stack, NativeEvent* events, int max) => (int)Call(
        stack, (events: (nint)events, max), static (host, a) => a.max < 0 ? -EINVAL
            : a.events == 0 && a.max > 0 ? -EFAULT
            : host.Events.Take(new Span<NativeEvent>((void*)a.events, a.max)));

    private static int TryReadAddress(byte* address, out IpEndpoint place)
    {
        place = default;
        if (address is null)
        {
            return -EFAULT;
        }

        int family = SocketAddresses.FamilyOf(new ReadOnlySpan<byte>(address, SocketAddresses.FamilyLength));
        int length = family == Families.AF_INET ? SocketAddresses.V4Length : SocketAddresses.V6Length;
        if (family is not (Families.AF_INET or Families.AF_INET6))
        {
            return -EAFNOSUPPORT;
        }

        place = SocketAddresses.Read(new ReadOnlySpan<byte>(address, length));
        return 0;
    }
}
