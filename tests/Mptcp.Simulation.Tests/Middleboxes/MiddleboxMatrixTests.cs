using System.Runtime.CompilerServices;
using System.Text;
using Mptcp.Tcp;

namespace Mptcp.Simulation.Tests;

/// <summary>
/// Every middlebox on every place of a connection: docs/middleboxes.md says what becomes of it. MPTCP_UPDATE_GOLDEN=1 writes
/// the table there anew; the difference is read before it is committed.
/// </summary>
public sealed class MiddleboxMatrixTests
{
    private const int UpSize = 150_000;
    private const int DownSize = 250_000;
    private const string Begin = "<!-- begin of the table -->\n";
    private const string End = "<!-- end of the table -->\n";
    private static readonly PathOptions _path = PathOptions.Of(20, 10, 60_000);
    private static readonly string[] _places = ["the only subflow", "the first of two", "a joined one"];

    /// <summary>Boxes that change the payload, and to what.</summary>
    private static readonly Dictionary<string, Func<byte[], byte[]>> _edits = new()
    {
        ["change"] = stream => Edited(stream, new StreamEdit { First = 20_000, Period = 20_000, Count = int.MaxValue }),
        ["lengthen"] = stream => Edited(stream, new StreamEdit { First = 20_000, Inserted = 3 }),
        ["shorten"] = stream => Edited(stream, new StreamEdit { First = 20_000, Removed = 3 }),
        ["repeat-changed"] = stream => [.. stream.Select(value => (byte)~value)],
    };

    [Fact]
    public void Each_middlebox_has_the_outcome_in_the_table()
    {
        var table = new StringBuilder();
        table.Append("| middlebox | on | on the way | without checksum | with checksum | RFC 8684 |\n");
        table.Append("| --- | --- | --- | --- | --- | --- |\n");
        var wrong = new List<string>();
        foreach (MiddleboxKind kind in MiddleboxCatalog.Kinds)
        {
            for (int place = 0; place < _places.Length; place++)
            {
                AddRows(table, kind.Name, place, wrong);
            }
        }

        Assert.True(wrong.Count == 0, string.Join("\n\n", wrong));
        Verify(table.ToString());
    }

    private static void AddRows(StringBuilder table, string box, int place, List<string> wrong)
    {
        string[] up = Cells(box, place, PathDirection.Forward, wrong);
        string[] down = Cells(box, place, PathDirection.Back, wrong);
        bool same = up.SequenceEqual(down);
        AddRow(table, box, place, same ? "either" : "up", up);
        if (!same)
        {
            AddRow(table, box, place, "down", down);
        }
    }

    private static void AddRow(StringBuilder table, string box, int place, string direction, string[] cells) =>
        table.Append($"| `{box}` | {_places[place]} | {direction} | {cells[0]} | {cells[1]} | {MiddleboxSections.Of(box, cells)} |\n");

    private static string[] Cells(string box, int place, PathDirection direction, List<string> wrong) =>
        [Outcome(box, place, direction, false, wrong), Outcome(box, place, direction, true, wrong)];

    private static string Outcome(string box, int place, PathDirection direction, bool checksum, List<string> wrong)
    {
        int paths = place == 0 ? 1 : 2;
        var transfer = new BoxedTransfer(7, v6: false, checksum, [.. Enumerable.Repeat(_path, paths)]);
        SimulatedPath path = transfer.Network.Paths[place == 2 ? 1 : 0];
        path.SetBoxes(direction, BoxBench.Make(box, 11));
        var observer = new TouchObserver(path);
        transfer.Network.Observer = observer;
        byte[] up = Sent(1, UpSize);
        byte[] down = Sent(2, DownSize);
        transfer.Run(up, down, paths);
        string name = $"{box} on {_places[place]}, {direction}, checksum {checksum}";
        Judge(name, transfer, box, direction, checksum, wrong);
        bool altered = transfer.Up is { Unaltered: false } || transfer.Down is { Unaltered: false };
        bool whole = transfer.Up is { EndSeen: true } && transfer.Down is { EndSeen: true };
        string what = !whole ? Failure(transfer.Failure)
            : transfer.FellBack ? "fallback"
            : transfer.SubflowDropped ? "subflow dropped"
            : observer.Touched ? "kept"
            : "untouched";
        return !altered ? what
            : transfer.FellBack && checksum ? "fallback, then altered"
            : $"{what}, altered, undetected";
    }

