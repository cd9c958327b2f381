using System.Buffers.Binary;
using CsCheck;

namespace Mptcp.Wire.Tests;

/// <summary>Values of every form that the wire knows.</summary>
internal static class WireGen
{
    public static readonly Gen<IpAddress> AddressV4 = Gen.UInt.Select(ToV4);

    public static readonly Gen<IpAddress> AddressV6 = Gen.Select(Gen.ULong, Gen.ULong).Select((high, low) => ToV6(high, low));

    public static readonly Gen<IpAddress> Address = Gen.OneOf(AddressV4, AddressV6);

    public static readonly Gen<MpCapableOption> MpCapable =
        Gen.Select(Gen.Byte[0, 15], Gen.Byte, Gen.ULong, Gen.ULong, Gen.UShort, Gen.UShort, Gen.Int[0, 4]).Select(
            (version, flags, sender, receiver, length, checksum, form) => new MpCapableOption
            {
                Version = version,
                Flags = (MpCapableFlags)flags,
                SenderKey = form >= 1 ? sender : null,
                ReceiverKey = form >= 2 ? receiver : null,
                DataLength = form >= 3 ? length : null,
                Checksum = form >= 4 ? checksum : null,
            });

    public static readonly Gen<MpJoinSynOption> MpJoinSyn =
        Gen.Select(Gen.Bool, Gen.Byte, Gen.UInt, Gen.UInt).Select((b, id, token, nonce) => new MpJoinSynOption(b, id, token, nonce));

    public static readonly Gen<MpJoinSynAckOption> MpJoinSynAck =
        Gen.Select(Gen.Bool, Gen.Byte, Gen.ULong, Gen.UInt).Select((b, id, hmac, nonce) => new MpJoinSynAckOption(b, id, hmac, nonce));

    public static readonly Gen<MpJoinAckOption> MpJoinAck =
        Gen.Byte.Array[20, 32].Select(hmac => new MpJoinAckOption(hmac));

    public static readonly Gen<DssOption> Dss =
        Gen.Select(Gen.Int[0, 63], Gen.ULong, Gen.ULong, Gen.UInt, Gen.UShort, Gen.UShort)
            .Select((form, ack, sequence, subflow, length, checksum) => ToDss(form, ack, sequence, subflow, length, checksum));

    public static readonly Gen<AddAddressOption> AddAddress =
        Gen.Select(Address, Gen.Byte, Gen.UShort, Gen.ULong, Gen.Int[0, 3]).Select((address, id, port, hmac, form) =>
            new AddAddressOption
            {
                Address = address,
                AddressId = id,
                Port = (form & 1) == 0 ? null : port,
                Echo = (form & 2) != 0,
                TruncatedHmac = (form & 2) != 0 ? 0 : hmac,
            });

    public static readonly Gen<RemoveAddressOption> RemoveAddress =
        Gen.Byte.Array[1, RemoveAddressOption.MaxCount].Select(ids => new RemoveAddressOption(ids));

    public static readonly Gen<MpTcpRstOption> MpTcpRst =
        Gen.Select(Gen.Bool, Gen.Byte).Select((transient, reason) => new MpTcpRstOption(transient, (MpTcpRstReason)reason));

    public static IpAddress ToV4(uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return IpAddress.FromBytes(bytes);
    }

    public static IpAddress ToV6(ulong high, ulong low)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, high);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], low);
        return IpAddress.FromBytes(bytes);
    }

    /// <summary>One of the 64 combinations of presence, widths, checksum and DATA_FIN.</summary>
    public static DssOption ToDss(int form, ulong ack, ulong sequence, uint subflow, ushort length, ushort checksum)
    {
        bool hasAck = (form & 1) != 0, ack64 = hasAck && (form & 2) != 0;
        bool hasMapping = (form & 4) != 0, sequence64 = hasMapping && (form & 8) != 0;
        bool hasChecksum = hasMapping && (form & 16) != 0;
        return new DssOption
        {
            HasDataAck = hasAck,
            DataAck64 = ack64,
            DataAck = !hasAck ? 0 : ack64 ? ack : (uint)ack,
            HasMapping = hasMapping,
            DataSequence64 = sequence64,
            DataSequenceNumber = !hasMapping ? 0 : sequence64 ? sequence : (uint)sequence,
            SubflowSequenceNumber = hasMapping ? subflow : 0,
            DataLength = hasMapping ? length : (ushort)0,
            HasChecksum = hasChecksum,
            Checksum = hasChecksum ? checksum : (ushort)0,
            DataFin = (form & 32) != 0,
        };
    }
}
