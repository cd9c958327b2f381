using Mptcp.Multipath;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Stack;

/// <summary>The two segments of a handshake with a cookie: the SYN/ACK that nobody remembers, and the SYN as it was.</summary>
internal static class SynCookieSegment
{
    /// <summary>Enough for either, IP header included.</summary>
    public const int Room = 60 + 60;

    /// <summary>The options of the SYN/ACK, in the order of every other one.</summary>
    /// <param name="now">The time.</param>
    /// <param name="syn">The SYN.</param>
    /// <param name="theirs">Its options.</param>
    /// <param name="cookie">The cookie.</param>
    /// <param name="configuration">What a connection would be told.</param>
    /// <param name="settings">What the connection would be told.</param>
    /// <param name="keyIsFree">Whether the cookie's key may be used (RFC 8684 §3.1).</param>
    public static byte[] AnswerOptions(
        Instant now, in TcpSegment syn, in TcpOptions theirs, in SynCookie cookie, TcpConfiguration configuration,
        MptcpSettings settings, bool keyIsFree)
    {
        Span<byte> room = stackalloc byte[TcpPacket.MaxOptionsLength];
        var writer = new TcpOptionWriter(room);
        writer.TryWriteMss((ushort)configuration.MaximumSegmentSize);
        if (cookie.SackPermitted && configuration.SelectiveAcks)
        {
            writer.TryWriteSackPermitted();
        }

        if (theirs.HasTimestamps)
        {
            uint timestamp = unchecked(configuration.TimestampOffset + Milliseconds(now));
            writer.TryWriteTimestamps(SynCookies.Mark(timestamp, cookie), theirs.TimestampValue);
        }

        if (cookie.WindowScale.HasValue)
        {
            writer.TryWriteWindowScale(configuration.WindowScale);
        }

        if (keyIsFree && MptcpConnection.IsProposal(syn, settings, out MpCapableFlags flags))
        {
            new MpCapableOption { Version = MpCapableOption.Version1, Flags = flags | settings.CapableFlags, SenderKey = cookie.Key }.TryWrite(ref writer);
        }

        writer.PadToWord();
        return writer.Written.ToArray();
    }

    /// <summary>The header of the SYN/ACK.</summary>
    public static TcpHeaderFields AnswerHeader(in TcpSegment syn, in SynCookie cookie, int receiveBuffer) => new()
    {
        Source = syn.Destination,
        Destination = syn.Source,
        SequenceNumber = cookie.Sequence,
        AcknowledgmentNumber = unchecked(syn.SequenceNumber + 1),
        Flags = TcpFlags.Syn | TcpFlags.Ack,
        Window = (ushort)Math.Min(receiveBuffer, ushort.MaxValue),
    };

    /// <summary>Writes the SYN as far as the cookie kept it into <paramref name="room"/>; returns the packet's length.</summary>
    public static int Restore(Span<byte> room, in TcpSegment ack, in TcpOptions options, in SynCookie cookie)
    {
        Span<byte> optionRoom = stackalloc byte[TcpPacket.MaxOptionsLength];
        var writer = new TcpOptionWriter(optionRoom);
        writer.TryWriteMss(cookie.MaximumSegmentSize);
        if (cookie.SackPermitted)
        {
            writer.TryWriteSackPermitted();
        }

        if (options.HasTimestamps)
        {
            writer.TryWriteTimestamps(options.TimestampValue, 0);
        }

        if (cookie.WindowScale is { } scale)
        {
            writer.TryWriteWindowScale(scale);
        }

        // Flags of MP_CAPABLE come back in the ACK (RFC 8684 §3.1), so the proposal need not be remembered.
        MptcpConnection.TryWriteProposal(ack, ref writer);
        writer.PadToWord();
        var header = new TcpHeaderFields
        {
            Source = ack.Source,
            Destination = ack.Destination,
            SequenceNumber = unchecked(ack.SequenceNumber - 1),
            Flags = TcpFlags.Syn,
            Window = ack.Window,
        };
        return TcpPacket.Write(room, header, writer.Written, 0);
    }

    /// <summary>
    /// The round trip from our SYN/ACK to its ACK in nanoseconds, by the timestamp that came back; up to 64 ms too long,
    /// for what the cookie keeps in its low bits. Without timestamps: TCP's guess.
    /// </summary>
    public static long RoundTrip(Instant now, in TcpOptions options, TcpConfiguration configuration)
    {
        uint sent = unchecked(options.TimestampEcho - configuration.TimestampOffset);
        long milliseconds = options.HasTimestamps ? unchecked(Milliseconds(now) - sent) : Instant.Second / Instant.Millisecond;
        return Math.Clamp(milliseconds, 1, 1000) * Instant.Millisecond;
    }

    private static uint Milliseconds(Instant now) => unchecked((uint)(now.Nanoseconds / Instant.Millisecond));
}
