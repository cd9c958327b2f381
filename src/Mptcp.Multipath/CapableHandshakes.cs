using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>The initiator of the initial subflow (RFC 8684 §3.1).</summary>
internal sealed class CapableInitiator(MptcpConnection connection) : SubflowHandshake
{
    // A path that drops SYNs with unknown options must not keep anyone from plain TCP (RFC 8684 §3.1, §6).
    internal const int CapableSyns = 3;
    private bool _keysSent;
    private bool _keysUnknown;
    private bool _ackAfterKeys;

    public override bool OwesAck => !_keysSent;

    // A peer that answers a Fast Open before the third ACK has no keys yet, should that ACK be lost.
    public override bool RepeatsKeys => _keysUnknown;

    public override bool IsResponder => false;

    public override bool TryWriteOptions(in SegmentDescription segment, ref TcpOptionWriter writer)
    {
        if ((segment.Flags & TcpFlags.Syn) != 0)
        {
            if (segment.Transmission <= CapableSyns)
            {
                new MpCapableOption { Version = MpCapableOption.Version1, Flags = connection.CapableFlags }.TryWrite(ref writer);
            }

            return true;
        }

        // The keys go with every ACK until data carries them, so that the loss of one does no harm.
        bool first = !segment.HasData && !_ackAfterKeys && (_keysUnknown || segment.Offset == 1 + connection.SentInSyn);
        _keysSent = true;
        _ackAfterKeys = false;
        if (first)
        {
            if (connection.SentInSyn > 0)
            {
                // Peers that wait with an early answer, as Linux does, wait for a DATA_ACK.
                _ackAfterKeys = true;
                connection.OweAck();
            }

            new MpCapableOption
            {
                Version = MpCapableOption.Version1,
                Flags = connection.CapableFlags,
                SenderKey = connection.LocalKey,
                ReceiverKey = connection.RemoteKey,
            }.TryWrite(ref writer);
        }

        return first;
    }

    public override SegmentVerdict Examine(
        Subflow subflow, in TcpSegment segment, long offset, in SegmentOptions options)
    {
        if (segment.Syn)
        {
            subflow.HandleSynDataTaken(segment);
            if (options.Capable is { SenderKey: { } key, ReceiverKey: null, HmacSha256: true, Version: MpCapableOption.Version1 } capable)
            {
                connection.HandleRemoteKey(key, capable.ChecksumRequired);
                connection.HandleInitialWindow(segment.Window);
                if (capable.DenyJoinInitialAddress)
                {
                    connection.HandleDenyInitialAddress();
                }
            }
            else
            {
                connection.FallBack("the SYN/ACK came without MP_CAPABLE: the peer, or a box on the path, does not know it");
            }

            return SegmentVerdict.Accept;
        }

        if (options.Any)
        {
            // Only now is it sure that options survive both ways (RFC 8684 §3.1).
            Complete = true;
            _keysUnknown = connection.SentInSyn > 0;
            connection.HandleConfirmed();
        }
        else if (segment.SequenceLength > 0 || subflow.Acknowledges(segment, 2 + connection.SentInSyn))
        {
            connection.FallBack("the first segments after the handshake came without MPTCP options");
        }

        return SegmentVerdict.Accept;
    }

    public override void Notice(Subflow subflow, in SegmentOptions options)
    {
        if (_keysUnknown && options.Dss is { HasDataAck: true })
        {
            _keysUnknown = false;
            subflow.Connection.RequestAck();
        }
    }
}

/// <summary>The responder of the initial subflow (RFC 8684 §3.1).</summary>
internal sealed class CapableResponder(MptcpConnection connection) : SubflowHandshake
{
    public override bool IsResponder => true;

    /// <summary>Whether a SYN proposes what this host speaks; otherwise the answer is plain TCP.</summary>
    public static bool IsProposal(in SegmentOptions syn, out bool checksumRequired)
    {
        // B set, or no algorithm that is known: as if the option were not there (RFC 8684 §3.1).
        checksumRequired = syn.Capable is { ChecksumRequired: true };
        return syn.Capable is { SenderKey: null, Version: MpCapableOption.Version1, HmacSha256: true, Extensibility: false };
    }

    public override bool TryWriteOptions(in SegmentDescription segment, ref TcpOptionWriter writer)
    {
        // As the initiator does: a path may let the SYN through, and not the answer.
        if ((segment.Flags & TcpFlags.Syn) != 0 && segment.Transmission <= CapableInitiator.CapableSyns)
        {
            new MpCapableOption
            {
                Version = MpCapableOption.Version1,
                Flags = connection.CapableFlags,
                SenderKey = connection.LocalKey,
            }.TryWrite(ref writer);
        }

        // An early answer to a Fast Open has its mapping.
        return !segment.HasData;
    }

    public override SegmentVerdict Examine(
        Subflow subflow, in TcpSegment segment, long offset, in SegmentOptions options)
    {
        if (options.Capable is { SenderKey: { } theirs, ReceiverKey: { } ours })
        {
            if (ours != connection.LocalKey)
            {
                return SegmentVerdict.Drop;
            }

            connection.HandleRemoteKey(theirs, checksumRequired: false);
            connection.HandleInitialWindow((long)segment.Window << subflow.Connection.PeerWindowShift);
            Complete = true;
            connection.HandleConfirmed();
            if (subflow.Connection.FastOpened)
            {
                // The initiator repeats its keys until it hears that they are known.
                subflow.Connection.RequestAck();
            }

            return SegmentVerdict.Accept;
        }

        // The third ACK and the first data are lost or late. What came too early comes again, and by then the keys are
        // known; falling back here would be for good.
        if (options.Any || offset > 1 + subflow.ReceivedInSyn)
        {
            return SegmentVerdict.Drop;
        }

        connection.FallBack("the third ACK came without MP_CAPABLE: a box on the path removed it");
        return SegmentVerdict.Accept;
    }
}
