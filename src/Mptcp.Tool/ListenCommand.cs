using System.CommandLine;
using System.Net;

namespace Mptcp.Tool;

/// <summary><c>mptcp listen PORT</c>.</summary>
internal static class ListenCommand
{
    public static Command Create()
    {
        Argument<int> port = StreamOptions.NewPort();
        var keep = new Option<bool>("--keep")
        {
            Description = "Serve one connection after the other until a signal comes. Standard input is not read then: "
                + "each peer finds our direction ended.",
        };
        var options = new StreamOptions();
        var command = new Command(
            "listen",
            "Wait for a peer: standard input goes to it, and what it sends to standard output. Ends when both directions have.")
        {
            port,
            keep,
        };
        options.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            await RunAsync(parsed.GetValue(port), parsed.GetValue(keep), options.Read(parsed), cancel);
            return (int)ExitCode.Clean;
        });
        return command;
    }

    private static async Task RunAsync(int port, bool keep, StreamSettings settings, CancellationToken cancel)
    {
        await using MptcpEngine engine = settings.CreateEngine();
        var session = new PeerSession(engine, settings);
        MptcpListener listener = await engine.ListenAsync(port, cancellationToken: cancel);
        foreach (IPEndPoint endPoint in listener.LocalEndPoints)
            await Console.Error.WriteLineAsync($"listening on {endPoint}");
        if (!keep)
        {
            MptcpStream stream = await listener.AcceptAsync(cancel);

            // Whoever comes now is refused. Joins find their connection by its token: they need no listener.
            await listener.DisposeAsync();
            await session.RunAsync(stream, readsInput: true, cancel);
            return;
        }

        while (true)
        {
            MptcpStream stream = await listener.AcceptAsync(cancel);
            try
            {
                await session.RunAsync(stream, readsInput: false, cancel);
            }
            catch (ToolException e) when (!session.OutputFailed)
            {
                CommandLine.Say(e.Message);
            }
        }
    }
}
