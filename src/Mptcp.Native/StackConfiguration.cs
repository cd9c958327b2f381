using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Mptcp.Multipath;
using Mptcp.Stack;
using Mptcp.Tcp;
using static Mptcp.Native.Errno;

namespace Mptcp.Native;

/// <summary>struct mptcp_config, as mptcp.h has it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct StackConfiguration
{
    public const uint DenyJoinInitial = 1;
    public const uint SystemRandom = 2;
    public const uint FastOpenEarly = 4;
    private const int NameLength = 16;
    private const byte ChecksumRequired = 1;
    private const byte ChecksumRefused = 2;
    private const int LeastBuffer = 4096;
    private const int LargestBuffer = 1 << 30;
    private const uint LongestMinimumRto = 60_000;

    public uint Size;
    public uint Flags;
    public long ClockStart;
    public ulong Seed;
    public delegate* unmanaged<void*, ulong> Key;
    public void* KeyContext;
    public Name Congestion;
    public Name Scheduler;
    public uint SendBuffer;
    public uint ReceiveBuffer;
    public ulong Memory;
    public byte Checksum;
    public byte Version;
    public ushort Reserved;
    public uint CloseTimeout;
    public uint MinimumRto;

    /// <summary>A name, with zeros behind it where it is shorter.</summary>
    [InlineArray(NameLength)]
    public struct Name
    {
        private byte _first;
    }

    /// <summary>Reads as much as the caller has; null, and an errno, when it does not even have a size.</summary>
    public static int TryRead(StackConfiguration* given, out StackConfiguration configuration)
    {
        configuration = default;
        if (given is null)
        {
            return -EFAULT;
        }

        // A longer one, of a newer header, is taken where what this library does not know is zero.
        uint size = given->Size;
        uint known = (uint)Unsafe.SizeOf<StackConfiguration>();
        if (size < sizeof(uint) || size > 4096
            || (size > known && new ReadOnlySpan<byte>((byte*)given + known, (int)(size - known)).ContainsAnyExcept((byte)0)))
        {
            return -EINVAL;
        }

        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<StackConfiguration>(ref configuration));
        new ReadOnlySpan<byte>(given, (int)Math.Min(size, known)).CopyTo(bytes);
        return 0;
    }

    /// <summary>Makes the stack; null, and an errno, when it cannot be so.</summary>
    public readonly int TryMake(out NativeStack? stack)
    {
        stack = null;
        if (Version > 1)
        {
            return -EPROTONOSUPPORT;
        }

        if (ClockStart < 0 || Flags > (DenyJoinInitial | SystemRandom | FastOpenEarly) || Checksum > ChecksumRefused || Reserved != 0
            || !IsBuffer(SendBuffer) || !IsBuffer(ReceiveBuffer) || Memory > long.MaxValue || MinimumRto > LongestMinimumRto)
        {
            return -EINVAL;
        }

        bool known = Congestions.TryFind(Text(Congestion, Congestions.Default), out Func<int, ICongestionController>? congestion);
        if (!known || !SchedulerCatalog.TryFind(Text(Scheduler, "default"), out Func<IScheduler>? scheduler))
        {
            return -ENOENT;
        }

        var defaults = new StackOptions();
        StackOptions options = defaults with
        {
            Connection = Settings(defaults.Connection) with { Scheduler = scheduler },
            CongestionControl = congestion!,
            MinimumRto = MinimumRto == 0 ? defaults.MinimumRto : MinimumRto * Instant.Millisecond,
            NoDelay = false,
            Memory = Memory == 0 ? defaults.Memory : (long)Memory,
            EndpointsOnly = true,
            ChooseKey = Key is null ? null : Chooser((nint)Key, (nint)KeyContext),
        };
        IEntropySource entropy = (Flags & SystemRandom) != 0 ? new SystemEntropy() : new SeededEntropy(Seed);
        stack = new NativeStack(options, entropy, NativeStack.FromMicroseconds(ClockStart));
        return 0;
    }

    private readonly MptcpSettings Settings(MptcpSettings defaults) => defaults with
    {
        SendBuffer = SendBuffer == 0 ? defaults.SendBuffer : (int)SendBuffer,
        ReceiveBuffer = ReceiveBuffer == 0 ? defaults.ReceiveBuffer : (int)ReceiveBuffer,
        ChecksumRequired = Checksum == ChecksumRequired,
        ChecksumRefused = Checksum == ChecksumRefused,
        DenyJoinInitialAddress = (Flags & DenyJoinInitial) != 0,
        AnswerEarly = (Flags & FastOpenEarly) != 0,
        CloseTimeout = CloseTimeout == 0 ? defaults.CloseTimeout
            : CloseTimeout == uint.MaxValue ? 0 : CloseTimeout * Instant.Millisecond,
    };

    private static bool IsBuffer(uint bytes) => bytes == 0 || (bytes >= LeastBuffer && bytes <= LargestBuffer);

    private static Func<ulong> Chooser(nint function, nint context) =>
        () => ((delegate* unmanaged<void*, ulong>)function)((void*)context);

    private static string Text(in Name name, string whenEmpty)
    {
        ReadOnlySpan<byte> field = name;
        int end = field.IndexOf((byte)0);
        string text = Encoding.ASCII.GetString(end < 0 ? field : field[..end]);
        return text.Length == 0 ? whenEmpty : text;
    }
}
