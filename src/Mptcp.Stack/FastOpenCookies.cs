using System.Security.Cryptography;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Stack;

/// <summary>
/// The cookies that this host gives (RFC 7413 §4.1.2): a MAC of the peer's address. The secret changes once a day, and the
/// one before it still counts, so that a cookie lives one day to two.
/// </summary>
internal sealed class FastOpenCookies(IEntropySource entropy)
{
    private const long SecretLifetime = 86_400 * Instant.Second;
    private const int Length = 8;

    // What MP_CAPABLE leaves room for in a SYN/ACK with all options (RFC 8684 Appendix B.1).
    private const int ShortLength = 6;
    private byte[]? _secret;
    private byte[]? _before;
    private Instant _since;

    /// <summary>The cookie of a peer.</summary>
    public FastOpenCookie Make(Instant now, IpAddress peer)
    {
        Renew(now);
        return Make(_secret!, peer);
    }

    /// <summary>Whether a cookie is one that this host gave to that peer, whole or shortened.</summary>
    public bool IsValid(Instant now, IpAddress peer, in FastOpenCookie cookie)
    {
        Renew(now);
        return cookie.Length is Length or ShortLength
            && (IsEqual(cookie, Make(_secret!, peer)) || (_before is not null && IsEqual(cookie, Make(_before, peer))));
    }

    private static bool IsEqual(in FastOpenCookie cookie, in FastOpenCookie whole)
    {
        Span<byte> given = stackalloc byte[FastOpenCookie.MaxLength];
        Span<byte> made = stackalloc byte[FastOpenCookie.MaxLength];
        cookie.CopyTo(given);
        whole.CopyTo(made);
        return CryptographicOperations.FixedTimeEquals(given[..cookie.Length], made[..cookie.Length]);
    }

    private static FastOpenCookie Make(byte[] secret, IpAddress peer)
    {
        Span<byte> address = stackalloc byte[16];
        peer.CopyTo(address);
        Span<byte> digest = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(secret, address[..peer.ByteCount], digest);
        _ = FastOpenCookie.TryCreate(digest[..Length], out FastOpenCookie cookie);
        return cookie;
    }

    private void Renew(Instant now)
    {
        if (_secret is not null && now - _since < SecretLifetime)
        {
            return;
        }

        _before = _secret is not null && now - _since < 2 * SecretLifetime ? _secret : null;
        (_secret, _since) = (new byte[32], now);
        entropy.Fill(_secret);
    }
}
