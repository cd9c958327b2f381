namespace Mptcp.Wire;

/// <summary>The TCP option kinds that the engine knows.</summary>
public static class TcpOptionKind
{
    /// <summary>End of option list.</summary>
    public const byte End = 0;

    /// <summary>No operation: padding.</summary>
    public const byte NoOperation = 1;

    /// <summary>Maximum segment size (RFC 9293 §3.7.1).</summary>
    public const byte MaximumSegmentSize = 2;

    /// <summary>Window scale (RFC 7323 §2).</summary>
    public const byte WindowScale = 3;

    /// <summary>SACK permitted (RFC 2018 §2).</summary>
    public const byte SackPermitted = 4;

    /// <summary>SACK (RFC 2018 §3).</summary>
    public const byte Sack = 5;

    /// <summary>Timestamps (RFC 7323 §3).</summary>
    public const byte Timestamps = 8;

    /// <summary>Multipath TCP (RFC 8684 §3).</summary>
    public const byte Mptcp = 30;

    /// <summary>TCP Fast Open (RFC 7413 §4.1.1).</summary>
    public const byte FastOpen = 34;
}
