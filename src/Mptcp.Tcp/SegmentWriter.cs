using Mptcp.Wire;

namespace Mptcp.Tcp;

/// <summary>The header fields of a segment that come from the state of the connection.</summary>
internal readonly record struct SegmentContext(
    Instant Now, TcpFlags Flags, ushort Window, uint Acknowledgment, uint EchoedTimestamp, byte TrafficClass,
    FastOpenCookie? FastOpen);

/// <summary>Puts a segment together: options by priority within 40 bytes, payload, headers, checksums.</summary>
internal sealed class SegmentWriter(TcpConfiguration configuration, ITcpUser user)
{
    private bool _sack = configuration.SelectiveAcks;
    private bool _windowScale = true;

    /// <summary>Whether timestamps were agreed; true until the peer's SYN says otherwise.</summary>
    public bool Timestamps { get; private set; } = true;

    /// <summary>The room that options take from a full segment, padding included (RFC 6691).</summary>
    public int LargestDataOptions => ((Timestamps ? 12 : 0) + user.DataOptionsLength + 3) & ~3;

    /// <summary>The room that SACK blocks take from a full segment: less of them where the user's options need it.</summary>
    public int SackRoom(TcpReceiver receiver)
    {
        int blocks = _sack ? receiver.SackBlocks : 0;
        int left = TcpPacket.MaxOptionsLength - LargestDataOptions;
        return left < 12 || blocks == 0 ? 0 : Math.Min(left, 4 + 8 * blocks) & ~3;
    }

    public void HandlePeerSyn(in TcpOptions options)
    {
        Timestamps = options.HasTimestamps;
        _sack &= options.SackPermitted;
        _windowScale = options.WindowScale.HasValue;
    }

    public int Write(
        Span<byte> buffer, in SentRange range, in SegmentContext context, TcpReceiver receiver, uint peerOrigin,
        int segmentSize)
    {
        Span<byte> room = stackalloc byte[TcpPacket.MaxOptionsLength];
        var options = new TcpOptionWriter(room);
        bool syn = (context.Flags & TcpFlags.Syn) != 0;
        if (syn)
        {
            options.TryWriteMss((ushort)configuration.MaximumSegmentSize);
            if (_sack)
            {
                options.TryWriteSackPermitted();
            }
        }

        bool pure = range.Length == 0 && context.Flags == TcpFlags.Ack;
        if (Timestamps && (context.Flags & TcpFlags.Rst) == 0 && !(pure && user.NeedsWholeOptions))
        {
            uint value = unchecked(configuration.TimestampOffset + (uint)(context.Now.Nanoseconds / Instant.Millisecond));
            options.TryWriteTimestamps(value, context.EchoedTimestamp);
        }

        if (syn && _windowScale)
        {
            options.TryWriteWindowScale(configuration.WindowScale);
        }

        var description = new SegmentDescription(context.Flags, range.Start, range.Transmissions, range.Length > 0)
        {
            Holes = _sack && !syn && receiver.SackBlocks > 0,
            Advances = receiver.Next > receiver.Acknowledged,
        };
        user.WriteOptions(description, ref options);
        if (context.FastOpen is { } cookie)
        {
            WriteFastOpen(ref options, cookie);
        }

        if (_sack && !syn && (context.Flags & TcpFlags.Rst) == 0)
        {
            WriteSack(ref options, segmentSize - range.Length, receiver, peerOrigin);
        }

        int optionsLength = options.PadToWord();
        bool isV4 = configuration.Local.Address.IsV4;
        user.CopyPayload(range.Start + (range.Syn ? 1 : 0), buffer.Slice(TcpPacket.PayloadOffset(isV4, optionsLength), range.Length));
        var header = new TcpHeaderFields
        {
            Source = configuration.Local,
            Destination = configuration.Remote,
            SequenceNumber = unchecked(configuration.InitialSequenceNumber + (uint)range.Start),
            AcknowledgmentNumber = context.Acknowledgment,
            Flags = context.Flags,
            Window = context.Window,
            TrafficClass = context.TrafficClass,
            HopLimit = configuration.HopLimit,
        };
        return TcpPacket.Write(buffer, header, options.Written, range.Length);
    }

    /// <summary>The Fast Open option; beside MP_CAPABLE of a SYN/ACK only a shorter cookie fits (RFC 8684 Appendix B.1).</summary>
    private static void WriteFastOpen(ref TcpOptionWriter options, in FastOpenCookie cookie)
    {
        FastOpenCookie fitting = cookie.Truncate(options.Remaining - 2);
        if (cookie.IsEmpty || !fitting.IsEmpty)
        {
            options.TryWriteFastOpen(fitting);
        }
    }

    /// <summary>SACK blocks where the options have room for one, and the segment for the options.</summary>
    private static void WriteSack(ref TcpOptionWriter options, int optionsRoom, TcpReceiver receiver, uint peerOrigin)
    {
        int room = Math.Min(options.Remaining, optionsRoom - options.Length);
        if (room < 12)
        {
            return;
        }

        Span<SackBlock> blocks = stackalloc SackBlock[4];
        int count = receiver.TakeSackBlocks(blocks[..Math.Min(4, (room - 4) / 8)], peerOrigin);
        if (count > 0)
        {
            options.WriteSack(blocks[..count]);
        }
    }
}
