using System.Globalization;
using System.Text;
using Mptcp.Wire;

namespace Mptcp.Tcp.Tests.Scripts;

/// <summary>
/// A segment in one line: flags, sequence range, then what else matters. Numbers count from the initial ones of each
/// side; the SYN's data begins after it. <c>P. 1:101 ack 1 win 512 &lt;ts 7 *, sack 5:9&gt; ect</c>
/// </summary>
internal static class SegmentText
{
    private const string FlagLetters = "FSRP.UEW";

    public static string FlagsOf(TcpFlags flags)
    {
        var text = new StringBuilder();
        foreach (char letter in "SFRPUEW.")
        {
            text.Append(((int)flags & (1 << FlagLetters.IndexOf(letter, StringComparison.Ordinal))) != 0 ? letter : "");
        }

        return text.Length == 0 ? "-" : text.ToString();
    }

    /// <summary>Writes what a segment is, with all options in their order; padding is left out.</summary>
    public static string Print(in TcpSegment segment, uint ours, uint theirs)
    {
        long sequence = Relative(segment.SequenceNumber, ours);
        var text = new StringBuilder($"{FlagsOf(segment.Flags)} {sequence}");
        text.Append(segment.Payload.Length > 0 ? $":{sequence + segment.Payload.Length}" : "");
        text.Append(segment.Ack ? $" ack {Relative(segment.AcknowledgmentNumber, theirs)}" : "");
        text.Append(CultureInfo.InvariantCulture, $" win {segment.Window}");
        string options = PrintOptions(segment.Options, segment.Syn || segment.Ack ? theirs : 0);
        text.Append(options.Length > 0 ? $" <{options}>" : "");
        text.Append(segment.Ecn switch { 1 or 2 => " ect", 3 => " ce", _ => "" });
        return text.ToString();
    }

    /// <summary>Builds the packet that a line describes, from the peer to us.</summary>
    public static byte[] Build(string line, IpEndpoint from, IpEndpoint to, uint theirs, uint ours)
    {
        Parsed parsed = Parse(line);
        byte[] options = BuildOptions(parsed.Options, ours);
        int length = (int)(parsed.End - parsed.Start);
        var buffer = new byte[TcpPacket.PayloadOffset(from.Address.IsV4, options.Length) + length];
        Span<byte> payload = buffer.AsSpan(buffer.Length - length);
        for (int i = 0; i < length; i++)
        {
            payload[i] = (byte)(parsed.Start + i + ((parsed.Flags & TcpFlags.Syn) != 0 ? 1 : 0));
        }

        TcpPacket.Write(
            buffer,
            new TcpHeaderFields
            {
                Source = from,
                Destination = to,
                Flags = parsed.Flags,
                SequenceNumber = unchecked(theirs + (uint)parsed.Start),
                AcknowledgmentNumber = (parsed.Flags & TcpFlags.Ack) != 0 ? unchecked(ours + (uint)parsed.Ack) : 0,
                Window = (ushort)(parsed.Window ?? 65535),
                UrgentPointer = parsed.Urgent,
                TrafficClass = (byte)(parsed.Ecn switch { "ect" => 2, "ce" => 3, _ => 0 }),
            },
            options,
            length);
        return buffer;
    }

    /// <summary>
    /// Whether a segment is what a line expects: what the line leaves out of window is free, options have to be the very
    /// ones, <c>*</c> stands for any number or, as <c>&lt;*&gt;</c>, any options.
    /// </summary>
    public static bool Matches(string expected, string came)
    {
        Parsed e = Parse(expected);
        Parsed c = Parse(came);
        return e.Flags == c.Flags && e.Start == c.Start && e.End == c.End && e.Ack == c.Ack
            && (e.Window is null || e.Window == c.Window) && e.Ecn == c.Ecn
            && (e.Options == "*" || OptionsMatch(e.Options, c.Options));
    }

