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
            if (options.Capable is not { SenderKey: { } key, ReceiverKey: null, HmacSha256: true, Version: MpCapableOption.Version1 } capable)
            {
                connection.FallBack(ConnectionEventCode.SynAckWithoutCapable);
            }
            else if (capable.ChecksumRequired && connection.RefusesChecksums)
            {
                connection.FallBack(ConnectionEventCode.ChecksumRefused);
            }
            else
            {
                connection.HandleRemoteKey(key, capable.ChecksumRequired);
                connection.HandleInitialWindow(segment.Window);
                if (capable.DenyJoinInitialAddress)
                {
                    connection.HandleDenyInitialAddress();
                }
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
            connection.FallBack(ConnectionEventCode.FirstSegmentsWithoutOptions);
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

    /// <summary>Why the answer to a SYN is plain TCP; none where it proposes what this host speaks.</summary>
    public static ConnectionEventCode Refusal(in SegmentOptions syn, bool checksumRefused)
    {
        // B set, or no algorithm that is known: as if the option were not there. A SYN of version 0 has a key. A later
        // version is answered with ours (RFC 8684 §3.1).
        return syn.Capable is not { SenderKey: null, Version: >= MpCapableOption.Version1, HmacSha256: true, Extensibility: false } capable
            ? ConnectionEventCode.SynWithoutCapable
            : checksumRefused && capable.ChecksumRequired ? ConnectionEventCode.ChecksumRefused : ConnectionEventCode.None;
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
                // Only a box that changes options does so, and what else it changed nobody knows (RFC 8684 §3.1).
                connection.FallBack(ConnectionEventCode.WrongCapableKey);
                return SegmentVerdict.Accept;
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

        connection.FallBack(ConnectionEventCode.ThirdAckWithoutCapable);
        return SegmentVerdict.Accept;
    }
}
