namespace Mptcp.Tool.Demo;

/// <summary>A path at one moment.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Cut">Whether it is cut now.</param>
/// <param name="Delivered">Bytes that it has carried towards the far end, headers included.</param>
/// <param name="Dropped">Packets that its queue dropped.</param>
/// <param name="Vanished">Packets that vanished while it was cut.</param>
/// <param name="Retransmissions">Segments that its subflow sent again.</param>
/// <param name="RoundTripTime">As its subflow measures it.</param>
internal sealed record PathView(
    string Name, bool Cut, long Delivered, long Dropped, long Vanished, long Retransmissions, TimeSpan? RoundTripTime);

/// <summary>The transfer at one moment.</summary>
internal sealed record DemoSample(TimeSpan Elapsed, long Received, long Size, IReadOnlyList<PathView> Paths);

/// <summary>What it came to.</summary>
internal sealed record DemoResult(
    string SentSha256,
    string ReceivedSha256,
    long Received,
    TimeSpan Elapsed,
    TimeSpan LongestStall,
    IReadOnlyList<PathView> Paths,
    bool IsMultipath);

/// <summary>Where the tour is shown.</summary>
internal interface IDemoView
{
    void Begin(string farEnd, long size, IReadOnlyList<string> paths);

    void Say(TimeSpan elapsed, string what);

    void Show(DemoSample sample);

    void End(DemoResult result);
}

/// <summary>The view that fits standard output.</summary>
internal static class DemoView
{
    public static IDemoView Create() =>
        Console.IsOutputRedirected || !Spectre.Console.AnsiConsole.Profile.Capabilities.Ansi ? new LineView() : new LiveView();
}

/// <summary>Bytes per second from samples of a growing count.</summary>
internal sealed class RateMeter(TimeSpan window)
{
    private readonly Queue<(TimeSpan At, long Bytes)> _samples = new();

    /// <summary>Mbit/s over the last window.</summary>
    public double Add(TimeSpan at, long bytes)
    {
        _samples.Enqueue((at, bytes));
        while (_samples.Count > 2 && at - _samples.Peek().At > window)
            _samples.Dequeue();
        (TimeSpan since, long before) = _samples.Peek();
        return at > since ? (bytes - before) * 8 / (at - since).TotalSeconds / 1e6 : 0;
    }
}
