using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Mptcp.Native.Tests;

/// <summary>The library that <c>./native</c> builds, and programs in C that are compiled against it. Made once.</summary>
public sealed class NativeLibrary : IDisposable
{
    private static readonly TimeSpan _buildLimit = TimeSpan.FromMinutes(8);
    private readonly string _programs = Directory.CreateTempSubdirectory("mptcp-native-").FullName;

    /// <summary>Builds it, unless it is there and newer than its sources.</summary>
    public NativeLibrary()
    {
        Missing = OperatingSystem.IsLinux() ? null : "needs Linux";
        Missing ??= IsOnPath("gcc") ? null : "needs gcc";
        if (Missing is null)
        {
            (int code, string output) = Run(Path.Combine(Root, "native"), [], _buildLimit);
            Assert.True(code == 0, output);
        }
    }

    /// <summary>What this machine lacks; null when nothing.</summary>
    public string? Missing { get; }

    /// <summary>The folder of the library and its header.</summary>
    public string Folder => Path.Combine(Root, "artifacts/native");

    /// <summary>The repository.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The sources in C of these tests.</summary>
    public static string Sources => Path.Combine(Root, "tests/Mptcp.Native.Tests/c");

    /// <summary>Compiles a program against the library; returns its path.</summary>
    public string Compile(string name, params string[] sources) =>
        Compile(name, sources, ["-I", Folder, "-L", Folder, "-lmptcp"]);

    /// <summary>Compiles a program without it.</summary>
    public string CompileAlone(string name, params string[] sources) => Compile(name, sources, []);

    /// <summary>Runs a program with the library in reach: its exit code, and what it printed.</summary>
    public (int Code, string Output) Run(string program, string[] arguments, TimeSpan limit, string? library = null)
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                RedirectStandardInput = true,
            },
        };
        process.StartInfo.Environment["LD_LIBRARY_PATH"] = library ?? Folder;
        process.Start();
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(limit))
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            return (-1, $"{output.Result}{errors.Result}\n{Path.GetFileName(program)} was not done within {limit}");
        }

        return (process.ExitCode, output.Result + errors.Result);
    }

    /// <summary>Whether a command can be started.</summary>
    public static bool IsOnPath(string command) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(':')
        .Any(folder => File.Exists(Path.Combine(folder, command)));

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_programs, recursive: true);

    private string Compile(string name, string[] sources, string[] options)
    {
        string program = Path.Combine(_programs, name);
        string[] arguments =
        [
            "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-g", "-o", program, .. sources.Select(source => Path.Combine(Sources, source)),
            .. options,
        ];
        (int code, string output) = Run("gcc", arguments, TimeSpan.FromMinutes(1));
        Assert.True(code == 0, output);
        return program;
    }

    private static string FindRoot([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../.."));
}
