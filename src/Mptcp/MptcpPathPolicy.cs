namespace Mptcp;

/// <summary>How far a path may be used.</summary>
public enum MptcpPathUse
{
    /// <summary>As path manager and scheduler like.</summary>
    Normal,

    /// <summary>Only when no other path works; the peer is asked for the same (RFC 8684 §3.3.8).</summary>
    Backup,

    /// <summary>
    /// Not now: no new subflow, and no data as long as another path works. A peer that goes on sending there after it was
    /// asked not to loses the subflow after some seconds.
    /// </summary>
    Avoid,
}

/// <summary>What is wanted of a path, for all connections of an engine.</summary>
public sealed record MptcpPathPolicy
{
    /// <summary>How far it may be used.</summary>
    public MptcpPathUse Use { get; init; }

    /// <summary>Its part of the data with the scheduler "round-robin", from 1; 0 says nothing.</summary>
    public int Weight { get; init; }

    /// <summary>What it costs, in any unit: paths that cost more than the cheapest one that may be used are backups.</summary>
    public int Cost { get; init; }

    /// <summary>Whether it is paid by the byte: it costs more than any that is not metered.</summary>
    public bool Metered { get; init; }

    /// <summary>The bytes of IP packets, both ways and of all connections, after which it is avoided; null for no limit.</summary>
    public long? Cap { get; init; }
}
