using System.Diagnostics;
using System.Text.RegularExpressions;
using Xunit;

namespace Mptcp.Links.Tests;

/// <summary>Wireshark's reader as the judge of capture files.</summary>
internal static partial class Tshark
{
    private static readonly string? _path = (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, "tshark"))
        .FirstOrDefault(File.Exists);

    /// <summary>Skips the test where there is no tshark.</summary>
    public static void Require()
    {
        if (_path is null) Assert.Skip("needs tshark");
    }

    /// <summary>
    /// No frame is malformed, cut short or of a wrong checksum. Where the sum is zero the kernel sends ffff at times, the
    /// other zero of one's complement, and tshark calls that wrong (RFC 1624 §3). What TCP carries here is random bytes, and is
    /// not to be taken for a malformed message of a protocol that tshark believes to see in it.
    /// </summary>
    public static void AssertClean(string capture)
    {
        string faulty = Run(
            "-r", capture, "-V", "-x", "-d", "tcp.port==1-65535,data", "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE",
            "-Y", "_ws.malformed || _ws.short || ip.checksum.status == 0 || (tcp.checksum.status == 0 && tcp.checksum != 0xffff)");
        Assert.True(faulty.Length == 0, faulty);
    }

    /// <summary>One line per frame, fields joined by '|'; hexadecimal numbers, as wide as the version likes, without zeros.</summary>
    public static string[] Fields(string capture, params string[] fields)
    {
        string[] options = [.. fields.SelectMany(field => (string[])["-e", field])];
        string output = Run(["-r", capture, "-T", "fields", "-E", "separator=|", .. options]);
        return LeadingZeros().Replace(output, "0x").Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    [GeneratedRegex("0x0+(?=[0-9a-f])")]
    private static partial Regex LeadingZeros();

    private static string Run(params string[] arguments)
    {
        var start = new ProcessStartInfo(_path!, ["-n", .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors.GetAwaiter().GetResult());
        return output;
    }
}
