using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Mptcp.Lab;

/// <summary>What the standard derives from a connection's two keys, by its text (RFC 8684 §3.1, §3.2, §3.4.1).</summary>
/// <param name="initiator">The key of the host that sent the first SYN.</param>
/// <param name="responder">The key of the other.</param>
internal sealed class AuditedKeys(byte[] initiator, byte[] responder)
{
    public uint TokenOf(bool byInitiator) => BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(KeyOf(byInitiator)));

    public ulong InitialNumberOf(bool byInitiator) =>
        BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(KeyOf(byInitiator)).AsSpan(24));

    public byte[] KeyOf(bool byInitiator) => byInitiator ? initiator : responder;

    /// <summary>The HMAC that a host sends in MP_JOIN: its own key first, its own nonce first.</summary>
    public byte[] JoinHmac(bool byInitiator, ReadOnlySpan<byte> ownNonce, ReadOnlySpan<byte> otherNonce) =>
        Hmac(byInitiator, [.. ownNonce, .. otherNonce]);

    /// <summary>The truncated HMAC of an ADD_ADDR.</summary>
    public byte[] AddressHmac(bool byInitiator, byte id, ReadOnlySpan<byte> address, ushort port) =>
        Hmac(byInitiator, [id, .. address, (byte)(port >> 8), (byte)port])[24..];

    private byte[] Hmac(bool byInitiator, byte[] message) =>
        HMACSHA256.HashData((byte[])[.. KeyOf(byInitiator), .. KeyOf(!byInitiator)], message);
}
