using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Mptcp.Simulation;

/// <summary>A kind of middlebox that can be asked for by name.</summary>
public sealed class MiddleboxKind
{
    private readonly Func<ulong, int, Middlebox> _make;

    internal MiddleboxKind(string name, string does, Func<ulong, int, Middlebox> make, int otherwise = 0, int least = 1, int most = 0)
    {
        (Name, Does, _make) = (name, does, make);
        (Otherwise, Least, Most) = (otherwise, least, most);
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>What it does, in words; N is its number.</summary>
    public string Does { get; }

    /// <summary>Whether a number may follow its name.</summary>
    public bool HasNumber => Most >= Least;

    /// <summary>The number where none is said.</summary>
    public int Otherwise { get; }

    /// <summary>The least number.</summary>
    public int Least { get; }

    /// <summary>The greatest number.</summary>
    public int Most { get; }

    internal Middlebox Make(ulong seed, int number) => _make(seed, number);
}

/// <summary>All middleboxes by their names. Those that act on one direction act on the one that begins where they stand.</summary>
public static class MiddleboxCatalog
{
    private const int LargestSegment = 65_000;

    /// <summary>The kinds in the order of the documentation.</summary>
    public static IReadOnlyList<MiddleboxKind> Kinds { get; } =
    [
        Remover("strip-syn", "removes MPTCP options from the SYN", new() { Segments = SegmentKinds.Syn }),
        Remover("strip-syn-ack", "removes MPTCP options from the SYN/ACK", new() { Segments = SegmentKinds.SynAck }),
        Remover("strip-third-ack", "removes MPTCP options from the opener's ACKs before its first data", new() { Segments = SegmentKinds.ThirdAck }),
        Remover("strip-data", "removes MPTCP options from segments with payload", new() { Segments = SegmentKinds.Data }),
        Remover("strip-acks", "removes MPTCP options from later segments without payload", new() { Segments = SegmentKinds.PureAck }),
        Remover("strip-ack-dss", "removes the DSS option from segments without payload", new() { Segments = SegmentKinds.PureAck | SegmentKinds.ThirdAck, Options = UnwantedOptions.Dss }),
        new("strip-from", "removes MPTCP options from the segment number N after the SYN on", static (_, n) => new OptionRemover(new() { FirstSegment = n }), 20, 1, int.MaxValue),
        Remover("strip-mptcp", "removes all MPTCP options; headers become shorter", new() { Padding = OptionPadding.None }),
        Remover("strip-unknown", "removes all options that stacks did not have before MPTCP", new() { Options = UnwantedOptions.Unknown, Padding = OptionPadding.None }),
        Remover("nop-mptcp", "overwrites MPTCP options by NOPs", new()),
        Remover("eol-mptcp", "overwrites MPTCP options, and those behind them, by the end of the list", new() { Padding = OptionPadding.EndOfList }),
        new("duplicate-options", "repeats MPTCP options where there is room", static (_, _) => new OptionDuplicator()),
        new("drop-unknown", "drops segments with an option that stacks did not have before MPTCP", static (_, _) => new UnknownOptionDropper(SegmentKinds.All)),
        new("drop-unknown-syn", "drops SYNs and SYN/ACKs with such an option", static (_, _) => new UnknownOptionDropper(SegmentKinds.Syn | SegmentKinds.SynAck)),
        new("drop-unknown-data", "drops segments with payload and such an option", static (_, _) => new UnknownOptionDropper(SegmentKinds.Data)),
        new("rewrite-isn", "gives connections other initial sequence numbers", static (seed, _) => new SequenceRewriter(seed)),
        new("split", "cuts segments into parts of N bytes and copies the options to each", static (_, n) => new Splitter(n, copiesOptions: true), 700, 1, LargestSegment),
        new("split-first", "the same, but the first part alone keeps MPTCP options", static (_, n) => new Splitter(n, copiesOptions: false), 700, 1, LargestSegment),
        new("coalesce", "joins two segments to one of up to N bytes with the options of the first", static (_, n) => new Coalescer(n, keepsLast: false), LargestSegment, 2, LargestSegment),
        new("coalesce-last", "the same with the options of the second", static (_, n) => new Coalescer(n, keepsLast: true), LargestSegment, 2, LargestSegment),
        new("resegment", "cuts the stream anew into segments of N bytes", static (_, n) => new Resegmenter(n), 536, 1, LargestSegment),
        new("change", "changes a byte of the payload after each N bytes", static (_, n) => new PayloadEditor(new() { First = n, Period = n, Count = int.MaxValue }), 20_000, 1, int.MaxValue),
        new("lengthen", "makes three bytes of one after N bytes, and mends the sequence numbers", static (_, n) => new PayloadEditor(new() { First = n, Inserted = 3 }), 20_000, 0, int.MaxValue),
        new("shorten", "makes one byte of three after N bytes, and mends the sequence numbers", static (_, n) => new PayloadEditor(new() { First = n, Removed = 3 }), 20_000, 0, int.MaxValue),
        new("ack-early", "acknowledges data itself, without MPTCP options, and repeats what is lost", static (_, _) => new EarlyAcknowledger(copiesOptions: false)),
        new("ack-early-copy", "the same with the MPTCP options that it saw last", static (_, _) => new EarlyAcknowledger(copiesOptions: true)),
        new("drop-unseen-acks", "drops acknowledgments of data that did not come by", static (_, _) => new UnseenAckDropper()),
        new("repeat-changed", "loses the segment number N with payload and lets repeats pass with other bytes", static (_, n) => new RepeatChanger(n), 10, 1, int.MaxValue),
        new("shrink-window", "lowers the window field to N", static (_, n) => new WindowShrinker((ushort)n), 200, 1, ushort.MaxValue),
        new("nat", "changes ports", static (seed, _) => new PortTranslator(new NatOptions(), seed, forgetAt: 0)),
        new("nat-idle", "changes ports, anew after N seconds without a segment", static (seed, n) => new PortTranslator(Idle(n), seed, forgetAt: 0), 10, 1, 1_000_000),
        new("nat-restart", "changes ports, anew from the segment number N on", static (seed, n) => new PortTranslator(new NatOptions(), seed, n), 20, 1, int.MaxValue),
        new("proxy", "ends TCP connections and makes others of plain TCP in their place", static (seed, _) => new TerminatingProxy(seed)),
    ];

