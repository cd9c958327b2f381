using System.CommandLine;

namespace Mptcp.Tool;

/// <summary><c>mptcp connect HOST PORT</c>.</summary>
internal static class ConnectCommand
{
    public static Command Create()
    {
        var host = new Argument<string>("HOST") { Description = "Name or address of the peer." };
        Argument<int> port = StreamOptions.NewPort();
        var options = new StreamOptions();
        var command = new Command(
            "connect",
            "Connect to a peer: standard input goes to it, and what it sends to standard output. Ends when both directions have.")
        {
            host,
            port,
        };
        options.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            await RunAsync(parsed.GetRequiredValue(host), parsed.GetValue(port), options.Read(parsed), cancel);
            return (int)ExitCode.Clean;
        });
        return command;
    }

    private static async Task RunAsync(string host, int port, StreamSettings settings, CancellationToken cancel)
    {
        await using MptcpEngine engine = settings.CreateEngine();
        var session = new PeerSession(engine, settings);
        try
        {
            // An IPv6 address may come in brackets, as in a URL.
            MptcpStream stream = await engine.ConnectAsync(host.Trim('[', ']'), port, cancel);
            await session.RunAsync(stream, readsInput: true, cancel);
        }
        catch (IOException e)
        {
            throw new ToolException(ExitCode.NoPeer, e.Message);
        }
    }
}
