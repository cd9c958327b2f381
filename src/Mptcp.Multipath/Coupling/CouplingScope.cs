namespace Mptcp.Multipath;

/// <summary>Which subflows a coupled congestion control holds together.</summary>
public enum CouplingScope
{
    /// <summary>All of the connection, as RFC 6356 has it.</summary>
    Connection,

    /// <summary>Those that are seen to share a bottleneck; the others grow by themselves.</summary>
    Bottleneck,
}
