using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>What can be said of a connection at one moment. Sizes are bytes.</summary>
public readonly record struct ConnectionInfo
{
    /// <summary>Whether both ends are known to speak Multipath TCP, and no path made them stop.</summary>
    public required bool IsMultipath { get; init; }

    /// <summary>Whether the peer's key is known.</summary>
    public required bool RemoteKeyKnown { get; init; }

    /// <summary>Whether mappings carry checksums.</summary>
    public required bool ChecksumInUse { get; init; }

    /// <summary>Whether further subflows to the peer's first address are not allowed (RFC 8684 §3.1, flag C).</summary>
    public required bool DenyInitialRemote { get; init; }

    /// <summary>Our token; 0 for plain TCP.</summary>
    public required uint Token { get; init; }

    /// <summary>The peer's token; 0 while its key is not known.</summary>
    public required uint RemoteToken { get; init; }

    /// <summary>Subflows beside the initial one.</summary>
    public required int FurtherSubflows { get; init; }

    /// <summary>Subflows that are established or on their way to it.</summary>
    public required int Subflows { get; init; }

    /// <summary>Addresses of ours that the peer was told of.</summary>
    public required int AddressesAnnounced { get; init; }

    /// <summary>Addresses of the peer that are known beside its first.</summary>
    public required int AddressesAccepted { get; init; }

    /// <summary>The limits.</summary>
    public required PathLimits Limits { get; init; }

    /// <summary>The data sequence number after the last byte written.</summary>
    public required ulong WriteSequence { get; init; }

    /// <summary>The first data sequence number that the peer has not acknowledged.</summary>
    public required ulong SendUnacknowledged { get; init; }

    /// <summary>The next data sequence number that is expected.</summary>
    public required ulong ReceiveNext { get; init; }

    /// <summary>Bytes given to subflows, each once.</summary>
    public required long BytesSent { get; init; }

    /// <summary>Bytes given to a further subflow, because the first did not deliver them.</summary>
    public required long BytesReinjected { get; init; }

    /// <summary>Bytes that arrived in order.</summary>
    public required long BytesReceived { get; init; }

    /// <summary>Bytes that the peer has acknowledged by DATA_ACK.</summary>
    public required long BytesAcknowledged { get; init; }

    /// <summary>Written and given to no subflow.</summary>
    public required long NotScheduled { get; init; }

    /// <summary>What the send buffer takes without growing beyond its cap.</summary>
    public required int SendRoom { get; init; }

    /// <summary>What the send buffer holds: bytes that may have to go again.</summary>
    public required long SendQueued { get; init; }
}

/// <summary>What TCP says of one subflow, and whose it is.</summary>
/// <param name="Subflow">What the connection says of it.</param>
/// <param name="Tcp">What TCP says of it.</param>
public readonly record struct SubflowTcpInfo(SubflowInfo Subflow, TcpInfo Tcp);
