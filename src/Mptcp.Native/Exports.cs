using System.Runtime.InteropServices;
using static Mptcp.Native.Errno;

namespace Mptcp.Native;

/// <summary>
/// The functions of mptcp.h: pointers become spans here and nowhere else, and whatever goes wrong becomes an errno. A
/// stack is a handle of the runtime, so that there is no table of stacks.
/// </summary>
internal static unsafe partial class Exports
{
    private const int AbiVersion = 1;

    [UnmanagedCallersOnly(EntryPoint = "mptcp_abi_version")]
    public static int GetAbiVersion() => AbiVersion;

    [UnmanagedCallersOnly(EntryPoint = "mptcp_stack_new")]
    public static nint NewStack(StackConfiguration* given)
    {
        try
        {
            int failure = StackConfiguration.TryRead(given, out StackConfiguration configuration);
            NativeStack? host = null;
            failure = failure < 0 ? failure : configuration.TryMake(out host);
            if (host is not null)
            {
                return GCHandle.ToIntPtr(GCHandle.Alloc(host));
            }

            Marshal.SetLastSystemError(-failure);
        }
        catch (Exception)
        {
            Marshal.SetLastSystemError(ENOTRECOVERABLE);
        }

        return 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "mptcp_stack_free")]
    public static void FreeStack(nint stack)
    {
        if (stack != 0)
        {
            GCHandle.FromIntPtr(stack).Free();
        }
    }

    /// <summary>
    /// Calls into a stack and lets leave what may leave after it. What the engine throws is a fault of its own: the stack is
    /// not touched again.
    /// </summary>
    private static nint Call<TArguments>(nint stack, TArguments arguments, Func<NativeStack, TArguments, nint> call)
    {
        if (stack == 0)
        {
            return -EFAULT;
        }

        var host = (NativeStack)GCHandle.FromIntPtr(stack).Target!;
        if (host.Broken)
        {
            return -ENOTRECOVERABLE;
        }

        try
        {
            nint result = call(host, arguments);
            host.Drain();
            return result;
        }
        catch (Exception)
        {
            host.Broken = true;
            return -ENOTRECOVERABLE;
        }
    }

    /// <summary>The same for one of its sockets.</summary>
    private static nint OnSocket<TArguments>(nint stack, int s, TArguments arguments, Func<NativeSocket, TArguments, nint> call) =>
        Call(stack, (s, arguments, call), static (host, all) =>
            host.Sockets.Find(all.s) is { } socket ? all.call(socket, all.arguments) : -EBADF);

    private static ReadOnlySpan<byte> Bytes(nint from, nint length) => new((void*)from, checked((int)length));

    private static Span<byte> Room(nint to, nint length) => new((void*)to, (int)Math.Min(length, int.MaxValue));
}
