namespace Mptcp.Fuzz;

/// <summary>What a fuzzer calls with bytes of its own; any exception is a fault.</summary>
public delegate void FuzzTarget(ReadOnlySpan<byte> input);

/// <summary>The targets by the name that the command line and the folder of their inputs have.</summary>
public static class FuzzTargets
{
    public static IReadOnlyDictionary<string, FuzzTarget> All { get; } = new Dictionary<string, FuzzTarget>
    {
        ["options"] = OptionTarget.Run,
        ["packets"] = PacketTarget.Run,
        ["stack"] = StackTarget.Run,
    };

    /// <summary>The inputs kept for a target: a line of hexadecimal digits each; what begins with # is a remark.</summary>
    public static IEnumerable<byte[]> ReadCorpus(string path) => File.ReadLines(path)
        .Where(line => line.Length > 0 && line[0] != '#')
        .Select(Convert.FromHexString);
}
