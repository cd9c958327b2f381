using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>
/// Which MPTCP options a segment of one subflow carries, in what TCP's own left of the 40 octets: the most urgent first.
/// What finds no room stays where it waits, and another ACK is owed for it.
/// </summary>
internal sealed class OptionPacker(MptcpConnection connection, Subflow subflow)
{
    // What this subflow has told the peer last: the DATA_ACK, and the right edge of the window.
    private long _toldNext;
    private long _toldEdge;

    /// <summary>Writes them; true when the place of a DATA_ACK was taken, so that it has to follow.</summary>
    public bool Write(in SegmentDescription segment, ref TcpOptionWriter writer)
    {
        if ((segment.Flags & TcpFlags.Rst) != 0)
        {
            connection.WriteResetOptions(subflow, ref writer);
            return false;
        }

        if (connection.CarriesFastClose(subflow))
        {
            connection.WriteFastClose(ref writer);
            return false;
        }

        if (connection.IsPlain)
        {
            return connection.WritePlainOptions(subflow, segment, ref writer);
        }

        SubflowHandshake handshake = subflow.Handshake;
        bool finDue = subflow.FinDue && !segment.HasData;
        if (!handshake.Complete && (handshake.OwesAck || !finDue) && handshake.TryWriteOptions(segment, ref writer))
        {
            return finDue;
        }

        return segment.HasData ? WriteMapping(segment, ref writer) : WriteAck(segment, finDue, ref writer);
    }

    private bool WriteMapping(in SegmentDescription segment, ref TcpOptionWriter writer)
    {
        if (!subflow.TryWriteMapping(segment.Offset, ref writer))
        {
            WriteDataAck(ref writer);
        }

        return false;
    }

    /// <summary>The end of the stream, MP_FAIL, other signals, SACK blocks of a hole, a DATA_ACK.</summary>
    private bool WriteAck(in SegmentDescription segment, bool finDue, ref TcpOptionWriter writer)
    {
        if (finDue && connection.Dss.Fin(subflow.AcksWide).TryWrite(ref writer))
        {
            subflow.HandleFinSent();
            Tell();
            return false;
        }

        // The DATA_ACK stands still while the peer is to fall back: MP_FAIL owes no other ACK.
        if (connection.TryWriteFail(due: true, ref writer))
        {
            return false;
        }

        if (subflow.Signals.TryWrite(ref writer))
        {
            return true;
        }

        if (!connection.TryWriteFail(due: false, ref writer) && !IsForSack(segment)
            && !(subflow.Handshake.RepeatsKeys && subflow.Handshake.TryWriteOptions(segment, ref writer)))
        {
            WriteDataAck(ref writer);
        }

        return false;
    }

    /// <summary>
    /// Whether the room is better left to SACK blocks: a DATA_ACK may be left out where it does not advance (RFC 8684
    /// §3.3.2), and so may the window that belongs to it. Not on the only subflow there ever was: there the peer takes an ACK
    /// without options for a box that removes them, and the ACK before it, which had some, may be late or lost.
    /// </summary>
    private bool IsForSack(in SegmentDescription segment) =>
        segment is { Holes: true, Advances: false } && connection.HasJoined && _toldNext == connection.ReceivedNext && _toldEdge == connection.ReceiveEdge;

    private void WriteDataAck(ref TcpOptionWriter writer)
    {
        if (connection.Dss.Ack(subflow.AcksWide).TryWrite(ref writer))
        {
            Tell();
        }
    }

    private void Tell() => (_toldNext, _toldEdge) = (connection.ReceivedNext, connection.ReceiveEdge);
}