    private static bool OptionsMatch(string expected, string came)
    {
        string[] e = expected.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries);
        string[] c = came.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries);
        return e.Length == c.Length && e.Zip(c).All(pair => pair.First == "*" || pair.First == pair.Second);
    }

    private static string PrintOptions(ReadOnlySpan<byte> options, uint origin)
    {
        var parts = new List<string>();
        var reader = new TcpOptionReader(options);
        while (reader.TryRead(out byte kind, out ReadOnlySpan<byte> option))
        {
            _ = TcpOptions.TryParse(option, out TcpOptions one);
            parts.Add(kind switch
            {
                TcpOptionKind.MaximumSegmentSize => $"mss {one.MaximumSegmentSize}",
                TcpOptionKind.WindowScale => $"wscale {option[2]}",
                TcpOptionKind.SackPermitted => "sackOK",
                TcpOptionKind.Timestamps => $"ts {one.TimestampValue} {one.TimestampEcho}",
                TcpOptionKind.Sack => PrintSack(one, origin),
                TcpOptionKind.FastOpen when one.FastOpen is { } cookie => $"fo {cookie}".TrimEnd(),
                _ => $"raw {Convert.ToHexString(option)}",
            });
        }

        return string.Join(", ", parts);
    }

    private static string PrintSack(in TcpOptions options, uint origin)
    {
        var text = new StringBuilder("sack");
        for (int i = 0; i < options.SackCount; i++)
        {
            SackBlock block = options.GetSack(i);
            text.Append(CultureInfo.InvariantCulture, $" {Relative(block.Left, origin)}:{Relative(block.Right, origin)}");
        }

        return text.ToString();
    }

    private static byte[] BuildOptions(string text, uint origin)
    {
        var options = new TcpOptionWriter(new byte[TcpPacket.MaxOptionsLength]);
        foreach (string part in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string[] words = part.Split(' ');
            switch (words[0])
            {
                case "mss":
                    options.TryWriteMss(ushort.Parse(words[1], CultureInfo.InvariantCulture));
                    break;
                case "wscale":
                    options.TryWriteWindowScale(byte.Parse(words[1], CultureInfo.InvariantCulture));
                    break;
                case "sackOK":
                    options.TryWriteSackPermitted();
                    break;
                case "ts":
                    options.TryWriteTimestamps(
                        uint.Parse(words[1], CultureInfo.InvariantCulture), uint.Parse(words[2], CultureInfo.InvariantCulture));
                    break;
                case "fo":
                    Assert.True(FastOpenCookie.TryCreate(Convert.FromHexString(words.ElementAtOrDefault(1) ?? ""), out FastOpenCookie cookie));
                    options.TryWriteFastOpen(cookie);
                    break;
                case "sack":
                    options.WriteSack(Array.ConvertAll(words[1..], word => ParseBlock(word, origin)));
                    break;
                default:
                    byte[] raw = Convert.FromHexString(words[1]);
                    Assert.True(options.TryReserve(raw.Length, out Span<byte> room));
                    raw.CopyTo(room);
                    break;
            }
        }

        options.PadToWord();
        return options.Written.ToArray();
    }

    private static SackBlock ParseBlock(string text, uint origin)
    {
        (long left, long right) = Range(text);
        return new SackBlock(unchecked(origin + (uint)left), unchecked(origin + (uint)right));
    }

    private static Parsed Parse(string line)
    {
        int open = line.IndexOf('<', StringComparison.Ordinal);
        int close = line.IndexOf('>', StringComparison.Ordinal);
        string options = open < 0 ? "" : line[(open + 1)..close];
        string rest = open < 0 ? line : line[..open] + line[(close + 1)..];
        string[] words = rest.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        TcpFlags flags = 0;
        foreach (char letter in words[0].Replace("-", "", StringComparison.Ordinal))
        {
            int bit = FlagLetters.IndexOf(letter, StringComparison.Ordinal);
            Assert.True(bit >= 0, $"'{letter}' in '{line}' is none of the flags {FlagLetters}");
            flags |= (TcpFlags)(1 << bit);
        }

        (long start, long end) = Range(words[1]);
        var parsed = new Parsed(flags, start, end, 0, null, 0, options, "");
        for (int i = 2; i < words.Length; i++)
        {
            parsed = words[i] switch
            {
                "ack" => parsed with { Ack = long.Parse(words[++i], CultureInfo.InvariantCulture) },
                "win" => parsed with { Window = int.Parse(words[++i], CultureInfo.InvariantCulture) },
                "urg" => parsed with { Urgent = ushort.Parse(words[++i], CultureInfo.InvariantCulture) },
                "ect" or "ce" => parsed with { Ecn = words[i] },
                _ => throw new FormatException($"'{words[i]}' in '{line}' is not ack, win, urg, ect, ce or <options>"),
            };
        }

        return parsed;
    }

    private static (long Start, long End) Range(string text)
    {
        string[] ends = text.Split(':');
        long start = long.Parse(ends[0], CultureInfo.InvariantCulture);
        return (start, ends.Length > 1 ? long.Parse(ends[1], CultureInfo.InvariantCulture) : start);
    }

    private static long Relative(uint number, uint origin) => unchecked((int)(number - origin));

    private sealed record Parsed(
        TcpFlags Flags, long Start, long End, long Ack, int? Window, ushort Urgent, string Options, string Ecn);
}
