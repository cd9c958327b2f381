using System.Runtime.CompilerServices;

namespace Mptcp.Simulation.Tests;

/// <summary>
/// Texts that a run must give to the byte, in Debug and Release alike. MPTCP_UPDATE_GOLDEN=1 writes them anew: for a
/// change that is meant to change what is sent, and then the difference is read before it is committed.
/// </summary>
internal static class Golden
{
    public static void Verify(string name, string actual, [CallerFilePath] string source = "")
    {
        string path = Path.Combine(Path.GetDirectoryName(source)!, "Golden", name);
        if (Environment.GetEnvironmentVariable("MPTCP_UPDATE_GOLDEN") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, actual);
        }

        Xunit.Assert.True(File.Exists(path), $"there is no {path}: MPTCP_UPDATE_GOLDEN=1 writes it");
        string[] expected = File.ReadAllText(path).Split('\n');
        string[] lines = actual.Split('\n');
        for (int i = 0; i < Math.Max(expected.Length, lines.Length); i++)
        {
            string want = i < expected.Length ? expected[i] : "(end)";
            string got = i < lines.Length ? lines[i] : "(end)";
            Xunit.Assert.True(
                want == got,
                $"{name}:{i + 1} differs; if the change is meant, MPTCP_UPDATE_GOLDEN=1 takes it over\nexpected {want}\nactual   {got}");
        }
    }
}
