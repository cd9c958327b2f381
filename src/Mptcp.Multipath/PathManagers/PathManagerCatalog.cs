using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Mptcp.Multipath;

/// <summary>The path managers by the names that people give them.</summary>
public static class PathManagerCatalog
{
    /// <summary>What is expected where a name is not known, for messages.</summary>
    public const string Expected =
        "default, single, make-before-break, full-mesh, one-per-interface, ports:3 (so many subflows on one path), signal or manual";

    private const int MostPorts = 32;

    /// <summary>Finds the one that a text means.</summary>
    public static bool TryFind(string text, [NotNullWhen(true)] out IPathManager? manager)
    {
        manager = text.Split(':', 2) switch
        {
            ["default"] => new EndpointPaths(),
            ["single"] => new SinglePath(),
            ["make-before-break"] => new MakeBeforeBreak(),
            ["full-mesh"] => new FullMesh(),
            ["one-per-interface"] => new OnePerInterface(),
            ["ports", string number] when int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int count)
                && count is >= 1 and <= MostPorts => new PortsOnPath(count),
            ["signal"] => new SignalOnly(),
            ["manual"] => new ManualPaths(),
            _ => null,
        };
        return manager is not null;
    }
}
