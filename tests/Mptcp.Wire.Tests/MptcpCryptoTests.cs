using System.Buffers.Binary;
using System.Security.Cryptography;
using CsCheck;
using Xunit;

namespace Mptcp.Wire.Tests;

/// <summary>What the keys give, against the formulas of the RFC written out with the framework's hashes.</summary>
public class MptcpCryptoTests
{
    // Of a connection with a join that was captured; its keys and nonces go into SHA-256 here.
    private const ulong KeyA = 0x9c9eabd1e46a33b2;
    private const ulong KeyB = 0x967d2770b6960552;
    private const uint NonceA = 0x1b665a18;
    private const uint NonceB = 0x33abe9d5;

    [Fact]
    [Trait("Requirement", "30")]
    [Trait("Requirement", "42")]
    [Trait("Requirement", "43")]
    [Trait("Requirement", "44")]
    [Trait("Requirement", "45")]
    public void Token_and_IDSN_are_the_two_ends_of_the_hash_of_the_key() => Gen.ULong.Sample(
        key =>
        {
            byte[] hash = SHA256.HashData(Octets(key));
            MptcpCrypto.Derive(key, out uint token, out ulong idsn);
            Assert.Equal(BinaryPrimitives.ReadUInt32BigEndian(hash), token);
            Assert.Equal(BinaryPrimitives.ReadUInt64BigEndian(hash.AsSpan(24)), idsn);
            Assert.Equal(token, MptcpCrypto.Token(key));
            Assert.Equal(idsn, MptcpCrypto.InitialDataSequenceNumber(key));
        },
        iter: 1_000);

    [Fact]
    [Trait("Requirement", "61")]
    [Trait("Requirement", "62")]
    [Trait("Requirement", "77")]
    public void The_HMACs_of_MP_JOIN_put_the_sender_first() => Gen.Select(Gen.ULong, Gen.ULong, Gen.UInt, Gen.UInt).Sample(
        (mine, peers, nonce, peersNonce) =>
        {
            byte[] expected = HMACSHA256.HashData(
                [.. Octets(mine), .. Octets(peers)], [.. Octets(nonce), .. Octets(peersNonce)]);
            var hmac = new byte[MptcpCrypto.HmacLength];
            MptcpCrypto.JoinHmac(mine, peers, nonce, peersNonce, hmac);
            Assert.Equal(expected, hmac);
            Assert.Equal(
                BinaryPrimitives.ReadUInt64BigEndian(expected), MptcpCrypto.JoinSynAckHmac(mine, peers, nonce, peersNonce));

            var truncated = new byte[MpJoinAckOption.HmacLength];
            MptcpCrypto.JoinAck(mine, peers, nonce, peersNonce).CopyHmac(truncated);
            Assert.Equal(expected[..20], truncated);
        },
        iter: 1_000);

    /// <summary>Values computed outside of this project.</summary>
    [Fact]
    [Trait("Requirement", "77")]
    public void The_HMACs_of_a_join_are_the_known_ones()
    {
        Assert.Equal(0x9c5330d968d9458d, MptcpCrypto.JoinSynAckHmac(KeyB, KeyA, NonceB, NonceA));
        Assert.Equal(
            new MpJoinAckOption(Convert.FromHexString("92c00a09c48af5ea31979343e18d52f73cec115c")), MptcpCrypto.JoinAck(KeyA, KeyB, NonceA, NonceB));
    }

    /// <summary>RFC 8684 §3.4.1: rightmost 64 bits; two zero octets where no port is announced.</summary>
    [Fact]
    [Trait("Requirement", "161")]
    public void The_HMAC_of_ADD_ADDR_covers_identifier_address_and_port() =>
        Gen.Select(Gen.ULong, Gen.ULong, WireGen.AddAddress).Sample(
            (sender, receiver, option) =>
            {
                byte[] address = option.Address.ToIPAddress().GetAddressBytes();
                ushort port = option.Port ?? 0;
                byte[] expected = HMACSHA256.HashData(
                    [.. Octets(sender), .. Octets(receiver)],
                    [option.AddressId, .. address, (byte)(port >> 8), (byte)port]);
                Assert.Equal(
                    BinaryPrimitives.ReadUInt64BigEndian(expected.AsSpan(24)),
                    MptcpCrypto.AddAddressHmac(sender, receiver, option));
            },
            iter: 1_000);

    private static byte[] Octets(ulong value)
    {
        var octets = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(octets, value);
        return octets;
    }

    private static byte[] Octets(uint value)
    {
        var octets = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(octets, value);
        return octets;
    }
}
