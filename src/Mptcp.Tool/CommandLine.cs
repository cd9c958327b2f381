using System.CommandLine;
using System.CommandLine.Help;
using Mptcp.Tool.Demo;
using Mptcp.Tool.Experiments;
using Mptcp.Tool.Simulate;

namespace Mptcp.Tool;

/// <summary>From arguments to an exit code; the one place that turns failures into a line and a code.</summary>
internal static class CommandLine
{
    private const string Description = """
        Multipath TCP in user space: one connection over several paths.

        Exit codes:
          0       the stream was closed cleanly both ways
          1       the connection, or standard input or output, failed midway
          2       wrong command line
          3       set-up failed: rights, device, port in use, tool missing, capture file
          4       the peer is not there: unknown host, no answer, or refused
          70      a fault of this program
          129, 130, 143  ended by SIGHUP, SIGINT, SIGTERM
        """;

    public static async Task<int> RunAsync(string[] arguments)
    {
        StandardStreams.ForgiveErrors();
        AppDomain.CurrentDomain.UnhandledException += (_, e) =>
        {
            // Of a thread that nobody awaits. The exit lets the paths be removed.
            Say(InternalError((Exception)e.ExceptionObject));
            Environment.Exit((int)ExitCode.Internal);
        };
        using var signals = new EndSignals();
        ParseResult parsed = NewRoot().Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            Say($"{parsed.Errors[^1].Message.TrimEnd('.')} (see mptcp --help)");
            return (int)ExitCode.Usage;
        }

        var configuration = new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        };
        try
        {
            int code = await parsed.InvokeAsync(configuration, signals.Token);
            return signals.ExitCode ?? code;
        }
        catch (Exception e)
        {
            // Whatever broke after a signal broke because of it.
            if (signals.ExitCode is { } code)
                return code;
            (ExitCode failure, string line) = Explain(e);
            Say(line);
            return (int)failure;
        }
    }

    /// <summary>One line on standard error.</summary>
    public static void Say(string line) => Console.Error.WriteLine($"mptcp: {line}");

    // Not a RootCommand: that one is called as its assembly is.
    private static Command NewRoot()
    {
        var root = new Command("mptcp", Description) { new HelpOption(), new VersionOption() };
        root.Add(ConnectCommand.Create());
        root.Add(ListenCommand.Create());
        root.Add(DemoCommand.Create());
        root.Add(SimulateCommand.Create());
        root.Add(LabCommand.Create());
        return root;
    }

    private static (ExitCode Code, string Line) Explain(Exception e) => e switch
    {
        ToolException failure => (failure.Code, failure.Message),
        MptcpException => (ExitCode.SetUp, e.Message),
        _ => (ExitCode.Internal, InternalError(e)),
    };

    private static string InternalError(Exception e) =>
        $"internal error, please report it: {e.GetType().Name}: {e.Message.ReplaceLineEndings(" ")}";
}
