namespace Mptcp.Hosting;

/// <summary>Where a host's packets come from and go to. Called on the loop's thread only; never blocks.</summary>
public interface ILink
{
    /// <summary>Reads one IP packet; its length, or a value below 1 if there is none.</summary>
    int TryRead(Span<byte> buffer);

    /// <summary>Writes one IP packet; its length, or a value below 1 if the link cannot take it now.</summary>
    int TryWrite(ReadOnlySpan<byte> packet);
}

/// <summary>What a loop sleeps on.</summary>
public interface ILinkWaiter : IDisposable
{
    /// <summary>Returns when a link has a packet, <see cref="Wake"/> was called, or the time is over.</summary>
    /// <param name="nanoseconds">How long at most; 0 looks and returns.</param>
    void Wait(long nanoseconds);

    /// <summary>Ends a wait, this one or the next. From any thread.</summary>
    void Wake();
}
