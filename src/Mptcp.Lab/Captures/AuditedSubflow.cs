using System.Net;

namespace Mptcp.Lab;

/// <summary>A subflow of a capture, from its SYN on.</summary>
internal sealed class AuditedSubflow(IPEndPoint client, AuditedFlow forward)
{
    public IPEndPoint Client => client;

    /// <summary>What the client sends.</summary>
    public AuditedFlow Forward => forward;

    /// <summary>What the server sends, from its SYN/ACK on.</summary>
    public AuditedFlow? Back { get; set; }

    /// <summary>The connection, once it is known to be one of Multipath TCP.</summary>
    public AuditedConnection? Connection { get; set; }

    /// <summary>Whether the client is the initiator of the connection, as it is but for joins by the responder.</summary>
    public bool ByInitiator { get; set; } = true;

    /// <summary>Whether the flags of MP_CAPABLE ask for checksums, in the SYN or its answer.</summary>
    public bool ChecksumAsked { get; set; }

    /// <summary>Whether its flows belong to the connection: a join has proved itself.</summary>
    public bool IsRegistered { get; set; }

    public byte[]? ServerKey { get; set; }

    public byte[] ClientNonce { get; set; } = [];

    public byte[] ServerNonce { get; set; } = [];

    public bool IsFromClient(AuditedSegment segment) => segment.Source.Equals(client);

    public AuditedFlow? FlowOf(AuditedSegment segment) => IsFromClient(segment) ? forward : Back;

    /// <summary>Whether a segment comes from the host that initiated the connection.</summary>
    public bool IsFromInitiator(AuditedSegment segment) => IsFromClient(segment) == ByInitiator;
}
