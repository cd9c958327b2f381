using Mptcp.Wire;

namespace Mptcp.Tcp;

/// <summary>
/// What the owner of a connection knows of Fast Open with this peer (RFC 7413): its cache of cookies at the client, its
/// secret at the server. A connection without it neither asks for Fast Open nor answers.
/// </summary>
public sealed record TcpFastOpen
{
    /// <summary>
    /// Active open: the peer's cookie, with which data rides on the SYN; the empty one asks for a cookie. Passive open:
    /// the cookie that the SYN/ACK gives, or as much of it as there is room for; null for none.
    /// </summary>
    public FastOpenCookie? Cookie { get; init; }

    /// <summary>
    /// Active open: the MSS that the peer announced before, in bytes; 0 when it is not known, which stands for 536 over
    /// IPv4 and 1220 over IPv6 (RFC 7413 §4.1.3).
    /// </summary>
    public int PeerSegmentSize { get; init; }

    /// <summary>Passive open: whether the SYN's cookie was valid, so that its data counts.</summary>
    public bool TakeData { get; init; }
}

/// <summary>What an active open has learnt about Fast Open, for the owner's cache.</summary>
/// <param name="Cookie">The cookie that the SYN/ACK gave; null for none.</param>
/// <param name="PeerSegmentSize">The MSS agreed, in bytes.</param>
/// <param name="DataSent">Bytes of data in the first SYN.</param>
/// <param name="DataTaken">How many of them the peer has taken.</param>
/// <param name="Repeated">Whether the SYN was sent again, without data and option.</param>
public readonly record struct FastOpenOutcome(
    FastOpenCookie? Cookie, int PeerSegmentSize, int DataSent, int DataTaken, bool Repeated);
