using System.Diagnostics;
using System.Runtime.InteropServices;
using Xunit;

namespace Mptcp.Links.Tests;

/// <summary>A network namespace that lives as long as its one thread, on which everything in it is done.</summary>
internal sealed class ViaTestNamespace : IDisposable
{
    private const int CloneNewNet = 0x4000_0000;

    private readonly System.Collections.Concurrent.BlockingCollection<Action> _work = [];
    private readonly Thread _thread;

    public ViaTestNamespace()
    {
        _thread = new Thread(() =>
        {
            foreach (Action action in _work.GetConsumingEnumerable())
                action();
        })
        { IsBackground = true };
        _thread.Start();
        Run(() =>
        {
            if (Unshare(CloneNewNet) != 0)
                throw new InvalidOperationException("unshare failed");
            ThreadId = GetThreadId();
        });
        Command("ip", "link set lo up");
    }

    public int ThreadId { get; private set; }

    public void Run(Action action) => Run(() =>
    {
        action();
        return true;
    });

    public T Run<T>(Func<T> function)
    {
        T result = default!;
        Exception? failure = null;
        using var done = new ManualResetEventSlim();
        _work.Add(() =>
        {
            try
            {
                result = function();
            }
            catch (Exception e)
            {
                failure = e;
            }
            done.Set();
        });
        done.Wait();
        if (failure is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        return result;
    }

    /// <summary>Runs a command in the namespace and returns what it printed; it must succeed.</summary>
    public string Command(string file, string arguments) => Run(() =>
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{file} {arguments}: {errors}");
        return output;
    });

    public void SetSysctl(string path, string value) =>
        Run(() => File.WriteAllText("/proc/sys/net/" + path, value));

    public string GetSysctl(string path) => Run(() => File.ReadAllText("/proc/sys/net/" + path).Trim());

    public void Dispose()
    {
        _work.CompleteAdding();
        _thread.Join();
        _work.Dispose();
    }

    [DllImport("libc", EntryPoint = "unshare")]
    private static extern int Unshare(int flags);

    [DllImport("libc", EntryPoint = "gettid")]
    private static extern int GetThreadId();
}
