using System.ComponentModel;
using System.Diagnostics;

namespace Mptcp.Links;

/// <summary>
/// Runs a system tool from the calling thread, so that the child is in that thread's network namespace.
/// </summary>
internal static class CommandRunner
{
    // A user's PATH often lacks the directories that hold these tools.
    private static readonly string[] _systemDirectories = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin", "/bin"];

    /// <summary>The full path of a tool; a <see cref="LinkException"/> that names its package where it is missing.</summary>
    public static string Find(string tool, string package)
    {
        string path = Environment.GetEnvironmentVariable("PATH") ?? "";
        foreach (string directory in path.Split(':', StringSplitOptions.RemoveEmptyEntries).Concat(_systemDirectories))
        {
            string candidate = Path.Combine(directory, tool);
            if (File.Exists(candidate))
                return candidate;
        }
        throw new LinkException($"The command '{tool}' is missing: install the package {package}.");
    }

    /// <summary>Runs the tool to its end; a <see cref="LinkException"/> with its first complaint if it fails.</summary>
    public static string Run(string tool, string[] arguments, string? input = null)
    {
        (int exitCode, string output, string errors) = RunUnchecked(tool, arguments, input);
        if (exitCode == 0)
            return output;
        throw new LinkException($"'{Path.GetFileName(tool)} {string.Join(' ', arguments)}' failed: {FirstLine(errors)}");
    }

    /// <summary>Runs the tool to its end, whatever its exit code.</summary>
    public static (int ExitCode, string Output, string Errors) RunUnchecked(
        string tool, string[] arguments, string? input = null)
    {
        var start = new ProcessStartInfo(tool, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        try
        {
            using Process process = Process.Start(start)!;
            try
            {
                process.StandardInput.Write(input);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // The tool ended without reading all: its exit code and complaint say why.
            }
            string output = process.StandardOutput.ReadToEnd();
            string errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output, errors);
        }
        catch (Win32Exception e)
        {
            throw new LinkException($"The command '{tool}' does not start: {e.Message}.", e);
        }
    }

    private static string FirstLine(string text)
    {
        string trimmed = text.Trim();
        int end = trimmed.IndexOf('\n', StringComparison.Ordinal);
        return end < 0 ? trimmed : trimmed[..end];
    }
}
