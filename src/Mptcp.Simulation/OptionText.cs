using System.Globalization;
using System.Text;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>TCP options in words.</summary>
internal static class OptionText
{
    /// <summary>Appends all options, with commas between them.</summary>
    /// <param name="text">Where to.</param>
    /// <param name="options">The options of a header.</param>
    /// <param name="sackOrigin">What SACK blocks count from.</param>
    public static void Append(StringBuilder text, ReadOnlySpan<byte> options, uint sackOrigin)
    {
        int start = text.Length;
        var reader = new TcpOptionReader(options);
        while (reader.TryRead(out byte kind, out ReadOnlySpan<byte> option))
        {
            if (text.Length > start)
            {
                text.Append(',');
            }

            if (kind == TcpOptionKind.Mptcp)
            {
                AppendMptcp(text, option);
            }
            else
            {
                AppendPlain(text, kind, option, sackOrigin);
            }
        }

        if (reader.Malformed)
        {
            text.Append(text.Length > start ? ",malformed" : "malformed");
        }
    }

    private static void AppendPlain(StringBuilder text, byte kind, ReadOnlySpan<byte> option, uint sackOrigin)
    {
        IFormatProvider invariant = CultureInfo.InvariantCulture;
        _ = TcpOptions.TryParse(option, out TcpOptions known);
        if (known.MaximumSegmentSize is { } mss)
        {
            text.Append(invariant, $"mss {mss}");
        }
        else if (known.WindowScale is { } shift)
        {
            text.Append(invariant, $"wscale {shift}");
        }
        else if (known.SackPermitted)
        {
            text.Append("sackOK");
        }
        else if (known.HasTimestamps)
        {
            text.Append(invariant, $"ts {known.TimestampValue} {known.TimestampEcho}");
        }
        else if (known.SackCount > 0)
        {
            text.Append("sack");
            for (int i = 0; i < known.SackCount; i++)
            {
                SackBlock block = known.GetSack(i);
                text.Append(invariant, $" {unchecked(block.Left - sackOrigin)}:{unchecked(block.Right - sackOrigin)}");
            }
        }
        else
        {
            text.Append(invariant, $"kind {kind} {Convert.ToHexString(option[2..])}");
        }
    }

    private static void AppendMptcp(StringBuilder text, ReadOnlySpan<byte> option)
    {
        IFormatProvider invariant = CultureInfo.InvariantCulture;
        if (DssOption.TryParse(option, out DssOption dss))
        {
            AppendDss(text, dss);
        }
        else if (MpCapableOption.TryParse(option, out MpCapableOption capable))
        {
            string keys = capable.ReceiverKey is not null ? " both keys" : capable.SenderKey is not null ? " key" : "";
            text.Append(invariant, $"capable v{capable.Version}{keys}{(capable.ChecksumRequired ? " checksum" : "")}");
            text.Append(capable.DataLength is { } length ? string.Create(invariant, $" len {length}") : "");
        }
        else if (AddAddressOption.TryParse(option, out AddAddressOption address))
        {
            text.Append(invariant, $"add-addr{(address.Echo ? " echo" : "")} {address.AddressId} {address.Address}");
        }
        else if (MpJoinSynOption.TryParse(option, out MpJoinSynOption join))
        {
            text.Append(invariant, $"join {join.AddressId} token {join.Token:x8}{(join.Backup ? " backup" : "")}");
        }
        else if (MpJoinSynAckOption.TryParse(option, out MpJoinSynAckOption answer))
        {
            text.Append(invariant, $"join {answer.AddressId}{(answer.Backup ? " backup" : "")}");
        }
        else
        {
            AppendRest(text, option);
        }
    }

    private static void AppendDss(StringBuilder text, in DssOption dss)
    {
        IFormatProvider invariant = CultureInfo.InvariantCulture;
        text.Append("dss");
        if (dss.HasDataAck)
        {
            text.Append(invariant, $" ack {dss.DataAck:x}");
        }

        if (dss.HasMapping)
        {
            text.Append(invariant, $" map {dss.DataSequenceNumber:x} at {dss.SubflowSequenceNumber} len {dss.DataLength}");
        }

        text.Append(dss.HasChecksum ? string.Create(invariant, $" sum {dss.Checksum:x4}") : "").Append(dss.DataFin ? " fin" : "");
    }

    private static void AppendRest(StringBuilder text, ReadOnlySpan<byte> option)
    {
        IFormatProvider invariant = CultureInfo.InvariantCulture;
        if (MpFailOption.TryParse(option, out MpFailOption fail))
        {
            text.Append(invariant, $"fail {fail.DataSequenceNumber:x}");
        }
        else if (MpTcpRstOption.TryParse(option, out MpTcpRstOption reset))
        {
            text.Append(invariant, $"reset {reset.Reason}");
        }
        else
        {
            string name = MptcpOption.TryGetSubtype(option, out MptcpSubtype subtype) ? subtype.ToString() : "mptcp";
            text.Append(invariant, $"{name} {Convert.ToHexString(option[2..])}");
        }
    }
}
