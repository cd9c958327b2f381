using System.Reflection;
using Mptcp.Tool.Simulate;

namespace Mptcp.Tool.Experiments;

/// <summary>The experiments that come with the command, and those in files.</summary>
internal static class ExperimentCatalog
{
    private const string Prefix = "experiments/";
    private const string Suffix = ".toml";

    /// <summary>
    /// Those of these names, in their order; all that come with the command where there is no name, but the fat tree, which takes
    /// minutes by itself.
    /// </summary>
    /// <exception cref="ToolException">One is not there, or wrong.</exception>
    public static List<Experiment> Load(IReadOnlyList<string> names) =>
        [.. (names.Count > 0 ? names : Names()).Select(Load)];

    private static List<string> Names() =>
        [.. Assembly.GetExecutingAssembly().GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(name => name[Prefix.Length..^Suffix.Length])
            .Order(StringComparer.Ordinal)];

    private static Experiment Load(string name)
    {
        string where = name;
        try
        {
            if (name == FatTree.Name)
                return ExperimentReader.Read(name, FatTree.Text(), "");
            if (Open(name) is { } stream)
            {
                where = $"{Prefix}{name}{Suffix}";
                using var reader = new StreamReader(stream);
                return ExperimentReader.Read(name, reader.ReadToEnd(), "");
            }

            return File.Exists(name)
                ? ExperimentReader.Read(Path.GetFileNameWithoutExtension(name), File.ReadAllText(name), Path.GetDirectoryName(name) ?? "")
                : throw new ToolException(ExitCode.Usage, $"there is no experiment '{name}': give a file, or one of {string.Join(", ", Names())}, {FatTree.Name}");
        }
        catch (ScenarioException e)
        {
            throw new ToolException(ExitCode.Usage, $"{where}:{e.Line}: {e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ToolException(ExitCode.Usage, $"cannot read '{name}': {e.Message.TrimEnd('.')}");
        }
    }

    private static Stream? Open(string name) => Assembly.GetExecutingAssembly().GetManifestResourceStream($"{Prefix}{name}{Suffix}");
}
