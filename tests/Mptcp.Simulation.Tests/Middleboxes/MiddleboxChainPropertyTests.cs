using System.Text;
using Mptcp.Tcp;

namespace Mptcp.Simulation.Tests;

/// <summary>
/// Chains of middleboxes by chance on paths with losses: a stream arrives whole, or as the boxes made it, or its end is
/// explained; and nothing is left behind.
/// </summary>
public sealed class MiddleboxChainPropertyTests
{
    private const int MaxReported = 10;

    [Fact]
    public void A_stream_arrives_or_its_end_is_explained()
    {
        bool all = Environment.GetEnvironmentVariable("MPTCP_TEST_ALL") == "1";
        ulong first = ulong.Parse(Environment.GetEnvironmentVariable("MPTCP_SEED") ?? "1", null);
        ulong count = Environment.GetEnvironmentVariable("MPTCP_SEED") is null ? (all ? 10_000ul : 100ul) : 1;
        var wrong = new List<string>();
        for (ulong seed = first; seed < first + count && wrong.Count < MaxReported; seed++)
        {
            string fault = new BoxedRun(seed).Run();
            if (fault.Length > 0)
            {
                wrong.Add($"seed {seed}: {fault}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join("\n\n", wrong));
    }
}

/// <summary>One run that follows from its seed.</summary>
internal sealed class BoxedRun(ulong seed)
{
    // What a number is drawn from, where the documentation's would not bite in a short stream.
    private static readonly Dictionary<string, (int Least, int Most)> _numbers = new()
    {
        ["strip-from"] = (1, 40),
        ["split"] = (100, 1400),
        ["split-first"] = (100, 1400),
        ["coalesce"] = (1500, 6000),
        ["coalesce-last"] = (1500, 6000),
        ["resegment"] = (100, 3000),
        ["change"] = (1, 30_000),
        ["lengthen"] = (0, 60_000),
        ["shorten"] = (0, 60_000),
        ["repeat-changed"] = (1, 30),
        ["shrink-window"] = (10, 500),
        ["nat-idle"] = (1, 30),
        ["nat-restart"] = (1, 40),
    };

    private readonly StringBuilder _what = new();
    private readonly List<(PathDirection Direction, string Name, int Number)> _altering = [];
    private readonly List<string> _promises = [];
    private ulong _draws;

    /// <summary>Runs it; returns what is wrong, or nothing.</summary>
    public string Run()
    {
        bool v6 = Draw(0, 1) == 1;
        bool checksum = Draw(0, 1) == 1;
        var paths = new PathOptions[Draw(1, 2)];
        for (int p = 0; p < paths.Length; p++)
        {
            paths[p] = DrawPath();
        }

        _what.Append($"v6 {v6}, checksum {checksum}, {paths.Length} paths, loss {paths[0].LossPerMillion}\n");
        var transfer = new BoxedTransfer(seed, v6, checksum, paths);
        foreach (SimulatedPath path in transfer.Network.Paths)
        {
            path.SetBoxes(PathDirection.Forward, DrawBoxes(path, PathDirection.Forward));
            path.SetBoxes(PathDirection.Back, DrawBoxes(path, PathDirection.Back));
        }

        byte[] up = DrawBytes();
        byte[] down = DrawBytes();
        transfer.Run(up, down, paths.Length);
        string faults = Judge(transfer, checksum)
            + JudgeStream("up", transfer, transfer.Up, PathDirection.Forward)
            + JudgeStream("down", transfer, transfer.Down, PathDirection.Back);
        return faults.Length == 0 ? "" : $"{faults}\n{_what}up {transfer.Up}\ndown {transfer.Down}\n{string.Join('\n', transfer.Events)}";
    }

    private string Judge(BoxedTransfer transfer, bool checksum) =>
        (transfer.Ended || _promises.Count > 0 ? "" : "it does not end; ")
        + transfer.Left
        + (checksum && (transfer.Up is { AlteredInMultipath: true } || transfer.Down is { AlteredInMultipath: true })
            ? "an altered byte was delivered under the checksum; "
            : "");

    private string JudgeStream(string name, BoxedTransfer transfer, BoxedStream? stream, PathDirection direction)
    {
        bool explained = transfer.Failure != TcpCloseReason.None && transfer.Events.Count > 0;
        if (stream is null || stream.Whole)
        {
            return stream is null && !explained ? $"{name} never began, and nobody says why; " : "";
        }

        if (!stream.Unaltered)
        {
            return _altering.Exists(box => box.Direction == direction) ? "" : $"{name} is altered, and by whom? ";
        }

        // A box that shortens may take the end away; one that acknowledges early may promise what another box prevents, and
        // then no end can know.
        bool shortened = _altering.Exists(box => box.Direction == direction && box.Name == "shorten");
        return explained || shortened || _promises.Count > 0 ? "" : $"{name} is not whole, and nobody says why; ";
    }

    private PathOptions DrawPath() => PathOptions.Of(Draw(5, 50), Draw(1, 50), 100_000) with
    {
        LossPerMillion = Draw(0, 1) * Draw(0, 30_000),
        ReorderPerMillion = Draw(0, 3) == 0 ? Draw(0, 20_000) : 0,
        DuplicatePerMillion = Draw(0, 3) == 0 ? Draw(0, 20_000) : 0,
        CorruptPerMillion = Draw(0, 7) == 0 ? Draw(0, 10_000) : 0,
    };

    private Middlebox[] DrawBoxes(SimulatedPath path, PathDirection direction)
    {
        var boxes = new Middlebox[Math.Max(0, Draw(0, 4) - 2)];
        for (int i = 0; i < boxes.Length; i++)
        {
            MiddleboxKind kind = MiddleboxCatalog.Kinds[Draw(0, MiddleboxCatalog.Kinds.Count - 1)];
            int number = kind.HasNumber ? Draw(_numbers[kind.Name].Least, _numbers[kind.Name].Most) : 0;
            string name = kind.HasNumber ? $"{kind.Name}:{number}" : kind.Name;
            if (kind.Name is "change" or "lengthen" or "shorten" or "repeat-changed")
            {
                _altering.Add((direction, kind.Name, number));
            }

            if (kind.Name is "ack-early" or "ack-early-copy" or "proxy")
            {
                _promises.Add(kind.Name);
            }

            _what.Append($"{path.Name} {direction} {name}\n");
            boxes[i] = BoxBench.Make(name, unchecked(seed + _draws));
        }

        return boxes;
    }

    private byte[] DrawBytes()
    {
        var bytes = new byte[Draw(0, 5) == 0 ? Draw(0, 3) : Draw(1, 60_000)];
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)SplitMix64.At(seed, (ulong)i);
        }

        return bytes;
    }

    private int Draw(int least, int most) =>
        least + (int)(SplitMix64.At(seed ^ 0xb0c5, _draws++) % (ulong)(most - least + 1));
}
