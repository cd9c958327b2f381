using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Mptcp.Tool;

/// <summary>What <c>listen</c> and <c>connect</c> have in common on the command line.</summary>
internal sealed class StreamOptions
{
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

    public void AddTo(Command command)
    {
        command.Add(_via);
        command.Add(_capture);
        command.Add(_statistics);
        command.Add(_verbose);
    }

    public StreamSettings Read(ParseResult parsed) => new(
        parsed.GetValue(_via) ?? [], parsed.GetValue(_capture), parsed.GetValue(_statistics), parsed.GetValue(_verbose));

    /// <summary>An argument that takes a port, and says what a port is where it gets something else.</summary>
    public static Argument<int> NewPort() => new("PORT")
    {
        Description = "TCP port, 1 to 65535.",
        CustomParser = ParsePort,
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
    public MptcpEngine CreateEngine() => MptcpEngine.Create(new MptcpEngineOptions { Via = Via, CaptureFile = Capture });
}
