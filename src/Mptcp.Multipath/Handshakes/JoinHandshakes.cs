using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>The initiator of a further subflow (RFC 8684 §3.2).</summary>
internal sealed class JoinInitiator(MptcpConnection connection, uint nonce, byte addressId, bool backup) : SubflowHandshake
{
    private uint _remoteNonce;

    public override bool IsResponder => false;

    public override bool TryWriteOptions(in SegmentDescription segment, ref TcpOptionWriter writer)
    {
        if ((segment.Flags & TcpFlags.Syn) != 0)
        {
            new MpJoinSynOption(backup, addressId, connection.RemoteToken, nonce).TryWrite(ref writer);
        }
        else
        {
            MptcpCrypto.JoinAck(connection.LocalKey, connection.RemoteKey, nonce, _remoteNonce).TryWrite(ref writer);
        }

        return true;
    }

    public override SegmentVerdict Examine(
        Subflow subflow, in TcpSegment segment, long offset, in SegmentOptions options)
    {
        if (segment.Syn)
        {
            return ExamineSynAck(subflow, options);
        }

        if (!options.Any)
        {
            return subflow.Refuse(MpTcpRstReason.MiddleboxInterference, ConnectionEventCode.JoinOptionsRemoved);
        }

        Complete = true;
        subflow.Connection.HoldData = false;
        subflow.Connection.StopAckRetransmission();
        connection.HandleJoined(subflow);
        return SegmentVerdict.Accept;
    }

    /// <inheritdoc/>
    /// <remarks>PRE_ESTABLISHED: no data before the fourth ACK, and the third goes again until it comes.</remarks>
    public override void HandleEstablished(Subflow subflow)
    {
        subflow.Connection.HoldData = true;
        subflow.Connection.StartAckRetransmission(connection.Now);
        connection.HandleJoinOffered();
    }

    private SegmentVerdict ExamineSynAck(Subflow subflow, in SegmentOptions options)
    {
        if (options.JoinSynAck is not { } answer)
        {
            return subflow.Refuse(
                MpTcpRstReason.MiddleboxInterference, ConnectionEventCode.JoinRemoved);
        }

        ulong expected = MptcpCrypto.JoinSynAckHmac(connection.RemoteKey, connection.LocalKey, answer.Nonce, nonce);
        if (answer.TruncatedHmac != expected)
        {
            connection.Counters.Add(MptcpCounter.JoinForged);
            return subflow.Refuse(MpTcpRstReason.MptcpSpecificError, ConnectionEventCode.WrongHmac);
        }

        _remoteNonce = answer.Nonce;
        subflow.RemoteId = answer.AddressId;
        subflow.PeerAskedBackup = answer.Backup;
        return SegmentVerdict.Accept;
    }
}

/// <summary>The responder of a further subflow (RFC 8684 §3.2).</summary>
internal sealed class JoinResponder(MptcpConnection connection, in MpJoinSynOption syn, uint nonce, byte addressId, bool backup)
    : SubflowHandshake
{
    private readonly uint _remoteNonce = syn.Nonce;

    public override bool IsResponder => true;

    public override bool TryWriteOptions(in SegmentDescription segment, ref TcpOptionWriter writer)
    {
        if ((segment.Flags & TcpFlags.Syn) != 0)
        {
            ulong hmac = MptcpCrypto.JoinSynAckHmac(connection.LocalKey, connection.RemoteKey, nonce, _remoteNonce);
            new MpJoinSynAckOption(backup, addressId, hmac, nonce).TryWrite(ref writer);
        }

        return true;
    }

    public override SegmentVerdict Examine(
        Subflow subflow, in TcpSegment segment, long offset, in SegmentOptions options)
    {
        if (options.JoinAck is { } proof)
        {
            if (proof != MptcpCrypto.JoinAck(connection.RemoteKey, connection.LocalKey, _remoteNonce, nonce))
            {
                connection.Counters.Add(MptcpCounter.JoinForged);
                return subflow.Refuse(MpTcpRstReason.MptcpSpecificError, ConnectionEventCode.WrongHmac);
            }

            if (!connection.CanJoin)
            {
                // Half-open ones do not count, so that nobody without the keys takes the places of others.
                connection.Counters.Add(MptcpCounter.JoinOverLimit);
                return subflow.Refuse(MpTcpRstReason.AdministrativelyProhibited, ConnectionEventCode.JoinOverLimit);
            }

            Complete = true;
            subflow.Connection.RequestAck();
            connection.HandleJoined(subflow);
            return SegmentVerdict.Accept;
        }

        // Data may overtake the third ACK; it counts for nothing before the proof.
        return options.Any
            ? SegmentVerdict.Drop
            : subflow.Refuse(MpTcpRstReason.MiddleboxInterference, ConnectionEventCode.JoinProofRemoved);
    }
}
