using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>A subflow that the connection wants; the owner of ports opens it.</summary>
/// <param name="From">Our endpoint.</param>
/// <param name="Remote">Where to.</param>
/// <param name="RemoteId">The peer's identifier of that address.</param>
/// <param name="Lane">Which of several subflows between the same addresses, from 0.</param>
public readonly record struct JoinRequest(LocalEndpoint From, IpEndpoint Remote, byte RemoteId, int Lane = 0);

/// <summary>
/// Says which subflows a connection has and which addresses its peer is told of. It is asked after each event that may
/// change the answer, and knows nothing but the view that it is given: without state of its own it may serve many
/// connections, and be replaced while they run. Called by the thread that owns the connection; it does not block.
/// </summary>
public interface IPathManager
{
    /// <summary>
    /// Whether a subflow that was lost (reset by the peer, silent, unreachable) is opened again, after a while that grows.
    /// </summary>
    bool Recreates { get; }

    /// <summary>Whether the peer is told of an endpoint by ADD_ADDR (RFC 8684 §3.4.1), beside that of the initial subflow.</summary>
    bool Announces(PathView view, in LocalEndpoint endpoint);

    /// <summary>
    /// The next subflow to open, taken from the view; false when there are enough. Asked again until it says so.
    /// </summary>
    bool TryNext(PathView view, out JoinRequest request);
}
