using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>Changes of TCP options in place.</summary>
internal static class OptionEditor
{
    /// <summary>Finds the next option at or after <paramref name="at"/>, padding passed over.</summary>
    public static bool TryFind(ReadOnlySpan<byte> options, ref int at, out byte kind, out int length)
    {
        while (at < options.Length && options[at] == TcpOptionKind.NoOperation)
        {
            at++;
        }

        (kind, length) = (TcpOptionKind.End, 0);
        if (at + 1 >= options.Length || options[at] == TcpOptionKind.End || options[at + 1] < 2 || at + options[at + 1] > options.Length)
        {
            return false;
        }

        (kind, length) = (options[at], options[at + 1]);
        return true;
    }

    /// <summary>The first option of a kind, or nothing.</summary>
    public static Span<byte> Find(Span<byte> options, byte wanted)
    {
        int at = 0;
        while (TryFind(options, ref at, out byte kind, out int length))
        {
            if (kind == wanted)
            {
                return options.Slice(at, length);
            }

            at += length;
        }

        return [];
    }

    /// <summary>Overwrites the options of a kind by padding.</summary>
    public static void Blank(Span<byte> options, byte unwanted)
    {
        int at = 0;
        while (TryFind(options, ref at, out byte kind, out int length))
        {
            if (kind == unwanted)
            {
                options.Slice(at, length).Fill(TcpOptionKind.NoOperation);
            }

            at += length;
        }
    }

    /// <summary>The edges of the SACK blocks, four bytes each.</summary>
    public static Span<byte> SackEdges(Span<byte> options)
    {
        Span<byte> sack = Find(options, TcpOptionKind.Sack);
        return sack.IsEmpty ? sack : sack.Slice(2, (sack.Length - 2) & ~3);
    }

    /// <summary>Whether an option is one that stacks before Multipath TCP knew.</summary>
    public static bool IsCommon(byte kind) => kind is TcpOptionKind.End or TcpOptionKind.NoOperation
        or TcpOptionKind.MaximumSegmentSize or TcpOptionKind.WindowScale or TcpOptionKind.SackPermitted or TcpOptionKind.Sack
        or TcpOptionKind.Timestamps;
}
