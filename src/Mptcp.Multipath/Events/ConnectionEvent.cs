using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>What happened to a connection, told for people and tests.</summary>
public enum ConnectionEventKind
{
    /// <summary>A subflow is established and carries data.</summary>
    SubflowEstablished,

    /// <summary>A subflow ended; the event's text says why.</summary>
    SubflowClosed,

    /// <summary>A subflow makes no progress: its data goes again on another one.</summary>
    SubflowSuspect,

    /// <summary>The peer announced an address.</summary>
    AddressAnnounced,

    /// <summary>The connection goes on as plain TCP; the event's text says why (RFC 8684 §3.7).</summary>
    Fallback,

    /// <summary>The peer removed an address; subflows to it are asked whether they still answer (RFC 8684 §3.4.2).</summary>
    AddressRemoved,

    /// <summary>The peer wants a subflow to be a backup, or to be one no more (RFC 8684 §3.3.8).</summary>
    PriorityChanged,

    /// <summary>No subflow is left, and the connection waits for a new one (RFC 8684 §3.3.3).</summary>
    SubflowsLost,

    /// <summary>Something that the peer sent was ignored; the event's text says what.</summary>
    SignalIgnored,

    /// <summary>A mapping came with other bytes than were sent: the peer is asked to fall back (RFC 8684 §3.7).</summary>
    ChecksumFailed,

    /// <summary>The connection ended otherwise than by the end of both streams; the event's text says why.</summary>
    ConnectionFailed,

    /// <summary>A scheduler or a path manager failed, and the default took its place; the event's text says how.</summary>
    PlugInFailed,
}

/// <summary>One event of a connection.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Subflow">The number of the subflow, or -1.</param>
/// <param name="Local">Our end of the subflow; default without one.</param>
/// <param name="Remote">The peer's end of the subflow, or the announced address.</param>
/// <param name="Code">Why, for programs.</param>
/// <param name="Detail">What the sentence of the code does not say, or empty.</param>
public readonly record struct ConnectionEvent(
    ConnectionEventKind Kind, int Subflow, IpEndpoint Local, IpEndpoint Remote, ConnectionEventCode Code, string Detail = "")
{
    /// <summary>When.</summary>
    public Instant At { get; init; }

    /// <summary>Why, for people: a plain sentence, or empty.</summary>
    public string Reason => Detail.Length == 0 ? Code.Sentence() : $"{Code.Sentence()}, {Detail}";
}
