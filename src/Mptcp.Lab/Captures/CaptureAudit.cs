using System.Buffers.Binary;
using System.Net;

namespace Mptcp.Lab;

/// <summary>
/// Audits a capture of Multipath TCP version 1 against the text of RFC 8684: keys and tokens, the HMACs of MP_JOIN and
/// ADD_ADDR, checksums over whole mappings, mappings without gap or contradiction, the same data on every subflow,
/// DATA_ACKs of what was sent, the key of MP_FASTCLOSE, reserved bits. No analyzer of captures verifies these. Nothing of
/// the engine's is used, so that the judge does not share its faults.
/// </summary>
public sealed class CaptureAudit
{
    private const int Capable = 0;
    private const int Join = 1;
    private const int AddAddress = 3;
    private const int Fail = 6;
    private const int FastClose = 7;
    private readonly CaptureFindings _findings = new();
    private readonly Dictionary<(IPEndPoint Client, IPEndPoint Server), AuditedSubflow> _subflows = [];
    private readonly List<AuditedConnection> _connections = [];

    private CaptureAudit()
    {
    }

    /// <summary>Audits a capture file.</summary>
    /// <exception cref="InvalidDataException">The file is no capture.</exception>
    public static CaptureFindings Run(string path) => Run(CaptureFile.Read(path));

    /// <summary>Audits IP packets in the order in which they were seen, near one of the hosts.</summary>
    public static CaptureFindings Run(IEnumerable<ReadOnlyMemory<byte>> packets)
    {
        ArgumentNullException.ThrowIfNull(packets);
        var audit = new CaptureAudit();
        foreach (ReadOnlyMemory<byte> packet in packets)
        {
            if (AuditedSegment.TryRead(packet) is { } segment)
            {
                audit.Take(segment);
            }
        }

        audit._connections.ForEach(connection => connection.Finish());
        return audit._findings;
    }

    private static string NameOf(AuditedSegment segment) => $"{segment.Source} > {segment.Destination}";

    private void Take(AuditedSegment segment)
    {
        if (segment.Malformed)
        {
            _findings.Add($"{NameOf(segment)}: an option list breaks off");
        }

        if (segment is { Syn: true, Ack: false })
        {
            TakeSyn(segment);
        }
        else if (Find(segment) is { } subflow)
        {
            if (segment.Syn)
            {
                TakeSynAck(subflow, segment);
            }

            TakeOther(subflow, segment);
        }
    }

    private AuditedSubflow? Find(AuditedSegment segment) =>
        _subflows.TryGetValue((segment.Source, segment.Destination), out AuditedSubflow? found)
        || _subflows.TryGetValue((segment.Destination, segment.Source), out found) ? found : null;

    private void TakeSyn(AuditedSegment syn)
    {
        (IPEndPoint, IPEndPoint) key = (syn.Source, syn.Destination);
        if (_subflows.TryGetValue(key, out AuditedSubflow? known) && known.Forward.FirstSequence == syn.Sequence)
        {
            return;
        }

        var subflow = new AuditedSubflow(syn.Source, new AuditedFlow(NameOf(syn), syn.Sequence, _findings));
        _subflows[key] = subflow;
        subflow.Forward.AddPayload(1, syn.Payload.Span);
        if (syn.Find(Capable) is { } capable)
        {
            subflow.ChecksumAsked = (capable[3] & 0x80) != 0;
            Require(syn, capable.Length == 4 && capable[2] == 1, "MP_CAPABLE of a SYN has version 1 and no key");
            Require(syn, (capable[3] & 0x5f) == 1, "MP_CAPABLE proposes HMAC-SHA256 alone, and bit B is clear");
        }
        else if (syn.Find(Join) is { } join)
        {
            Require(syn, join.Length == 12 && (join[2] & 0x0e) == 0, "MP_JOIN of a SYN has 12 octets and its reserved bits clear");
            uint token = BinaryPrimitives.ReadUInt32BigEndian(join.AsSpan(4));
            subflow.ClientNonce = join[8..12];
            subflow.Connection = _connections.FindLast(
                one => one.Keys.TokenOf(byInitiator: false) == token || one.Keys.TokenOf(byInitiator: true) == token);
            subflow.ByInitiator = subflow.Connection?.Keys.TokenOf(byInitiator: false) == token;
        }
    }

    private void TakeSynAck(AuditedSubflow subflow, AuditedSegment answer)
    {
        subflow.Back ??= new AuditedFlow(NameOf(answer), answer.Sequence, _findings);
        if (answer.Find(Capable) is { } capable)
        {
            Require(answer, capable.Length == 12, "MP_CAPABLE of a SYN/ACK has 12 octets");
            Require(answer, (capable[3] & 0x5f) == 1, "MP_CAPABLE answers with HMAC-SHA256 alone");
            subflow.ChecksumAsked |= (capable[3] & 0x80) != 0;
            subflow.ServerKey = capable[4..12];
        }
        else if (answer.Find(Join) is { } join && subflow.Connection is { } connection)
        {
            subflow.ServerNonce = join[12..16];
            byte[] expected = connection.Keys.JoinHmac(!subflow.ByInitiator, subflow.ServerNonce, subflow.ClientNonce)[..8];
            Require(answer, join.Length == 16 && expected.AsSpan().SequenceEqual(join.AsSpan(4, 8)), "the HMAC of the SYN/ACK is that of the standard");
        }
    }

