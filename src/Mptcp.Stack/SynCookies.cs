using System.Buffers.Binary;
using System.Security.Cryptography;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Stack;

/// <summary>What a SYN cookie keeps of a SYN, and what the SYN/ACK says.</summary>
/// <param name="Sequence">Our initial sequence number: the cookie itself.</param>
/// <param name="Key">Our key, should the SYN propose Multipath TCP; it follows from the cookie's secret.</param>
/// <param name="MaximumSegmentSize">The peer's, rounded down to one of eight.</param>
/// <param name="WindowScale">The peer's; null when it was not said, or could not be kept.</param>
/// <param name="SackPermitted">Whether the peer permits SACK.</param>
internal readonly record struct SynCookie(
    uint Sequence, ulong Key, ushort MaximumSegmentSize, byte? WindowScale, bool SackPermitted);

/// <summary>
/// Answers to SYNs that keep no state (RFC 4987 §3.6): five bits of time, three of MSS and 24 of a keyed hash are the
/// initial sequence number; window scale and SACK travel in the low bits of the timestamp. The key of Multipath TCP is a
/// hash as well, and the third ACK brings both keys back (RFC 8684 §3.1).
/// </summary>
internal sealed class SynCookies
{
    private const long Period = 64 * Instant.Second;
    private const int Periods = 32;
    private const int MaximumAge = 2;
    private const uint TimestampBits = 0x3f;
    private const int NoScale = 15;

    private static readonly ushort[] _sizes = [536, 1220, 1300, 1360, 1400, 1440, 1460, 8940];

    private readonly byte[] _secret = new byte[16];
    private Instant _lastMade = Instant.Never;

    public SynCookies(IEntropySource entropy) => entropy.Fill(_secret);

    /// <summary>The cookie that stands for a SYN.</summary>
    public SynCookie Make(Instant now, in TcpSegment syn, in TcpOptions options)
    {
        _lastMade = now;
        int size = IndexOf(options.MaximumSegmentSize ?? _sizes[0]);
        uint head = (Count(now) << 3) | (uint)size;
        (uint hash, ulong key) = Hash(syn.Destination, syn.Source, syn.SequenceNumber, head);
        return new SynCookie(
            (head << 24) | hash,
            key,
            _sizes[size],
            options.HasTimestamps ? options.WindowScale : null,
            options.HasTimestamps && options.SackPermitted);
    }

    /// <summary>The timestamp of the SYN/ACK: not later than the true one, with what has no other place in its low bits.</summary>
    public static uint Mark(uint timestamp, in SynCookie cookie)
    {
        uint bits = (uint)((cookie.SackPermitted ? 16 : 0) | (cookie.WindowScale ?? NoScale));
        uint marked = (timestamp & ~TimestampBits) | bits;
        return SequenceNumbers.IsBefore(timestamp, marked) ? unchecked(marked - TimestampBits - 1) : marked;
    }

    /// <summary>Whether a cookie was made so lately that its ACK may still come.</summary>
    public bool InUse(Instant now) => _lastMade != Instant.Never && now - _lastMade <= MaximumAge * Period;

    /// <summary>Whether an ACK without a connection answers a cookie of ours.</summary>
    public bool TryOpen(Instant now, in TcpSegment ack, in TcpOptions options, out SynCookie cookie)
    {
        cookie = default;
        uint sequence = unchecked(ack.AcknowledgmentNumber - 1);
        uint head = sequence >> 24;
        uint age = (Count(now) - (head >> 3)) & (Periods - 1);
        (uint hash, ulong key) = Hash(ack.Destination, ack.Source, unchecked(ack.SequenceNumber - 1), head);
        if (age >= MaximumAge || hash != (sequence & 0xff_ffff))
        {
            return false;
        }

        uint bits = options.TimestampEcho & TimestampBits;
        byte? scale = options.HasTimestamps && (bits & 15) != NoScale ? (byte)(bits & 15) : null;
        cookie = new SynCookie(sequence, key, _sizes[head & 7], scale, options.HasTimestamps && (bits & 16) != 0);
        return true;
    }

    private static uint Count(Instant now) => (uint)(now.Nanoseconds / Period) & (Periods - 1);

    private static int IndexOf(ushort size)
    {
        int index = _sizes.Length - 1;
        while (index > 0 && _sizes[index] > size)
        {
            index--;
        }

        return index;
    }

    private (uint Sequence, ulong Key) Hash(IpEndpoint local, IpEndpoint remote, uint peerSequence, uint head)
    {
        Span<byte> identity = stackalloc byte[16 + (2 * (16 + 2)) + 4 + 4];
        identity.Clear();
        _secret.CopyTo(identity);
        local.Address.CopyTo(identity[16..]);
        BinaryPrimitives.WriteUInt16BigEndian(identity[32..], local.Port);
        remote.Address.CopyTo(identity[34..]);
        BinaryPrimitives.WriteUInt16BigEndian(identity[50..], remote.Port);
        BinaryPrimitives.WriteUInt32BigEndian(identity[52..], peerSequence);
        BinaryPrimitives.WriteUInt32BigEndian(identity[56..], head);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(identity, digest);

        // 0 is what no peer could tell from an empty field.
        return (BinaryPrimitives.ReadUInt32BigEndian(digest) & 0xff_ffff, BinaryPrimitives.ReadUInt64BigEndian(digest[8..]) | 1);
    }
}
