namespace Mptcp;

/// <summary>
/// Why something happened to a connection or a subflow. The numbers are stable: 100 and up fallbacks (RFC 8684 §3.7), 200
/// and up ends of subflows, 300 and up what is well, 400 and up the connection itself, 500 and up what the peer sent and
/// was ignored.
/// </summary>
public enum MptcpEventCode
{
    /// <summary>Nothing more is to be said.</summary>
    None = 0,

    /// <summary>The peer's SYN proposes no Multipath TCP that this host speaks.</summary>
    SynWithoutCapable = 100,

    /// <summary>The answer to our SYN has no usable MP_CAPABLE.</summary>
    SynAckWithoutCapable = 101,

    /// <summary>The third packet of the handshake has no MP_CAPABLE.</summary>
    ThirdAckWithoutCapable = 102,

    /// <summary>Options pass on SYNs only.</summary>
    FirstSegmentsWithoutOptions = 103,

    /// <summary>Options stopped to pass in mid-connection.</summary>
    OptionsRemoved = 104,

    /// <summary>Payload came in order and no mapping with it.</summary>
    DataWithoutMapping = 105,

    /// <summary>The peer falls back by an infinite mapping.</summary>
    InfiniteMapping = 106,

    /// <summary>Payload was changed on its way here.</summary>
    ChecksumFailed = 107,

    /// <summary>Payload was changed on its way to the peer.</summary>
    PeerChecksumFailed = 108,

    /// <summary>The peer requires checksums, which this host refuses.</summary>
    ChecksumRefused = 109,

    /// <summary>Our key, chosen by a cookie, belongs to another connection.</summary>
    KeyTaken = 110,

    /// <summary>What the peer sent does not fit its handshake.</summary>
    HandshakeContradicts = 111,

    /// <summary>The third packet of the handshake echoes a key that is not ours.</summary>
    WrongCapableKey = 112,

    /// <summary>Both ends sent their FIN.</summary>
    ClosedInOrder = 200,

    /// <summary>The peer answered the SYN with a RST.</summary>
    Refused = 201,

    /// <summary>The peer did not answer within the limits.</summary>
    NoAnswer = 202,

    /// <summary>The network says that the peer cannot be reached.</summary>
    Unreachable = 203,

    /// <summary>The peer sent a RST.</summary>
    ResetByPeer = 204,

    /// <summary>This host ended it.</summary>
    Aborted = 205,

    /// <summary>The SYN/ACK of a join has no MP_JOIN.</summary>
    JoinRemoved = 210,

    /// <summary>The third ACK of a join has no MP_JOIN.</summary>
    JoinProofRemoved = 211,

    /// <summary>A joined subflow came without options.</summary>
    JoinOptionsRemoved = 212,

    /// <summary>The peer's proof is wrong.</summary>
    WrongHmac = 213,

    /// <summary>A mapping gives bytes another data sequence than an earlier one.</summary>
    MappingContradiction = 214,

    /// <summary>A mapping has a checksum that was not agreed, or lacks one that was.</summary>
    ChecksumNotAgreed = 215,

    /// <summary>More payload came without a mapping than may wait for one.</summary>
    MappingMissing = 216,

    /// <summary>The peer removed the address.</summary>
    AddressRemoved = 217,

    /// <summary>The connection ended while it was being joined.</summary>
    NotJoined = 218,

    /// <summary>Its FIN, or the answer to ours, did not come.</summary>
    NotClosedInTime = 219,

    /// <summary>The peer ended the whole connection.</summary>
    FastClosed = 220,

    /// <summary>The connection went on as plain TCP over another subflow.</summary>
    FallbackElsewhere = 221,

    /// <summary>Plain TCP is asked for where the data in flight is not in one piece.</summary>
    FallbackImpossible = 222,

    /// <summary>The connection has as many subflows as it may.</summary>
    JoinOverLimit = 223,

    /// <summary>The user wanted it.</summary>
    ResetOnDemand = 224,

    /// <summary>Our own address is gone.</summary>
    LocalAddressGone = 225,

    /// <summary>The peer removed the address, and it is silent.</summary>
    RemovedAndSilent = 226,

    /// <summary>It was silent for minutes while others delivered.</summary>
    StayedSilent = 227,

    /// <summary>Policy avoids the path, and the peer went on sending there.</summary>
    Avoided = 228,

    /// <summary>It joined the connection.</summary>
    Joined = 300,

    /// <summary>It is the connection's first.</summary>
    Initial = 301,

    /// <summary>It let its retransmission timer run out.</summary>
    Silent = 302,

    /// <summary>The peer announced an address.</summary>
    Announced = 303,

    /// <summary>The peer wants the subflow spared.</summary>
    BackupWanted = 304,

    /// <summary>The peer wants the subflow used.</summary>
    UseWanted = 305,

    /// <summary>The last subflow is gone; a new one may still come.</summary>
    NoPathLeft = 400,

    /// <summary>No new subflow came in time.</summary>
    NoPathCame = 401,

    /// <summary>The scheduler threw; the default took its place.</summary>
    SchedulerFailed = 402,

    /// <summary>The path manager threw, or asked for what cannot be; the default took its place.</summary>
    PathManagerFailed = 403,

    /// <summary>MP_FASTCLOSE with another key than ours was ignored.</summary>
    WrongFastCloseKey = 500,

    /// <summary>A DATA_FIN at another place than the first, or before data, was ignored.</summary>
    DataFinContradicts = 501,

    /// <summary>Data behind the DATA_FIN was ignored.</summary>
    DataAfterFin = 502,

    /// <summary>A DATA_ACK of what was never sent was ignored.</summary>
    AckOfUnsent = 503,

    /// <summary>Data beyond the announced window was ignored.</summary>
    DataBeyondWindow = 505,

    /// <summary>ADD_ADDR with a wrong HMAC was ignored.</summary>
    AnnouncementForged = 510,

    /// <summary>ADD_ADDR with the identifier of another address was ignored.</summary>
    AnnouncementContradicts = 511,

    /// <summary>ADD_ADDR of an address where no peer can be was ignored.</summary>
    AnnouncementUnusable = 512,

    /// <summary>A join of the peer was refused.</summary>
    JoinRefused = 513,
}
