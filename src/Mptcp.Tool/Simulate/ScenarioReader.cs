using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Stack;
using Mptcp.Tcp;

namespace Mptcp.Tool.Simulate;

/// <summary>Reads a scenario file; every error has a line.</summary>
internal sealed class ScenarioReader
{
    private const string NodeNames = "the name of a host";
    private const int MaxPaths = 1000;
    private const int MaxFlows = 1000;

    /// <summary>What is expected where a congestion control is named, for messages.</summary>
    public const string Controllers = $"cubic, reno, bbr, {CoupledControllers.Expected}";

    private readonly List<NodeSpec> _nodes = [];
    private readonly List<PathSpec> _paths = [];
    private readonly List<FlowSpec> _flows = [];
    private readonly PathReader _pathReader;

    private ScenarioReader(string folder) => _pathReader = new PathReader(folder);

    /// <summary>Reads the text of a file.</summary>
    /// <param name="text">The text.</param>
    /// <param name="folder">The folder of the file.</param>
    /// <exception cref="ScenarioException">Something is wrong.</exception>
    public static Scenario Read(string text, string folder) => new ScenarioReader(folder).Read(new Section(TomlTree.Parse(text), "the scenario"));

    /// <summary>Reads what is a scenario of a table of which others may have taken their part.</summary>
    public static Scenario Read(Section root, string folder) => new ScenarioReader(folder).Read(root);

    private Scenario Read(Section root)
    {
        var seed = (ulong)(root.TakeInteger("seed", 0, long.MaxValue) ?? 1);
        long limit = root.TakePositive("limit", Quantity.Duration) ?? 600 * Instant.Second;
        foreach (Section host in root.TakeNamed("hosts", "host"))
            Add(ReadHost(host));
        foreach (Section router in root.TakeNamed("routers", "router"))
            Add(ReadRouter(router));
        foreach (Section nat in root.TakeNamed("nats", "nat"))
            Add(ReadNat(nat));
        foreach (Section path in root.TakeNamed("paths", "path"))
            _paths.Add(ReadPath(path));
        foreach (Section flow in root.TakeAll("flows", "flow"))
            _flows.Add(ReadFlow(flow));
        root.RejectOthers();
        CheckWhole();
        return new Scenario(seed, limit, _nodes, _paths, _flows);
    }

    private void Add(NodeSpec node)
    {
        if (_nodes.Exists(other => other.Name == node.Name))
            throw new ScenarioException(node.Line, $"'{node.Name}' is there twice", "a name of its own for each host, router and NAT");
        _nodes.Add(node);
    }

    private static HostSpec ReadHost(Section section)
    {
        var defaults = new MptcpSettings();
        var settings = new MptcpSettings
        {
            SendBuffer = TakeBuffer(section, "send-buffer", defaults.SendBuffer),
            ReceiveBuffer = TakeBuffer(section, "receive-buffer", defaults.ReceiveBuffer),
            ChecksumRequired = section.TakeBoolean("checksum") ?? defaults.ChecksumRequired,
            MaxSubflows = (int?)section.TakeInteger("max-subflows", 1, 32) ?? defaults.MaxSubflows,
            AnnounceAddresses = section.TakeBoolean("announce-addresses") ?? defaults.AnnounceAddresses,
            Scheduler = TakeScheduler(section),
            PathManager = TakePathManager(section),
            CouplingStrength = (int?)section.TakeInteger("coupling", 0, 100) ?? defaults.CouplingStrength,
            CouplingScope = TakeScope(section),
        };
        bool sack = section.TakeBoolean("sack") ?? true;
        StackOptions options = TakeController(section, new StackOptions { Connection = settings, SelectiveAcks = sack });
        section.RejectOthers();
        return new HostSpec(NameOf(section), section.Line, options);
    }

    private static Func<IScheduler> TakeScheduler(Section section)
    {
        string name = section.TakeText("scheduler", SchedulerCatalog.Expected) ?? "default";
        return SchedulerCatalog.TryFind(name, out Func<IScheduler>? make) ? make
            : throw new ScenarioException(section.LineOf("scheduler"), $"scheduler is '{name}'", SchedulerCatalog.Expected);
    }

