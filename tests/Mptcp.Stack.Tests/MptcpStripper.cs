using Mptcp.Wire;

namespace Mptcp.Stack.Tests;

/// <summary>A box on the path that changes MPTCP options in place and mends the checksum.</summary>
internal static class MptcpStripper
{
    private const int IpHeader = 20;

    /// <summary>Replaces MPTCP options by NOPs in packets that <paramref name="chosen"/> picks by their flags and length.</summary>
    public static void Strip(byte[] packet, Func<string, bool> chosen) => Change(packet, (segment, option) =>
    {
        if (chosen(segment))
        {
            option.Fill(TcpOptionKind.NoOperation);
        }
    });

    /// <summary>Replaces the options of another kind by NOPs.</summary>
    public static void Strip(byte[] packet, byte kind) =>
        Change(packet, (_, option) => option.Fill(TcpOptionKind.NoOperation), kind);

    /// <summary>A further flag in MP_CAPABLE of the SYN/ACK.</summary>
    public static void AddFlag(byte[] packet, MpCapableFlags flag) => Change(packet, (segment, option) =>
    {
        if (segment.Contains("Syn, Ack", StringComparison.Ordinal) && MpCapableOption.TryParse(option, out _))
        {
            option[3] |= (byte)flag;
        }
    });

    /// <summary>Another token in MP_JOIN.</summary>
    public static void ChangeToken(byte[] packet) => Change(packet, (segment, option) =>
    {
        if (MpJoinSynOption.TryParse(option, out _))
        {
            option[4] ^= 1;
        }
    });

    /// <summary>Another address in ADD_ADDR.</summary>
    public static void ChangeAnnouncement(byte[] packet) => Change(packet, (segment, option) =>
    {
        if (AddAddressOption.TryParse(option, out _))
        {
            option[7] ^= 1;
        }
    });

    /// <summary>Another HMAC in the MP_JOIN of a SYN/ACK (16 octets) or of a third ACK (24).</summary>
    public static void ChangeProof(byte[] packet, int length) => Change(packet, (segment, option) =>
    {
        if (option.Length == length && (MpJoinSynAckOption.TryParse(option, out _) || MpJoinAckOption.TryParse(option, out _)))
        {
            option[4] ^= 1;
        }
    });

    /// <summary>Flag C away from every MP_CAPABLE.</summary>
    public static void ClearDeny(byte[] packet) => Change(packet, (segment, option) =>
    {
        if (MpCapableOption.TryParse(option, out _))
        {
            option[3] &= unchecked((byte)~(byte)MpCapableFlags.DenyJoinInitialAddress);
        }
    });

    /// <summary>A RST in the place of a segment that has nothing but an ACK and options.</summary>
    public static bool TurnIntoReset(byte[] packet)
    {
        const int flags = IpHeader + 13;
        if (packet[flags] != 0x10 || packet.Length > IpHeader + 60)
        {
            return false;
        }

        packet[flags] |= 4;
        Mend(packet);
        return true;
    }

    /// <summary>Another last byte of payload.</summary>
    public static void ChangePayload(byte[] packet)
    {
        packet[^1] ^= 0xff;
        Mend(packet);
    }

    private delegate void OptionChange(string segment, Span<byte> option);

    private static void Change(byte[] packet, OptionChange change, byte kind = TcpOptionKind.Mptcp)
    {
        if (!IpPacket.TryParse(packet, out IpPacket ip, out _) || !TcpSegment.TryParse(ip, out TcpSegment segment, out _))
        {
            return;
        }

        string line = $"{segment.Flags} {segment.Payload.Length}";
        int at = IpHeader + TcpPacket.HeaderLength;
        int end = at + segment.Options.Length;
        while (at < end && packet[at] != TcpOptionKind.End)
        {
            int length = packet[at] == TcpOptionKind.NoOperation ? 1 : packet[at + 1];
            if (packet[at] == kind)
            {
                change(line, packet.AsSpan(at, length));
            }

            at += length;
        }

        Mend(packet);
    }

    private static void Mend(byte[] packet)
    {
        _ = IpPacket.TryParse(packet, out IpPacket ip, out _);
        packet[IpHeader + 16] = packet[IpHeader + 17] = 0;
        Span<byte> tcp = packet.AsSpan(IpHeader);
        uint sum = InternetChecksum.PseudoHeader(ip.Source, ip.Destination, IpProtocol.Tcp, tcp.Length);
        ushort checksum = InternetChecksum.Finish(InternetChecksum.Accumulate(tcp, sum));
        (packet[IpHeader + 16], packet[IpHeader + 17]) = ((byte)(checksum >> 8), (byte)checksum);
    }
}
