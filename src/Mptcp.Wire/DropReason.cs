namespace Mptcp.Wire;

/// <summary>Why bytes were refused; each reason is one drop counter.</summary>
public enum DropReason
{
    /// <summary>Not refused.</summary>
    None,

    /// <summary>Fewer octets than the shortest header, or than a header says.</summary>
    TooShort,

    /// <summary>The IP version is neither 4 nor 6.</summary>
    BadVersion,

    /// <summary>A header length below the minimum or beyond the packet (IHL, data offset, IPv6 extension header).</summary>
    BadHeaderLength,

    /// <summary>The IP total length is shorter than its header or longer than what arrived.</summary>
    BadTotalLength,

    /// <summary>The IPv4 header checksum is wrong.</summary>
    BadIpChecksum,

    /// <summary>The TCP or ICMP checksum is wrong.</summary>
    BadChecksum,

    /// <summary>A fragment of a datagram: reassembly is left to the system.</summary>
    Fragment,

    /// <summary>An IPv6 routing header with segments left: the packet has not arrived at its destination.</summary>
    RoutingHeader,

    /// <summary>The payload (or what an ICMP message cites) is not TCP.</summary>
    NotTcp,

    /// <summary>The payload is not ICMP of the packet's IP version.</summary>
    NotIcmp,

    /// <summary>An ICMP message that tells nothing about a connection (echo, neighbour discovery, ...).</summary>
    IrrelevantIcmp,

    /// <summary>The TCP options are malformed.</summary>
    BadOptions,

    /// <summary>An address that cannot be an end of a TCP connection (multicast, broadcast).</summary>
    BadAddress,

    /// <summary>The destination is no address of this host.</summary>
    NotForUs,

    /// <summary>Neither a connection nor a listener is for it; the answer is a RST (RFC 9293 §3.10.7.1).</summary>
    NoConnection,

    /// <summary>An MP_JOIN with a token that no connection has, or whose connection takes no further subflow.</summary>
    JoinRefused,

    /// <summary>A SYN, or the end of a handshake, at a listener with as many connections as it may have waiting.</summary>
    BacklogFull,

    /// <summary>Its link is said to be down.</summary>
    LinkDown,

    /// <summary>The memory of the host is all taken.</summary>
    NoMemory,

    /// <summary>Data before the ACK that brings a SYN cookie back, or with one that is old or made up.</summary>
    BadCookie,

    /// <summary>An ICMP error that quotes nothing that is on its way (RFC 5927 §4.1).</summary>
    IcmpNotInFlight,

    /// <summary>A flag that the state of the connection has no use for: no SYN in SYN-SENT, no ACK after it.</summary>
    Unexpected,

    /// <summary>A SYN for a connection that stands (RFC 5961 §4).</summary>
    UnexpectedSyn,

    /// <summary>Outside the window: an old duplicate, a probe, or a guess (RFC 9293 §3.10.7.4).</summary>
    OutsideWindow,

    /// <summary>A timestamp older than one that came (PAWS, RFC 7323 §5).</summary>
    OldTimestamp,

    /// <summary>It acknowledges what was never sent, or what is long acknowledged (RFC 5961 §5).</summary>
    BadAcknowledgment,

    /// <summary>A RST whose number is not exactly the next one (RFC 5961 §3).</summary>
    BadReset,

    /// <summary>Data behind the FIN, or for a user that takes none any more.</summary>
    AfterEnd,

    /// <summary>Data beyond more holes than are kept.</summary>
    TooManyHoles,

    /// <summary>Data that came before the handshake of its subflow was complete; it comes again.</summary>
    TooEarly,

    /// <summary>Options of Multipath TCP that contradict what was agreed: the subflow is reset.</summary>
    ProtocolViolation,

    /// <summary>A key or an HMAC of Multipath TCP is wrong (RFC 8684 §3.4.1, §3.5).</summary>
    BadKey,

    /// <summary>A DATA_ACK of what was never sent.</summary>
    BadDataAck,

    /// <summary>Data beyond the window of the connection.</summary>
    OutsideDataWindow,

    /// <summary>The DSS checksum is wrong (RFC 8684 §3.3.1).</summary>
    BadDataChecksum,
}