    private static IPathManager TakePathManager(Section section)
    {
        string name = section.TakeText("path-manager", PathManagerCatalog.Expected) ?? "default";
        return PathManagerCatalog.TryFind(name, out IPathManager? manager) ? manager
            : throw new ScenarioException(section.LineOf("path-manager"), $"path-manager is '{name}'", PathManagerCatalog.Expected);
    }

    private static CouplingScope TakeScope(Section section)
    {
        const string expected = "connection or bottleneck";
        return (section.TakeText("coupling-scope", expected) ?? "connection") switch
        {
            "connection" => CouplingScope.Connection,
            "bottleneck" => CouplingScope.Bottleneck,
            string name => throw new ScenarioException(section.LineOf("coupling-scope"), $"coupling-scope is '{name}'", expected),
        };
    }

    /// <summary>Puts a congestion control in place, coupled or not; false when there is none of this name.</summary>
    public static bool TryUse(string name, ref StackOptions options)
    {
        if (CoupledControllers.TryFind(name, out Func<CouplingGroup, int, ICoupledController>? coupling))
        {
            options = options with { Connection = options.Connection with { Coupling = coupling } };
            return true;
        }

        Func<int, ICongestionController>? control = name switch
        {
            "cubic" => CongestionControllers.Cubic,
            "reno" => CongestionControllers.NewReno,
            "bbr" => CongestionControllers.Bbr,
            _ => null,
        };
        options = options with { CongestionControl = control ?? options.CongestionControl };
        return control is not null;
    }

    private static StackOptions TakeController(Section section, StackOptions options)
    {
        string name = section.TakeText("congestion", Controllers) ?? "cubic";
        return TryUse(name, ref options) ? options
            : throw new ScenarioException(section.LineOf("congestion"), $"congestion is '{name}'", Controllers);
    }

    private static int TakeBuffer(Section section, string key, int otherwise)
    {
        const long least = 4096;
        const long most = 1 << 30;
        return section.Take(key, Quantity.Size) is not { } size ? otherwise
            : size is >= least and <= most ? (int)size
            : throw new ScenarioException(section.LineOf(key), $"{key} is {size} bytes", "4 KiB to 1 GiB");
    }

    private static RouterSpec ReadRouter(Section section)
    {
        bool silent = section.TakeBoolean("silent") ?? false;
        bool ecmp = section.TakeBoolean("ecmp") ?? false;
        section.RejectOthers();
        return new RouterSpec(NameOf(section), section.Line, silent) { Ecmp = ecmp };
    }

    private static NatSpec ReadNat(Section section)
    {
        var defaults = new NatOptions();
        string outside = section.NeedText("outside", "the name of the path to the outside");
        var options = new NatOptions
        {
            IdleNanoseconds = section.TakePositive("idle", Quantity.Duration) ?? defaults.IdleNanoseconds,
            TransitoryNanoseconds = section.TakePositive("transitory", Quantity.Duration) ?? defaults.TransitoryNanoseconds,
            PreservesPorts = section.TakeBoolean("preserve-ports") ?? defaults.PreservesPorts,
            Filtering = section.TakeBoolean("open") == true ? NatFiltering.EndpointIndependent : defaults.Filtering,
        };
        section.RejectOthers();
        return new NatSpec(NameOf(section), section.Line, options, outside);
    }

    private PathSpec ReadPath(Section section)
    {
        const string expected = "the names of two hosts such as [\"client\", \"server\"]";
        List<TomlItem> between = section.TakeList("between", expected)
            ?? throw new ScenarioException(section.Line, $"{section.Name} has no between", $"between = {expected}");
        int line = section.LineOf("between");
        if (between is not [{ Value: string first }, { Value: string second }])
            throw new ScenarioException(line, "between is something else", expected);
        (int a, int b) = (Find(first, line), Find(second, line));
        if (a == b)
            throw new ScenarioException(line, $"a path leads from '{first}' to itself", expected);
        DirectionSpecs directions = _pathReader.Read(section);
        var path = new PathSpec(NameOf(section), a, b, directions.Forward, directions.Back)
        {
            ForwardBoxes = directions.ForwardBoxes,
            BackBoxes = directions.BackBoxes,
            Mtu = (int?)section.TakeInteger("mtu", 576, 65_535) ?? 1500,
            StripsMptcp = section.TakeBoolean("strip-mptcp") ?? false,
        };
        section.RejectOthers();
        return path;
    }