    private void TakeOther(AuditedSubflow subflow, AuditedSegment segment)
    {
        AuditedFlow? flow = subflow.FlowOf(segment);
        if (flow is null)
        {
            return;
        }

        long offset = flow.OffsetOf(segment.Sequence) + (segment.Syn ? 1 : 0);
        flow.AddPayload(offset, segment.Payload.Span);
        TakeKeys(subflow, segment);
        TakeProof(subflow, segment);
        if (subflow.Connection is not { } connection)
        {
            return;
        }

        if (subflow.IsFromClient(segment) && segment.Find(Capable, 22, 24) is { } capable)
        {
            connection.AddCapableData(flow, capable);
        }

        TakeDss(connection, subflow, segment, flow, offset);
        TakeSignals(connection, subflow, segment);
    }

    /// <summary>The initiator's key comes with its first ACK, or its first data.</summary>
    private void TakeKeys(AuditedSubflow subflow, AuditedSegment segment)
    {
        if (!subflow.IsFromClient(segment) || segment.Find(Capable, 20, 22, 24) is not { } capable || subflow.ServerKey is not { } key)
        {
            return;
        }

        Require(segment, capable.AsSpan(12, 8).SequenceEqual(key), "MP_CAPABLE repeats the responder's key");
        if (subflow.Connection is null)
        {
            subflow.Connection = new AuditedConnection(new AuditedKeys(capable[4..12], key), subflow.ChecksumAsked, _findings);
            _connections.Add(subflow.Connection);
            _findings.Connections++;
            Register(subflow.Connection, subflow);
        }
    }

    /// <summary>The HMAC of the initiator of a join comes with its first ACK.</summary>
    private void TakeProof(AuditedSubflow subflow, AuditedSegment segment)
    {
        if (subflow.Connection is { } connection && subflow.ServerNonce.Length > 0 && segment.Find(Join, 24) is { } join)
        {
            byte[] expected = connection.Keys.JoinHmac(subflow.ByInitiator, subflow.ClientNonce, subflow.ServerNonce)[..20];
            bool right = expected.AsSpan().SequenceEqual(join.AsSpan(4));
            Require(segment, right, "the HMAC of the third ACK is that of the standard");
            if (right && Register(connection, subflow))
            {
                _findings.Joins++;
            }
        }
    }

    private static bool Register(AuditedConnection connection, AuditedSubflow subflow)
    {
        if (subflow.IsRegistered)
        {
            return false;
        }

        subflow.IsRegistered = true;
        connection.Add(subflow.Forward, subflow.ByInitiator);
        connection.Add(subflow.Back!, !subflow.ByInitiator);
        return true;
    }

    private void TakeDss(
        AuditedConnection connection, AuditedSubflow subflow, AuditedSegment segment, AuditedFlow flow, long offset)
    {
        if (segment.Find(AuditedDss.Subtype) is { } option)
        {
            AuditedDss? dss = AuditedDss.TryRead(option);
            Require(segment, dss is not null, "the length of a DSS agrees with its flags");
            Require(segment, (option[2] & 0x0f) == 0 && (option[3] & 0xe0) == 0, "the reserved bits of a DSS are clear");
            if (dss is { } read)
            {
                connection.AddDss(NameOf(segment), flow, offset, subflow.IsFromInitiator(segment), read);
            }
        }
    }

    private void TakeSignals(AuditedConnection connection, AuditedSubflow subflow, AuditedSegment segment)
    {
        bool byInitiator = subflow.IsFromInitiator(segment);
        if (segment.Find(AddAddress, 16, 18, 28, 30) is { } added && (added[2] & 1) == 0)
        {
            int addressLength = added.Length < 28 ? 4 : 16;
            bool hasPort = added.Length - addressLength == 14;
            ushort port = hasPort ? BinaryPrimitives.ReadUInt16BigEndian(added.AsSpan(4 + addressLength)) : (ushort)0;
            byte[] hmac = connection.Keys.AddressHmac(byInitiator, added[3], added.AsSpan(4, addressLength), port);
            bool right = hmac.AsSpan().SequenceEqual(added.AsSpan(added.Length - 8));
            Require(segment, right, "the HMAC of ADD_ADDR is that of the standard");
            _findings.Announcements += right ? 1 : 0;
        }

        if (segment.Find(FastClose, 12) is { } fastClose)
        {
            bool right = connection.Keys.KeyOf(!byInitiator).AsSpan().SequenceEqual(fastClose.AsSpan(4));
            Require(segment, right, "MP_FASTCLOSE carries the key of its receiver");
            _findings.FastCloses += right ? 1 : 0;
        }

        if (segment.Find(Fail) is not null && !segment.Rst)
        {
            connection.FallBack();
        }
    }

    private void Require(AuditedSegment segment, bool holds, string rule)
    {
        if (!holds)
        {
            _findings.Add($"{NameOf(segment)}: not so: {rule}");
        }
    }
}
