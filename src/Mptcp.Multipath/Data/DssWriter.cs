using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>Makes the options that carry data sequence numbers, from the state of a connection.</summary>
internal sealed class DssWriter(ConnectionKeys keys, DataSender sender, DataReceiveQueue received)
{
    private byte[] _mapped = [];

    /// <summary>Whether mappings carry checksums: either end's wish is enough (RFC 8684 §3.1).</summary>
    public bool ChecksumInUse { get; set; }

    public ushort ChecksumOf(long dataOffset, uint subflowSequence, int length)
    {
        if (!ChecksumInUse)
        {
            return 0;
        }

        if (_mapped.Length < length)
        {
            _mapped = new byte[ushort.MaxValue];
        }

        Span<byte> bytes = _mapped.AsSpan(0, length);
        sender.CopyTo(dataOffset, bytes);
        return DssChecksum.Compute(
            keys.Send.ToWire64(dataOffset), subflowSequence, (ushort)length, InternetChecksum.Accumulate(bytes));
    }

    /// <summary>The DATA_ACK alone, of 64 bits or of 32.</summary>
    public DssOption Ack(bool wide) => new()
    {
        HasDataAck = true,
        DataAck64 = wide,
        DataAck = wide ? keys.Receive.ToWire64(received.Next) : keys.Receive.ToWire32(received.Next),
    };

    /// <summary>A mapping, with a DATA_ACK beside it.</summary>
    /// <remarks>Before the third ACK of a Fast Open the peer's numbers are not known, and there is nothing to acknowledge.</remarks>
    public DssOption Mapping(in SendMapping mapping) => (keys.RemoteKnown ? Ack(mapping.WideAck) : default) with
    {
        HasMapping = true,
        DataSequence64 = true,
        DataSequenceNumber = keys.Send.ToWire64(mapping.DataOffset),
        SubflowSequenceNumber = mapping.SubflowSequence,
        DataLength = (ushort)mapping.Length,
        HasChecksum = ChecksumInUse,
        Checksum = mapping.Checksum,
    };

    /// <summary>The initiator's first mapping: keys and data-level length in one option (RFC 8684 §3.1).</summary>
    public MpCapableOption CapableMapping(in SendMapping mapping, MpCapableFlags flags) => new()
    {
        Version = MpCapableOption.Version1,
        Flags = flags,
        SenderKey = keys.Local,
        ReceiverKey = keys.Remote,
        DataLength = (ushort)mapping.Length,
        Checksum = ChecksumInUse ? mapping.Checksum : null,
    };

    /// <summary>The DATA_FIN on a segment without payload: one octet long, no subflow sequence (RFC 8684 §3.3.3).</summary>
    public DssOption Fin(bool wideAck)
    {
        ulong number = keys.Send.ToWire64(sender.FinOffset);
        return Ack(wideAck) with
        {
            HasMapping = true,
            DataSequence64 = true,
            DataSequenceNumber = number,
            DataLength = 1,
            DataFin = true,
            HasChecksum = ChecksumInUse,
            Checksum = ChecksumInUse ? DssChecksum.Compute(number, 0, 1, 0) : (ushort)0,
        };
    }
}
