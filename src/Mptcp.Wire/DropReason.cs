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
}