    /// <summary>The rules that hold whatever the table says.</summary>
    private static void Judge(
        string name, BoxedTransfer transfer, string box, PathDirection direction, bool checksum, List<string> wrong)
    {
        (byte[] up, byte[] down) = (Sent(1, UpSize), Sent(2, DownSize));
        List<string> faults = [];
        if (!transfer.Ended)
        {
            faults.Add("it does not end");
        }

        if (transfer.Left.Length > 0)
        {
            faults.Add(transfer.Left);
        }

        if (checksum && (transfer.Up is { AlteredInMultipath: true } || transfer.Down is { AlteredInMultipath: true }))
        {
            faults.Add("an altered byte was delivered under the checksum");
        }

        Func<byte[], byte[]>? edit = _edits.GetValueOrDefault(box);
        bool upward = direction == PathDirection.Forward;
        Compare("up", transfer.Up, up, upward ? edit : null, checksum && transfer.FellBack, faults);
        Compare("down", transfer.Down, down, upward ? null : edit, checksum && transfer.FellBack, faults);
        if (faults.Count > 0)
        {
            wrong.Add($"{name}: {string.Join("; ", faults)}\nup {transfer.Up}\ndown {transfer.Down}\n{string.Join('\n', transfer.Events)}");
        }
    }

    private static void Compare(
        string name, BoxedStream? stream, byte[] sent, Func<byte[], byte[]>? edit, bool asTheBoxMadeIt, List<string> faults)
    {
        if (stream is null || stream.Unaltered)
        {
            // A stream that ends is whole; one that does not has a reason, which is the outcome.
            if (stream is { EndSeen: true, Whole: false })
            {
                faults.Add($"{name} ends too early");
            }

            return;
        }

        if (edit is null)
        {
            faults.Add($"{name} is altered, and by whom?");
        }
        else if (asTheBoxMadeIt && !IsMixture(stream.Received, sent, edit(sent)))
        {
            faults.Add($"{name} is not what the box made of it");
        }
    }

    /// <summary>Whether each byte is what was sent or what the box makes of it, and all are there.</summary>
    private static bool IsMixture(byte[] received, byte[] sent, byte[] edited)
    {
        bool sameLength = edited.Length == sent.Length;
        bool mixture = received.Length == edited.Length;
        for (int i = 0; mixture && i < received.Length; i++)
        {
            mixture = received[i] == edited[i] || (sameLength && received[i] == sent[i]);
        }

        return mixture;
    }

    private static string Failure(TcpCloseReason reason) => reason switch
    {
        TcpCloseReason.TimedOut => "times out",
        TcpCloseReason.None => "no end",
        _ => "reset",
    };

    private static byte[] Sent(ulong seed, int size)
    {
        var bytes = new byte[size];
        for (int i = 0; i < size; i++)
        {
            bytes[i] = (byte)SplitMix64.At(seed, (ulong)i);
        }

        return bytes;
    }

    private static byte[] Edited(byte[] stream, StreamEdit edit)
    {
        var output = new byte[stream.Length + 1000];
        return output[..edit.Apply(0, stream, output)];
    }

    private static void Verify(string table, [CallerFilePath] string source = "")
    {
        string path = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(source)!, "../../../docs/middleboxes.md"));
        string page = File.ReadAllText(path);
        int from = page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        int to = page.IndexOf(End, StringComparison.Ordinal);
        Assert.True(from >= Begin.Length && to >= from, $"{path} has no place for the table");
        if (Environment.GetEnvironmentVariable("MPTCP_UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(path, string.Concat(page.AsSpan(0, from), table, page.AsSpan(to)));
            return;
        }

        string[] expected = page[from..to].Split('\n');
        string[] actual = table.Split('\n');
        for (int i = 0; i < Math.Max(expected.Length, actual.Length); i++)
        {
            string want = i < expected.Length ? expected[i] : "(end)";
            string got = i < actual.Length ? actual[i] : "(end)";
            Assert.True(want == got, $"if the change is meant, MPTCP_UPDATE_GOLDEN=1 takes it over\nexpected {want}\nactual   {got}");
        }
    }
}