    /// <summary>Makes a middlebox.</summary>
    /// <param name="text">A name, or a name and its number as in <c>split:700</c>.</param>
    /// <param name="seed">Decides about what a box chooses by chance.</param>
    /// <param name="box">The middlebox.</param>
    /// <param name="expected">What would be right, where the text is not.</param>
    public static bool TryMake(
        string text, ulong seed, [NotNullWhen(true)] out Middlebox? box, [NotNullWhen(false)] out string? expected)
    {
        ArgumentNullException.ThrowIfNull(text);
        box = null;
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string name = colon < 0 ? text : text[..colon];
        if (Find(name) is not { } kind)
        {
            expected = $"one of {string.Join(", ", Names())}";
            return false;
        }

        int number = kind.Otherwise;
        if (colon >= 0
            && (!kind.HasNumber
                || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out number)
                || number < kind.Least
                || number > kind.Most))
        {
            expected = kind.HasNumber
                ? string.Create(CultureInfo.InvariantCulture, $"{name}, or {name}:N with a whole number of {kind.Least} to {kind.Most}")
                : $"{name} without a number";
            return false;
        }

        (box, expected) = (kind.Make(seed, number), null);
        return true;
    }

    private static MiddleboxKind Remover(string name, string does, OptionRemoval removal) =>
        new(name, does, (_, _) => new OptionRemover(removal));

    private static NatOptions Idle(int seconds) => new()
    {
        IdleNanoseconds = seconds * Tcp.Instant.Second,
        TransitoryNanoseconds = seconds * Tcp.Instant.Second,
    };

    private static MiddleboxKind? Find(string name)
    {
        foreach (MiddleboxKind kind in Kinds)
        {
            if (kind.Name == name)
            {
                return kind;
            }
        }

        return null;
    }

    private static List<string> Names()
    {
        var names = new List<string>();
        foreach (MiddleboxKind kind in Kinds)
        {
            names.Add(kind.Name);
        }

        return names;
    }
}
