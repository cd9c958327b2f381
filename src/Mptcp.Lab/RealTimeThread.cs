using System.Runtime.InteropServices;

namespace Mptcp.Lab;

/// <summary>
/// Lets a thread run as soon as it has something to do, whatever else the machine is at. A thread that never sleeps takes
/// a core for itself.
/// </summary>
public static partial class RealTimeThread
{
    private const int SetTimerSlack = 29;
    private const int ThisThread = 0;
    private const int FirstInFirstOutForThisThreadOnly = 0x4000_0001;

    /// <summary>Makes the calling thread one; without the right to it, it stays as it is.</summary>
    public static void Enter()
    {
        _ = ProcessControl(SetTimerSlack, 1, 0, 0, 0);
        int lowestPriority = 1;
        _ = SetScheduler(ThisThread, FirstInFirstOutForThisThreadOnly, in lowestPriority);
    }

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int ProcessControl(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport("libc", EntryPoint = "sched_setscheduler")]
    private static partial int SetScheduler(int thread, int policy, in int priority);
}
