using Mptcp.Wire;

namespace Mptcp.Fuzz;

/// <summary>
/// Every parser of options on any bytes: none throws, and what one takes for an option of Multipath TCP it writes again
/// with the same meaning.
/// </summary>
internal static class OptionTarget
{
    private delegate bool Parse<T>(ReadOnlySpan<byte> option, out T value);

    private delegate bool Write<T>(in T value, ref TcpOptionWriter writer);

    public static void Run(ReadOnlySpan<byte> input)
    {
        _ = TcpOptions.TryParse(input, out _);
        var reader = new TcpOptionReader(input);
        while (reader.TryRead(out _, out ReadOnlySpan<byte> option))
        {
            _ = MptcpOption.TryGetSubtype(option, out _);
            Check<MpCapableOption>(option, MpCapableOption.TryParse, (in o, ref w) => o.TryWrite(ref w));
            Check<MpJoinSynOption>(option, MpJoinSynOption.TryParse, (in o, ref w) => o.TryWrite(ref w));
            Check<MpJoinSynAckOption>(option, MpJoinSynAckOption.TryParse, (in o, ref w) => o.TryWrite(ref w));
            Check<MpJoinAckOption>(option, MpJoinAckOption.TryParse, (in o, ref w) => o.TryWrite(ref w));
            Check<DssOption>(option, DssOption.TryParse, (in o, ref w) => o.TryWrite(ref w));
            Check<AddAddressOption>(option, AddAddressOption.TryParse, (in o, ref w) => o.TryWrite(ref w));
            Check<RemoveAddressOption>(option, RemoveAddressOption.TryParse, (in o, ref w) => o.TryWrite(ref w));
            Check<MpPrioOption>(option, MpPrioOption.TryParse, (in o, ref w) => o.TryWrite(ref w));
            Check<MpFailOption>(option, MpFailOption.TryParse, (in o, ref w) => o.TryWrite(ref w));
            Check<MpFastCloseOption>(option, MpFastCloseOption.TryParse, (in o, ref w) => o.TryWrite(ref w));
            Check<MpTcpRstOption>(option, MpTcpRstOption.TryParse, (in o, ref w) => o.TryWrite(ref w));
        }
    }

    private static void Check<T>(ReadOnlySpan<byte> option, Parse<T> parse, Write<T> write)
        where T : IEquatable<T>
    {
        if (!parse(option, out T value))
        {
            return;
        }

        var writer = new TcpOptionWriter(new byte[TcpPacket.MaxOptionsLength]);
        if (write(value, ref writer) && !(parse(writer.Written, out T again) && again.Equals(value)))
        {
            throw new InvalidOperationException($"{typeof(T).Name} {Convert.ToHexString(option)} does not survive its own writer");
        }
    }
}
