using System.Net;

namespace Mptcp;

/// <summary>What happened to a connection.</summary>
public enum MptcpEventKind
{
    /// <summary>A subflow is established and carries data.</summary>
    SubflowEstablished,

    /// <summary>A subflow ended; <see cref="MptcpEvent.Reason"/> says why.</summary>
    SubflowClosed,

    /// <summary>A subflow makes no progress: its data goes again on another one.</summary>
    SubflowSuspect,

    /// <summary>The peer announced an address.</summary>
    AddressAnnounced,

    /// <summary>The connection goes on as plain TCP; <see cref="MptcpEvent.Reason"/> says why (RFC 8684 §3.7).</summary>
    Fallback,

    /// <summary>The peer removed an address; subflows to it are asked whether they still answer.</summary>
    AddressRemoved,

    /// <summary>The peer wants a subflow to be a backup, or to be one no more.</summary>
    PriorityChanged,

    /// <summary>No subflow is left, and the connection waits for a new one (RFC 8684 §3.3.3).</summary>
    SubflowsLost,

    /// <summary>Something that the peer sent was ignored; <see cref="MptcpEvent.Reason"/> says what.</summary>
    SignalIgnored,

    /// <summary>Data came with other bytes than were sent: the peer is asked to fall back (RFC 8684 §3.7).</summary>
    ChecksumFailed,

    /// <summary>The connection ended otherwise than by the end of both streams; <see cref="MptcpEvent.Reason"/> says why.</summary>
    ConnectionFailed,

    /// <summary>A scheduler or a path manager failed; <see cref="MptcpEvent.Reason"/> says how, and what happens.</summary>
    PlugInFailed,
}

/// <summary>One event of a connection.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Subflow">The number of the subflow, or -1.</param>
/// <param name="LocalEndPoint">Our end of the subflow, by its outside address; null without one.</param>
/// <param name="RemoteEndPoint">The peer's end of the subflow, or the announced address; null without one.</param>
/// <param name="Reason">A plain sentence, or empty.</param>
public sealed record MptcpEvent(
    MptcpEventKind Kind, int Subflow, IPEndPoint? LocalEndPoint, IPEndPoint? RemoteEndPoint, string Reason)
{
    /// <summary>Why, for programs; <see cref="Reason"/> says it for people.</summary>
    public MptcpEventCode Code { get; init; }

    /// <summary>One line for people.</summary>
    public override string ToString()
    {
        string what = Kind switch
        {
            MptcpEventKind.SubflowEstablished => $"subflow {Subflow} established: {LocalEndPoint} to {RemoteEndPoint}",
            MptcpEventKind.SubflowClosed => $"subflow {Subflow} closed: {LocalEndPoint} to {RemoteEndPoint}",
            MptcpEventKind.SubflowSuspect => $"subflow {Subflow} makes no progress: {LocalEndPoint} to {RemoteEndPoint}",
            MptcpEventKind.AddressAnnounced => $"the peer announced {RemoteEndPoint}",
            MptcpEventKind.AddressRemoved => "the peer removed an address",
            MptcpEventKind.PriorityChanged => $"the peer changed the priority of subflow {Subflow}",
            MptcpEventKind.SubflowsLost => "no path is left",
            MptcpEventKind.SignalIgnored => "something of the peer was ignored",
            MptcpEventKind.ConnectionFailed => "the connection failed",
            MptcpEventKind.PlugInFailed => "a plug-in failed",
            MptcpEventKind.ChecksumFailed => $"subflow {Subflow} brought altered data: {LocalEndPoint} to {RemoteEndPoint}",
            _ => "fell back to plain TCP",
        };
        if (Reason.Length == 0 || Kind == MptcpEventKind.AddressAnnounced)
        {
            return what;
        }

        return Code.IsTrouble() ? $"{what} ({Reason}; code {(int)Code})" : $"{what} ({Reason})";
    }
}
