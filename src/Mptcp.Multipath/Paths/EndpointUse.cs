namespace Mptcp.Multipath;

/// <summary>How far a host's policy lets an endpoint be used, whatever a path manager thinks of it.</summary>
public enum EndpointUse
{
    /// <summary>As the path manager and the scheduler like.</summary>
    Normal,

    /// <summary>Its subflows are backups (RFC 8684 §3.3.8).</summary>
    Backup,

    /// <summary>
    /// No new subflow, and no data on those that there are, as long as another one works. The peer is asked by MP_PRIO to do
    /// the same; where it does not, the address is taken back, and at last the subflow is reset.
    /// </summary>
    Avoid,
}
