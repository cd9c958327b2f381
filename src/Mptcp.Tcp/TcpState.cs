namespace Mptcp.Tcp;

/// <summary>The states of RFC 9293 §3.3.2. LISTEN has no connection: a listener lives in the stack.</summary>
public enum TcpState
{
    /// <summary>No connection.</summary>
    Closed,

    /// <summary>SYN sent, waiting for the peer's.</summary>
    SynSent,

    /// <summary>SYN received and answered, waiting for the acknowledgement.</summary>
    SynReceived,

    /// <summary>Data flows both ways.</summary>
    Established,

    /// <summary>FIN sent, not acknowledged; the peer still sends.</summary>
    FinWait1,

    /// <summary>FIN acknowledged; the peer still sends.</summary>
    FinWait2,

    /// <summary>The peer closed its direction; ours is open.</summary>
    CloseWait,

    /// <summary>Both sent a FIN, ours is not acknowledged.</summary>
    Closing,

    /// <summary>The peer closed first, our FIN is not acknowledged.</summary>
    LastAck,

    /// <summary>Waiting until old segments have left the network.</summary>
    TimeWait,
}
