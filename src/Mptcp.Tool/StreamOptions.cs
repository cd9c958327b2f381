using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Mptcp.Multipath;

namespace Mptcp.Tool;

/// <summary>What <c>listen</c> and <c>connect</c> have in common on the command line.</summary>
internal sealed class StreamOptions
{
    private const int MostSeconds = 86_400;

    private readonly Option<string[]> _via = new("--via")
    {
        Description = "A device to use as a path; repeat it for more. Without: every device with a default route. "
            + "Needs Linux and root.",
        HelpName = "DEV",
    };

    private readonly Option<string?> _capture = new("--pcap")
    {
        Description = "Write the packets of all paths to FILE (pcapng, for Wireshark).",
        HelpName = "FILE",
    };

    private readonly Option<bool> _statistics = new("--stats")
    {
        Description = "At the end, print a table of the subflows to standard error.",
    };

    private readonly Option<bool> _verbose = new("--verbose", "-v")
    {
        Description = "Say on standard error what happens to the connection.",
    };

    private static readonly Dictionary<string, MptcpCongestionControl> _congestions = new(StringComparer.Ordinal)
    {
        ["cubic"] = MptcpCongestionControl.Cubic,
        ["reno"] = MptcpCongestionControl.NewReno,
        ["bbr"] = MptcpCongestionControl.Bbr,
        ["lia"] = MptcpCongestionControl.Lia,
        ["olia"] = MptcpCongestionControl.Olia,
        ["balia"] = MptcpCongestionControl.Balia,
        ["wvegas"] = MptcpCongestionControl.WVegas,
    };

    private readonly Option<string> _congestion = NewName(
        "--congestion", "How subflows find their rate", "congestion control",
        "cubic (so without this), reno, bbr, or coupled lia, olia, balia or wvegas", _congestions.ContainsKey);

    private readonly Option<string> _scheduler = NewName(
        "--scheduler", "Which path gets new data", "scheduler", SchedulerCatalog.Expected,
        name => SchedulerCatalog.TryFind(name, out _));

    private readonly Option<string> _pathManager = NewName(
        "--path-manager", "Which subflows there are", "path manager", PathManagerCatalog.Expected,
        name => PathManagerCatalog.TryFind(name, out _));

    private readonly Option<string?> _policy = new("--policy")
    {
        Description = "What is wanted of the paths: a TOML file; docs/command.md describes it.",
        HelpName = "FILE",
    };

    private readonly Option<int?> _keepAlive = NewSeconds(
        "--keep-alive", "Ask a peer that was silent for SECONDS whether it is still there, and again every tenth of that.");

    private readonly Option<int?> _timeout = NewSeconds(
        "--timeout", "Give a subflow up whose data stays unacknowledged for SECONDS.");

    public void AddTo(Command command)
    {
        command.Add(_congestion);
        command.Add(_scheduler);
        command.Add(_pathManager);
        command.Add(_policy);
        command.Add(_keepAlive);
        command.Add(_timeout);
        command.Add(_via);
        command.Add(_capture);
        command.Add(_statistics);
        command.Add(_verbose);
    }

    public StreamSettings Read(ParseResult parsed) => new(
        parsed.GetValue(_via) ?? [], parsed.GetValue(_capture), parsed.GetValue(_statistics), parsed.GetValue(_verbose))
    {
        CongestionControl = parsed.GetValue(_congestion) switch
        {
            { } name => _congestions[name],
            _ => MptcpCongestionControl.Cubic,
        },
        Scheduler = parsed.GetValue(_scheduler) ?? "default",
        PathManager = parsed.GetValue(_pathManager) ?? "default",
        Policies = parsed.GetValue(_policy) is { } file ? PolicyFile.Read(file) : new Dictionary<string, MptcpPathPolicy>(),
        KeepAliveSeconds = parsed.GetValue(_keepAlive),
        TimeoutSeconds = parsed.GetValue(_timeout),
    };

    /// <summary>An argument that takes a port, and says what a port is where it gets something else.</summary>
    public static Argument<int> NewPort() => new("PORT")
    {
        Description = "TCP port, 1 to 65535.",
        CustomParser = ParsePort,
    };

    private static Option<string> NewName(string name, string description, string noun, string expected, Predicate<string> isKnown)
    {
        var option = new Option<string>(name)
        {
            Description = $"{description}: {expected}.",
            HelpName = "NAME",
        };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !isKnown(token.Value))
                result.AddError($"'{token.Value}' is no {noun}: give {expected}.");
        });
        return option;
    }

    private static Option<int?> NewSeconds(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "SECONDS",
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) && seconds is >= 1 and <= MostSeconds)
                return seconds;
            result.AddError($"'{text}' is no time: give seconds, 1 to {MostSeconds}.");
            return null;
        },
    };

    private static int ParsePort(ArgumentResult result)
    {
        string text = result.Tokens[0].Value;
        if (!ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) || port == 0)
            result.AddError($"'{text}' is not a port: give a number from 1 to 65535.");
        return port;
    }
}

/// <summary>What was said by <see cref="StreamOptions"/>.</summary>
internal sealed record StreamSettings(IReadOnlyList<string> Via, string? Capture, bool Statistics, bool Verbose)
{
    public MptcpCongestionControl CongestionControl { get; init; }

    public string Scheduler { get; init; } = "default";

    public string PathManager { get; init; } = "default";

    public IReadOnlyDictionary<string, MptcpPathPolicy> Policies { get; init; } = new Dictionary<string, MptcpPathPolicy>();

    public int? KeepAliveSeconds { get; init; }

    public int? TimeoutSeconds { get; init; }

    public MptcpEngine CreateEngine()
    {
        var options = new MptcpEngineOptions
        {
            Via = Via,
            CaptureFile = Capture,
            CongestionControl = CongestionControl,
            Scheduler = Scheduler,
            PathManager = PathManager,
            Policies = Policies,
            UserTimeout = TimeSpan.FromSeconds(TimeoutSeconds ?? 0),
        };
        return MptcpEngine.Create(KeepAliveSeconds is not { } seconds ? options : options with
        {
            KeepAlive = true,
            KeepAliveIdle = TimeSpan.FromSeconds(seconds),
            KeepAliveInterval = TimeSpan.FromSeconds(Math.Max(1, seconds / 10)),
        });
    }
}
