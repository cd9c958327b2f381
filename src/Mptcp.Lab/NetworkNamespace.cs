using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Mptcp.Lab;

/// <summary>
/// An anonymous network namespace. It lives as long as its one thread, on which everything in it is done; it leaves
/// nothing behind, also when the process is killed. Every public member may be called from any thread but its own.
/// </summary>
public sealed partial class NetworkNamespace : IDisposable
{
    private const int CloneNewNet = 0x4000_0000;

    private readonly BlockingCollection<Action> _work = [];
    private readonly Thread _thread;

    /// <summary>Makes the namespace, with its loopback interface up.</summary>
    /// <exception cref="LabException">No right to it, or no <c>ip</c> command.</exception>
    public NetworkNamespace()
    {
        _thread = new Thread(() =>
        {
            foreach (Action action in _work.GetConsumingEnumerable())
            {
                action();
            }
        })
        { IsBackground = true, Name = "network namespace" };
        _thread.Start();
        try
        {
            Run(Enter);
            Command("ip", "link", "set", "lo", "up");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The thread by which commands such as <c>ip link set ... netns</c> name the namespace.</summary>
    public int ThreadId { get; private set; }

    /// <summary>Runs an action on the namespace's thread; what it throws is thrown here.</summary>
    public void Run(Action action) => Run(() =>
    {
        action();
        return true;
    });

    /// <summary>
    /// Runs a function on the namespace's thread. What belongs to a namespace from its making (a socket, a TUN) is made
    /// so, and may be used from any thread afterwards. The function starts no thread, task or process: they would be born
    /// into the namespace.
    /// </summary>
    public T Run<T>(Func<T> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        T result = default!;
        ExceptionDispatchInfo? failure = null;
        using var done = new ManualResetEventSlim();
        _work.Add(() =>
        {
            try
            {
                result = function();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }

            done.Set();
        });
        done.Wait();
        failure?.Throw();
        return result;
    }

    /// <summary>Runs a command in the namespace and returns what it printed.</summary>
    /// <exception cref="LabException">It does not exist, or it fails.</exception>
    public string Command(string file, params string[] arguments)
    {
        // Not on our thread: the framework starts threads of its own with the first process, and a thread is born into
        // the namespace of the one that makes it. Threads of the pool must not be there.
        string place = $"--net=/proc/{Environment.ProcessId}/task/{ThreadId}/ns/net";
        var start = new ProcessStartInfo("nsenter", [place, "--", file, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            using Process process = Process.Start(start)!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0
                ? output
                : throw new LabException($"'{file} {string.Join(' ', arguments)}' failed: {errors.Result.Trim()}");
        }
        catch (Win32Exception e)
        {
            throw new LabException($"The command 'nsenter' does not start (install the package util-linux): {e.Message}", e);
        }
    }

    /// <summary>Runs <c>ip</c> with arguments that hold no spaces.</summary>
    /// <exception cref="LabException">It fails.</exception>
    public string Ip(string arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        return Command("ip", arguments.Split(' '));
    }

    /// <summary>Sets a variable of the namespace.</summary>
    /// <param name="path">Below <c>/proc/sys/net/</c>, such as <c>ipv4/ip_forward</c>.</param>
    /// <param name="value">The value.</param>
    /// <exception cref="LabException">It does not exist, or the kernel does not take the value.</exception>
    public void SetSysctl(string path, string value) => Run(() =>
    {
        try
        {
            File.WriteAllText("/proc/sys/net/" + path, value);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LabException($"/proc/sys/net/{path} does not take '{value}': {e.Message}", e);
        }
    });

    /// <summary>Reads a variable of the namespace.</summary>
    public string GetSysctl(string path) => Run(() => File.ReadAllText("/proc/sys/net/" + path).Trim());

    /// <summary>Ends the thread, and with it the namespace once no socket or TUN of it is open.</summary>
    public void Dispose()
    {
        if (!_work.IsAddingCompleted)
        {
            _work.CompleteAdding();
            _thread.Join();
            _work.Dispose();
        }
    }

    private void Enter()
    {
        if (Unshare(CloneNewNet) != 0)
        {
            throw new LabException($"No network namespace ({Marshal.GetLastPInvokeErrorMessage()}): run as root.");
        }

        ThreadId = GetThreadId();
    }

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);

    [LibraryImport("libc", EntryPoint = "gettid")]
    private static partial int GetThreadId();
}
