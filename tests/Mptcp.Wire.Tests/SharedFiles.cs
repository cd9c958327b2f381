namespace Mptcp.Wire.Tests;

/// <summary>Captures and other data that live beside the repository, or where MPTCP_SHARED says.</summary>
internal static class SharedFiles
{
    public static string Capture(string name)
    {
        string path = Path.Combine(Root(), "captures", name);
        if (!File.Exists(path)) Xunit.Assert.Skip($"needs ../shared/captures/{name} (or MPTCP_SHARED)");
        return path;
    }

    private static string Root()
    {
        if (Environment.GetEnvironmentVariable("MPTCP_SHARED") is { Length: > 0 } named) return named;

        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Mptcp.slnx"))) directory = directory.Parent;
        return Path.Combine(directory?.FullName ?? ".", "..", "shared");
    }
}