    private FlowSpec ReadFlow(Section section)
    {
        int from = FindHost(section, "from");
        int to = FindHost(section, "to");
        if (from == to)
            throw new ScenarioException(section.LineOf("to"), "a flow leads to its own host", "two hosts");
        long? bytes = section.TakePositive("bytes", Quantity.Size);
        long? duration = section.TakePositive("duration", Quantity.Duration);
        long? interval = section.TakePositive("every", Quantity.Duration);
        if (interval is not null && (bytes is null || duration is null))
            throw new ScenarioException(section.LineOf("every"), "a flow of messages lacks bytes or duration", "every, bytes and duration");
        if (interval is null && bytes is null == duration is null)
            throw new ScenarioException(section.Line, bytes is null ? "a flow has neither bytes nor duration" : "a flow has both bytes and duration", "one of them");
        string name = section.TakeText("name", "a text") ?? $"{_nodes[from].Name} > {_nodes[to].Name}";
        long start = section.Take("start", Quantity.Duration) ?? 0;
        List<(int From, int To)> subflows = TakeSubflows(section, from, to);
        section.RejectOthers();
        return new FlowSpec(name, section.Line, from, to, bytes, duration, start) { Subflows = subflows, IntervalNanoseconds = interval };
    }

    private List<(int From, int To)> TakeSubflows(Section section, int from, int to)
    {
        const string expected = "a list such as [[\"wifi\", \"home\"], [\"lte\", \"home\"]]: a path of the sender and one of the receiver";
        var subflows = new List<(int From, int To)>();
        foreach (TomlItem item in section.TakeList("subflows", expected) ?? [])
        {
            if (item.Value is not List<TomlItem> pair || pair is not [{ Value: string }, { Value: string }])
                throw new ScenarioException(item.Line, "subflows holds something else", expected);
            subflows.Add((FindPath(pair[0], from), FindPath(pair[1], to)));
        }

        return subflows;
    }

    private int FindPath(TomlItem item, int node)
    {
        int path = _paths.FindIndex(path => path.Name == (string)item.Value && (path.First == node || path.Second == node));
        return path >= 0 ? path : throw new ScenarioException(
            item.Line, $"'{_nodes[node].Name}' has no path '{item.Value}'", $"one of {string.Join(", ", _paths
                .Where(path => path.First == node || path.Second == node).Select(path => path.Name))}");
    }

    private void CheckWhole()
    {
        if (_flows.Count == 0)
            throw new ScenarioException(1, "nothing happens", "a table that begins with [[flows]]");
        if (_paths.Count > MaxPaths || _flows.Count > MaxFlows)
            throw new ScenarioException(1, "there is too much", $"up to {MaxPaths} paths and {MaxFlows} flows");
        foreach (NatSpec nat in _nodes.OfType<NatSpec>())
        {
            int node = _nodes.IndexOf(nat);
            if (!_paths.Exists(path => path.Name == nat.Outside && (path.First == node || path.Second == node)))
                throw new ScenarioException(nat.Line, $"nat '{nat.Name}' has no path '{nat.Outside}'", "outside = the name of one of its paths");
        }
    }

    private int FindHost(Section section, string key)
    {
        string name = section.NeedText(key, NodeNames);
        int line = section.LineOf(key);
        int node = Find(name, line);
        return _nodes[node] is HostSpec ? node : throw new ScenarioException(line, $"'{name}' is not a host", NodeNames);
    }

    private int Find(string name, int line)
    {
        int node = _nodes.FindIndex(node => node.Name == name);
        return node >= 0 ? node : throw new ScenarioException(line, $"there is no host '{name}'", _nodes.Count == 0
            ? "tables such as [hosts.client]"
            : $"one of {string.Join(", ", _nodes.Select(node => node.Name))}");
    }

    // A section is called "host 'client'".
    private static string NameOf(Section section) => section.Name.Split('\'', 2)[1][..^1];
}
