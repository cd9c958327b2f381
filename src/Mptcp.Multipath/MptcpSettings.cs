using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>What a connection is told at its birth. Immutable.</summary>
public sealed record MptcpSettings
{
    /// <summary>What the send buffer may grow to, in bytes: twice what the paths can hold in flight is enough.</summary>
    public int SendBuffer { get; init; } = 4 * 1024 * 1024;

    /// <summary>What the receive buffer may grow to, in bytes; the window scale follows from it.</summary>
    public int ReceiveBuffer { get; init; } = 6 * 1024 * 1024;

    /// <summary>
    /// Whether to ask for the DSS checksum (RFC 8684 §3.1, flag A). Off by default, as in Linux: the peer's wish counts
    /// as well, and a path that changes payload is what it is for.
    /// </summary>
    public bool ChecksumRequired { get; init; }

    /// <summary>
    /// Whether a peer that requires checksums gets plain TCP (RFC 8684 §3.1). Not together with
    /// <see cref="ChecksumRequired"/>.
    /// </summary>
    public bool ChecksumRefused { get; init; }

    /// <summary>Whether to speak Multipath TCP at all; without it a connection is plain TCP from its first segment on.</summary>
    public bool Multipath { get; init; } = true;

    /// <summary>Makes what says which subflow gets new data, one for each connection.</summary>
    public Func<IScheduler> Scheduler { get; init; } = SchedulerCatalog.Default;

    /// <summary>
    /// Makes the congestion control of each subflow, where their windows grow together (RFC 6356); null: each has its own, as
    /// the owner of ports says. CUBIC is held to one TCP's share where subflows are seen to share a bottleneck.
    /// </summary>
    public Func<CouplingGroup, int, ICoupledController>? Coupling { get; init; }

    /// <summary>Which subflows <see cref="Coupling"/> holds together.</summary>
    public CouplingScope CouplingScope { get; init; }

    /// <summary>How much of the growth is coupled, as <see cref="CouplingGroup.Strength"/>; of CUBIC too.</summary>
    public int CouplingStrength { get; init; } = 100;

    /// <summary>Which subflows there are, and which addresses are announced. Without state, so that connections may share it.</summary>
    public IPathManager PathManager { get; init; } = new EndpointPaths();

    /// <summary>How many subflows a connection may have at a time, those that it is opening included.</summary>
    public int MaxSubflows { get; init; } = 8;

    /// <summary>
    /// Whether further subflows to the address and port of the initial one are refused, and the peer is told so (RFC 8684
    /// §3.1, flag C): for a host behind a load balancer, which announces an address of its own.
    /// </summary>
    public bool DenyJoinInitialAddress { get; init; }

    /// <summary>
    /// How long a connection that has lost its last subflow waits for a new one, at both ends, in nanoseconds; its data is
    /// kept meanwhile (RFC 8684 §3.3.3). 0: it ends with its last subflow.
    /// </summary>
    public long CloseTimeout { get; init; } = 60 * Instant.Second;

    /// <summary>
    /// Whether an abort goes as an ACK with MP_FASTCLOSE that is repeated until the peer answers, not as a RST with it
    /// (RFC 8684 §3.5, options A and R).
    /// </summary>
    public bool FastCloseByAck { get; init; }

    /// <summary>Whether a server announces its further addresses by ADD_ADDR (RFC 8684 §3.4.1).</summary>
    public bool AnnounceAddresses { get; init; } = true;

    /// <summary>How many announced addresses of a peer are used; see <see cref="PathLimits"/>.</summary>
    public int AcceptedAddresses { get; init; } = 8;

    /// <summary>The flags of MP_CAPABLE that follow (RFC 8684 §3.1).</summary>
    public MpCapableFlags CapableFlags => MpCapableFlags.HmacSha256
        | (ChecksumRequired ? MpCapableFlags.ChecksumRequired : MpCapableFlags.None)
        | (DenyJoinInitialAddress ? MpCapableFlags.DenyJoinInitialAddress : MpCapableFlags.None);

    /// <summary>The limits of a connection that follow.</summary>
    public PathLimits Limits => new(MaxSubflows - 1, AcceptedAddresses);

    /// <summary>
    /// Whether a server of Multipath TCP answers a Fast Open before the third ACK, as RFC 8684 Appendix B, Figure 19, has
    /// it: a round trip earlier. Off by default, because such an answer has no DATA_ACK, the peer's key being unknown, and
    /// Linux then goes on as plain TCP.
    /// </summary>
    public bool AnswerEarly { get; init; }
}
