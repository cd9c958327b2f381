namespace Mptcp.Links;

/// <summary>How <see cref="ViaPathSet"/> sets its paths up.</summary>
public sealed record ViaOptions
{
    /// <summary>TCP ports that a listener wants forwarded in; empty for a client.</summary>
    public IReadOnlyList<ushort> ListenPorts { get; init; } = [];

    /// <summary>
    /// Where the records of what was changed are kept, one file per owner. Every process that works in one network
    /// namespace must use the same directory, or it cannot see what the others hold.
    /// </summary>
    public string StateDirectory { get; init; } = "/run/mptcp";

    /// <summary>
    /// Whether SIGINT, SIGTERM and SIGHUP remove everything before they end the process. Leave it off where the
    /// application handles these signals itself: it must then call <see cref="ViaPathSet.Dispose"/>.
    /// </summary>
    public bool RemoveOnSignals { get; init; }
}
