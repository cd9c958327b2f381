using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Mptcp.Lab;

namespace Mptcp.Tool.Tests;

/// <summary>The command as a process.</summary>
internal sealed class ToolProcess : IDisposable
{
    public const int SigInt = 2;
    public const int SigTerm = 15;

    private static readonly string _assembly = Path.GetFullPath(
        Path.Combine(AppContext.BaseDirectory, "../../Mptcp.Tool/debug/Mptcp.Tool.dll"));

    private readonly Process _process;
    private readonly StringBuilder _errors = new();
    private readonly SemaphoreSlim _said = new(0);
    private readonly CancellationToken _cancel;

    private ToolProcess(Process process, CancellationToken cancel)
    {
        (_process, _cancel) = (process, cancel);
        _process.ErrorDataReceived += (_, e) =>
        {
            lock (_errors)
                _errors.Append(e.Data).Append(e.Data is null ? "" : "\n");
            _said.Release();
        };
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public Stream Input => _process.StandardInput.BaseStream;

    public Stream Output => _process.StandardOutput.BaseStream;

    public string Errors
    {
        get
        {
            lock (_errors)
                return _errors.ToString();
        }
    }

    /// <summary>Starts it; a child process is born in the network namespace of the thread that starts it.</summary>
    public static ToolProcess Start(NetworkNamespace? place, CancellationToken cancel, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [_assembly, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return new ToolProcess(place is null ? Process.Start(start)! : place.Run(() => Process.Start(start)!), cancel);
    }

    /// <summary>Waits until standard error holds a text.</summary>
    public async Task WaitToSayAsync(string text)
    {
        while (!Errors.Contains(text, StringComparison.Ordinal))
        {
            Assert.False(_process.HasExited, $"ended with {(_process.HasExited ? _process.ExitCode : 0)}: {Errors}");
            await _said.WaitAsync(_cancel);
        }
    }

    public async Task<byte[]> ReadToEndAsync()
    {
        var all = new MemoryStream();
        await Output.CopyToAsync(all, _cancel);
        return all.ToArray();
    }

    public async Task SendAsync(byte[] bytes)
    {
        await Input.WriteAsync(bytes, _cancel);
        Input.Close();
    }

    public void Signal(int signal) => Assert.Equal(0, Kill(_process.Id, signal));

    /// <summary>The exit code, after it has said all.</summary>
    public async Task<int> WaitAsync()
    {
        await _process.WaitForExitAsync(_cancel);
        return _process.ExitCode;
    }

    /// <summary>It must have ended with this code, and with one line that says this.</summary>
    public async Task AssertFailsAsync(int code, string says)
    {
        Assert.Equal(code, await WaitAsync());
        Assert.StartsWith("mptcp: ", Errors, StringComparison.Ordinal);
        Assert.Contains(says, Errors, StringComparison.Ordinal);
        Assert.Equal(1, Errors.Count(c => c == '\n'));
        Assert.DoesNotContain("   at ", Errors, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
        _said.Dispose();
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int pid, int signal);
}
