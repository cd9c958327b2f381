namespace Mptcp.Wire;

/// <summary>What a sender says in the IP and TCP headers of a segment; the rest is computed.</summary>
public readonly record struct TcpHeaderFields
{
    /// <summary>Source address and port.</summary>
    public required IpEndpoint Source { get; init; }

    /// <summary>Destination address and port, of the same family.</summary>
    public required IpEndpoint Destination { get; init; }

    /// <summary>SEG.SEQ.</summary>
    public uint SequenceNumber { get; init; }

    /// <summary>SEG.ACK; 0 when ACK is not set.</summary>
    public uint AcknowledgmentNumber { get; init; }

    /// <summary>The control bits.</summary>
    public TcpFlags Flags { get; init; }

    /// <summary>SEG.WND as it goes into the header, already scaled.</summary>
    public ushort Window { get; init; }

    /// <summary>SEG.UP.</summary>
    public ushort UrgentPointer { get; init; }

    /// <summary>The IPv4 identification; ignored for IPv6. DF is always set, so that any value is legal (RFC 6864 §4.1).</summary>
    public ushort Identification { get; init; }

    /// <summary>The IPv4 TOS or IPv6 traffic class octet, ECN included.</summary>
    public byte TrafficClass { get; init; }

    /// <summary>The IPv4 TTL or IPv6 hop limit; 0 means <see cref="TcpPacket.HopLimit"/>.</summary>
    public byte HopLimit { get; init; }
}
