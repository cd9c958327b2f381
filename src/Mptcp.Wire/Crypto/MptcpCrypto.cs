using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Mptcp.Wire;

/// <summary>
/// What RFC 8684 derives from the keys with SHA-256. Keys, nonces and tokens are integers here, read from the wire in
/// network byte order. Nothing allocates.
/// </summary>
public static class MptcpCrypto
{
    /// <summary>Octets of a full HMAC.</summary>
    public const int HmacLength = 32;

    /// <summary>The token of a key: the most significant 32 bits of its hash (RFC 8684 §3.2).</summary>
    public static uint Token(ulong key)
    {
        Derive(key, out uint token, out _);
        return token;
    }

    /// <summary>The initial data sequence number of a key: the least significant 64 bits of its hash (RFC 8684 §3.1).</summary>
    public static ulong InitialDataSequenceNumber(ulong key)
    {
        Derive(key, out _, out ulong initialDataSequenceNumber);
        return initialDataSequenceNumber;
    }

    /// <summary>Token and initial data sequence number with one hash.</summary>
    public static void Derive(ulong key, out uint token, out ulong initialDataSequenceNumber)
    {
        Span<byte> bytes = stackalloc byte[8];
        Span<byte> hash = stackalloc byte[HmacLength];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, key);
        SHA256.HashData(bytes, hash);
        token = BinaryPrimitives.ReadUInt32BigEndian(hash);
        initialDataSequenceNumber = BinaryPrimitives.ReadUInt64BigEndian(hash[24..]);
    }

    /// <summary>
    /// The HMAC that the local host sends in its MP_JOIN (RFC 8684 §3.2). The one to expect from the peer is this with
    /// local and remote exchanged.
    /// </summary>
    /// <param name="localKey">Key of the host that sends the HMAC.</param>
    /// <param name="remoteKey">Key of its peer.</param>
    /// <param name="localNonce">Nonce of the host that sends the HMAC.</param>
    /// <param name="remoteNonce">Nonce of its peer.</param>
    /// <param name="hmac">32 octets to fill; a SYN/ACK carries the first 8, the third ACK the first 20.</param>
    public static void JoinHmac(ulong localKey, ulong remoteKey, uint localNonce, uint remoteNonce, Span<byte> hmac)
    {
        Span<byte> message = stackalloc byte[8];
        BinaryPrimitives.WriteUInt32BigEndian(message, localNonce);
        BinaryPrimitives.WriteUInt32BigEndian(message[4..], remoteNonce);
        Hmac(localKey, remoteKey, message, hmac);
    }

    /// <summary>The leftmost 64 bits of <see cref="JoinHmac"/>, as the MP_JOIN of a SYN/ACK carries them.</summary>
    public static ulong JoinSynAckHmac(ulong localKey, ulong remoteKey, uint localNonce, uint remoteNonce)
    {
        Span<byte> hmac = stackalloc byte[HmacLength];
        JoinHmac(localKey, remoteKey, localNonce, remoteNonce, hmac);
        return BinaryPrimitives.ReadUInt64BigEndian(hmac);
    }

    /// <summary>The MP_JOIN of the third ACK, with the leftmost 160 bits of <see cref="JoinHmac"/>.</summary>
    public static MpJoinAckOption JoinAck(ulong localKey, ulong remoteKey, uint localNonce, uint remoteNonce)
    {
        Span<byte> hmac = stackalloc byte[HmacLength];
        JoinHmac(localKey, remoteKey, localNonce, remoteNonce, hmac);
        return new MpJoinAckOption(hmac);
    }

    /// <summary>
    /// The truncated HMAC of an announced address (RFC 8684 §3.4.1): the rightmost 64 bits over identifier, address and
    /// port, with two zero octets for no port.
    /// </summary>
    /// <param name="senderKey">Key of the host that announces.</param>
    /// <param name="receiverKey">Key of its peer.</param>
    /// <param name="option">The announcement; its own HMAC and echo flag are not read.</param>
    public static ulong AddAddressHmac(ulong senderKey, ulong receiverKey, in AddAddressOption option)
    {
        Span<byte> message = stackalloc byte[1 + 16 + 2];
        int addressLength = option.Address.ByteCount;
        message[0] = option.AddressId;
        option.Address.CopyTo(message[1..]);
        BinaryPrimitives.WriteUInt16BigEndian(message[(1 + addressLength)..], option.Port.GetValueOrDefault());

        Span<byte> hmac = stackalloc byte[HmacLength];
        Hmac(senderKey, receiverKey, message[..(1 + addressLength + 2)], hmac);
        return BinaryPrimitives.ReadUInt64BigEndian(hmac[24..]);
    }

    private static void Hmac(ulong firstKey, ulong secondKey, ReadOnlySpan<byte> message, Span<byte> hmac)
    {
        Span<byte> key = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(key, firstKey);
        BinaryPrimitives.WriteUInt64BigEndian(key[8..], secondKey);
        HMACSHA256.HashData(key, message, hmac);
    }
}
