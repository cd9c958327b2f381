using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace Mptcp.Tool;

/// <summary>Carries standard input to a peer and the peer's bytes to standard output, each direction to its own end.</summary>
internal sealed class PeerSession(MptcpEngine engine, StreamSettings settings)
{
    private const int BufferSize = 128 * 1024;

    // So long the subflows may take for their FINs, so that NAT does not vanish under them. TIME-WAIT needs nobody.
    private static readonly TimeSpan _linger = TimeSpan.FromSeconds(1);

    /// <summary>Whether standard output takes no more: no other peer need be asked.</summary>
    public bool OutputFailed { get; private set; }

    /// <summary>Returns when both directions have ended and are acknowledged.</summary>
    /// <exception cref="ToolException">They did not.</exception>
    public async Task RunAsync(MptcpStream stream, bool readsInput, CancellationToken cancel)
    {
        long start = Stopwatch.GetTimestamp();
        Task events = settings.Verbose ? TellEventsAsync(stream, start, cancel) : Task.CompletedTask;
        try
        {
            Task sending = SendAsync(stream, readsInput, cancel);
            Task receiving = ReceiveAsync(stream, cancel);

            // The first failure ends it: the other direction may wait for a person at a keyboard.
            await await Task.WhenAny(sending, receiving);
            await Task.WhenAll(sending, receiving);
            await stream.WaitForSubflowsAsync(_linger, cancel);
        }
        catch (Exception e) when (e is IOException or ToolException)
        {
            stream.Abort();
            throw e as ToolException ?? new ToolException(ExitCode.Failed, Explain((IOException)e));
        }
        finally
        {
            if (settings.Statistics && !cancel.IsCancellationRequested)
                StatisticsTable.Write(stream, Stopwatch.GetElapsedTime(start));
            if (engine.CaptureFailure is { } failure)
                CommandLine.Say(failure);
        }

        await Task.WhenAny(events, Task.Delay(_linger, cancel));
        await stream.DisposeAsync();
    }

    private static async Task SendAsync(MptcpStream stream, bool readsInput, CancellationToken cancel)
    {
        if (readsInput)
        {
            Stream input = StandardStreams.OpenInput();
            byte[] buffer = new byte[BufferSize];
            while (await ReadInputAsync(input, buffer, cancel) is var length and > 0)
                await stream.WriteAsync(buffer.AsMemory(0, length), cancel);
        }

        await stream.CompleteWritesAsync(cancel);
    }

    private static async Task<int> ReadInputAsync(Stream input, byte[] buffer, CancellationToken cancel)
    {
        try
        {
            // A read of a terminal or a pipe knows no cancellation: leave it behind.
            return await Task.Run(() => input.Read(buffer), cancel).WaitAsync(cancel);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ToolException(ExitCode.Failed, $"standard input cannot be read: {e.Message}");
        }
    }

    private async Task ReceiveAsync(MptcpStream stream, CancellationToken cancel)
    {
        Stream output = StandardStreams.OpenOutput();
        byte[] buffer = new byte[BufferSize];
        while (await stream.ReadAsync(buffer, cancel) is var length and > 0)
        {
            try
            {
                await Task.Run(() => output.Write(buffer, 0, length), cancel).WaitAsync(cancel);
            }
            catch (IOException e)
            {
                OutputFailed = true;
                throw new ToolException(ExitCode.Failed, $"standard output takes no more: {e.Message}");
            }
        }
    }

    private static async Task TellEventsAsync(MptcpStream stream, long start, CancellationToken cancel)
    {
        Tell(start, $"connected: {stream.LocalEndPoint} to {stream.RemoteEndPoint}");
        try
        {
            await foreach (MptcpEvent happened in stream.ReadEventsAsync(cancel))
                Tell(start, happened.ToString());
        }
        catch (OperationCanceledException)
        {
            // A signal: what happens from now on is its doing.
        }
    }

    private static void Tell(long start, string what) => CommandLine.Say(string.Create(
        CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(start).TotalSeconds,8:F3} s  {what}"));

    private static string Explain(IOException e) => (e.InnerException as SocketException)?.SocketErrorCode switch
    {
        SocketError.ConnectionReset => "the peer reset the connection",
        SocketError.TimedOut => "the peer answers no more: the connection is given up",
        _ => $"the connection failed: {e.Message}",
    };
}
