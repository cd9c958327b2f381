using Mptcp.Wire;

namespace Mptcp.Links.Tests;

/// <summary>Segments with every form of every MPTCP option.</summary>
internal static class PcapngTapPackets
{
    private delegate bool Write(ref TcpOptionWriter writer);

    public static byte[] Segment(bool v4, uint number, ReadOnlySpan<byte> options, int payload = 5)
    {
        var fields = new TcpHeaderFields
        {
            Source = new IpEndpoint(IpAddress.Parse(v4 ? "192.0.2.1" : "2001:db8::1"), 40_000),
            Destination = new IpEndpoint(IpAddress.Parse(v4 ? "198.51.100.2" : "2001:db8::2"), 9),
            SequenceNumber = number,
            Flags = TcpFlags.Ack | TcpFlags.Psh,
            Window = 1000,
        };
        var buffer = new byte[2000];
        buffer.AsSpan(TcpPacket.PayloadOffset(v4, options.Length), payload).Fill((byte)'x');
        return buffer[..TcpPacket.Write(buffer, fields, options, payload)];
    }

    public static IEnumerable<(MptcpSubtype Subtype, byte[] Options)> MptcpOptions()
    {
        var capable = new MpCapableOption { Version = 1, Flags = MpCapableFlags.HmacSha256 | MpCapableFlags.ChecksumRequired };
        foreach (MpCapableOption form in (MpCapableOption[])
            [
                capable,
                capable with { SenderKey = 1 },
                capable with { SenderKey = 1, ReceiverKey = 2 },
                capable with { SenderKey = 1, ReceiverKey = 2, DataLength = 5 },
                capable with { SenderKey = 1, ReceiverKey = 2, DataLength = 5, Checksum = 6 },
            ])
            yield return (MptcpSubtype.MpCapable, Padded((ref writer) => form.TryWrite(ref writer)));

        yield return (MptcpSubtype.MpJoin, Padded((ref writer) => new MpJoinSynOption(true, 1, 2, 3).TryWrite(ref writer)));
        yield return (MptcpSubtype.MpJoin, Padded((ref writer) => new MpJoinSynAckOption(true, 1, 2, 3).TryWrite(ref writer)));
        yield return (MptcpSubtype.MpJoin, Padded((ref writer) => new MpJoinAckOption(new byte[20]).TryWrite(ref writer)));
        for (int form = 0; form < 32; form++)
        {
            DssOption dss = Dss(form);
            yield return (MptcpSubtype.Dss, Padded((ref writer) => dss.TryWrite(ref writer)));
        }

        foreach (string address in (string[])["192.0.2.7", "2001:db8::7"])
        {
            var announced = new AddAddressOption { AddressId = 7, Address = IpAddress.Parse(address), TruncatedHmac = 8 };
            AddAddressOption withPort = announced with { Port = 80 };
            yield return (MptcpSubtype.AddAddress, Padded((ref writer) => announced.TryWrite(ref writer)));
            yield return (MptcpSubtype.AddAddress, Padded((ref writer) => announced.ToEcho().TryWrite(ref writer)));
            yield return (MptcpSubtype.AddAddress, Padded((ref writer) => withPort.TryWrite(ref writer)));
            yield return (MptcpSubtype.AddAddress, Padded((ref writer) => withPort.ToEcho().TryWrite(ref writer)));
        }

        var reason = new MpTcpRstOption(true, MpTcpRstReason.LackOfResources);
        yield return (MptcpSubtype.RemoveAddress, Padded((ref writer) => new RemoveAddressOption([1, 2, 3]).TryWrite(ref writer)));
        yield return (MptcpSubtype.MpPrio, Padded((ref writer) => new MpPrioOption(true).TryWrite(ref writer)));
        yield return (MptcpSubtype.MpFail, Padded((ref writer) => new MpFailOption(9).TryWrite(ref writer)));
        yield return (MptcpSubtype.MpFastClose, Padded((ref writer) => new MpFastCloseOption(9).TryWrite(ref writer)));
        yield return (MptcpSubtype.MpTcpRst, Padded((ref writer) => reason.TryWrite(ref writer)));
    }

    private static DssOption Dss(int form) => new()
    {
        HasDataAck = (form & 1) != 0,
        DataAck64 = (form & 2) != 0,
        DataAck = 100,
        HasMapping = (form & 4) != 0,
        DataSequence64 = (form & 8) != 0,
        DataSequenceNumber = 200,
        SubflowSequenceNumber = 1,
        DataLength = 5,
        HasChecksum = (form & 16) != 0,
    };

    private static byte[] Padded(Write write)
    {
        var writer = new TcpOptionWriter(new byte[TcpPacket.MaxOptionsLength]);
        if (!write(ref writer)) throw new InvalidOperationException("The option does not fit.");
        writer.PadToWord();
        return writer.Written.ToArray();
    }
}
