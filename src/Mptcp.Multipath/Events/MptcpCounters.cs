namespace Mptcp.Multipath;

/// <summary>What a host counts of the signals of RFC 8684 §3.2 to §3.6, over all its connections.</summary>
public enum MptcpCounter
{
    /// <summary>ADD_ADDR sent, repeats included.</summary>
    AnnouncementSent,

    /// <summary>ADD_ADDR that was kept: its address may be used.</summary>
    AnnouncementTaken,

    /// <summary>ADD_ADDR of an address and port that was known already: echoed, and a failed attempt may be repeated.</summary>
    AnnouncementRepeated,

    /// <summary>ADD_ADDR with a wrong HMAC: ignored.</summary>
    AnnouncementForged,

    /// <summary>ADD_ADDR with an identifier that stands for another address: ignored (§3.4.1).</summary>
    AnnouncementContradicted,

    /// <summary>ADD_ADDR beyond what is remembered of a peer: echoed, and forgotten.</summary>
    AnnouncementTooMany,

    /// <summary>ADD_ADDR of a group, of no address, or of one of ours: echoed, and forgotten.</summary>
    AnnouncementUnusable,

    /// <summary>ADD_ADDR without room for its echo: ignored; the peer repeats it.</summary>
    AnnouncementFlood,

    /// <summary>Echoes sent.</summary>
    EchoSent,

    /// <summary>Echoes of an announcement of ours.</summary>
    EchoReceived,

    /// <summary>Echoes of what was not announced, or was confirmed before.</summary>
    EchoUnknown,

    /// <summary>Announcements that no echo came for.</summary>
    AnnouncementUnconfirmed,

    /// <summary>REMOVE_ADDR sent, repeats included.</summary>
    RemovalSent,

    /// <summary>Identifiers in REMOVE_ADDR that were known.</summary>
    RemovalReceived,

    /// <summary>Identifiers in REMOVE_ADDR that were not known: ignored (§3.4.2).</summary>
    RemovalUnknown,

    /// <summary>Subflows of removed addresses that answered, and stay.</summary>
    RemovalAnswered,

    /// <summary>Subflows of removed addresses that did not answer, and were reset.</summary>
    RemovalReset,

    /// <summary>MP_PRIO sent, repeats included.</summary>
    PrioritySent,

    /// <summary>MP_PRIO received.</summary>
    PriorityReceived,

    /// <summary>Joins opened.</summary>
    JoinOpened,

    /// <summary>Joins taken, half-open.</summary>
    JoinTaken,

    /// <summary>Joins refused: no connection has the token.</summary>
    JoinUnknownToken,

    /// <summary>Joins refused: the connection has as many subflows as it may.</summary>
    JoinOverLimit,

    /// <summary>Joins refused: too many of the connection are half-open.</summary>
    JoinTooManyHalfOpen,

    /// <summary>Joins refused: to the initial address, which this host has denied (§3.1, flag C).</summary>
    JoinDenied,

    /// <summary>Joins that failed by the peer's HMAC.</summary>
    JoinForged,

    /// <summary>Not a counter: how many there are.</summary>
    Count,
}

/// <summary>One number per <see cref="MptcpCounter"/>. Owned by one stack; not thread-safe.</summary>
public sealed class MptcpCounters
{
    private readonly long[] _counts = new long[(int)MptcpCounter.Count];

    /// <summary>How often it happened.</summary>
    public long this[MptcpCounter counter] => _counts[(int)counter];

    /// <summary>It happened.</summary>
    public void Add(MptcpCounter counter) => _counts[(int)counter]++;
}
