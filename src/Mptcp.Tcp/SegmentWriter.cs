using Mptcp.Wire;

namespace Mptcp.Tcp;

/// <summary>The header fields of a segment that come from the state of the connection.</summary>
internal readonly record struct SegmentContext(
    Instant Now, TcpFlags Flags, ushort Window, uint Acknowledgment, uint EchoedTimestamp);

/// <summary>Puts a segment together: options by priority within 40 bytes, payload, headers, checksums.</summary>
internal sealed class SegmentWriter(TcpConfiguration configuration, ITcpUser user)
{
    private bool _sack = true;
    private bool _windowScale = true;

    /// <summary>Whether timestamps were agreed; true until the peer's SYN says otherwise.</summary>
    public bool Timestamps { get; private set; } = true;

    /// <summary>The room that options take from a full segment, padding included (RFC 6691).</summary>
    public int LargestDataOptions => ((Timestamps ? 12 : 0) + user.DataOptionsLength + 3) & ~3;

    public void HandlePeerSyn(in TcpOptions options)
    {
        Timestamps = options.HasTimestamps;
        _sack = options.SackPermitted;
        _windowScale = options.WindowScale.HasValue;
    }

    public int Write(
        Span<byte> buffer, in SentRange range, in SegmentContext context, TcpReceiver receiver, uint peerOrigin)
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

        if (Timestamps && (context.Flags & TcpFlags.Rst) == 0)
        {
            uint value = unchecked(configuration.TimestampOffset + (uint)(context.Now.Nanoseconds / Instant.Millisecond));
            options.TryWriteTimestamps(value, context.EchoedTimestamp);
        }

        if (syn && _windowScale)
        {
            options.TryWriteWindowScale(configuration.WindowScale);
        }

        var description = new SegmentDescription(context.Flags, range.Start, range.Transmissions, range.Length > 0);
        user.WriteOptions(description, ref options);
        if (_sack && !syn && range.Length == 0 && options.Remaining >= 12)
        {
            Span<SackBlock> blocks = stackalloc SackBlock[4];
            int count = receiver.CopySackBlocks(blocks, peerOrigin);
            if (count > 0)
            {
                options.WriteSack(blocks[..count]);
            }
        }

        int optionsLength = options.PadToWord();
        bool isV4 = configuration.Local.Address.IsV4;
        user.CopyPayload(range.Start, buffer.Slice(TcpPacket.PayloadOffset(isV4, optionsLength), range.Length));
        var header = new TcpHeaderFields
        {
            Source = configuration.Local,
            Destination = configuration.Remote,
            SequenceNumber = unchecked(configuration.InitialSequenceNumber + (uint)range.Start),
            AcknowledgmentNumber = context.Acknowledgment,
            Flags = context.Flags,
            Window = context.Window,
        };
        return TcpPacket.Write(buffer, header, options.Written, range.Length);
    }
}
