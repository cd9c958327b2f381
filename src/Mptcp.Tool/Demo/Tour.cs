using System.Diagnostics;
using System.Security.Cryptography;
using Mptcp.Lab;
using Mptcp.Simulation;

namespace Mptcp.Tool.Demo;

/// <summary>One run of the demo: two paths, a file, and a cut in the middle.</summary>
internal sealed class Tour(long size, bool ownFarEnd, IDemoView view)
{
    private const int PieceSize = 65_536;
    private const int CutPath = 0;

    // The cut comes at this share of the file, so that it is in mid-transfer on any machine.
    private const double CutAt = 0.3;
    private static readonly TimeSpan _cutFor = TimeSpan.FromSeconds(2.5);
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(5);

    private static readonly (string Name, LabPath Path)[] _paths =
    [
        ("Wi-Fi", LabPath.Of(megabitsPerSecond: 30, milliseconds: 10, queueBytes: 90_000)),
        ("LTE", LabPath.Of(megabitsPerSecond: 20, milliseconds: 30, queueBytes: 150_000)),
    ];

    /// <summary>What an engine of ours needs to live at an end of the laboratory.</summary>
    public static MptcpEngineOptions OptionsFor(LabEngineEnd end) => new()
    {
        Waiter = end.Waiter,
        Paths = [.. end.Links.Select((link, i) => new MptcpPath(link.Link, link.AddressV4.ToIPAddress(), link.Mtu, Name: _paths[i].Name))],
    };

    /// <summary>Runs it; true when the far end has exactly the file.</summary>
    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_limit);
        LabPeer farPeer = ownFarEnd || TwoPathLab.Missing is not null ? LabPeer.Engine : LabPeer.Kernel;
        try
        {
            await using FileStream file = CreateFile();
            await FillAsync(file, limit.Token);
            using var lab = new TwoPathLab(new LabOptions
            {
                Paths = [.. _paths.Select(path => path.Path)],
                Client = LabPeer.Engine,
                Server = farPeer,
            });
            await using FarEnd far = await FarEnd.OpenAsync(lab);
            view.Begin(far.Name, size, [.. _paths.Select(path => Describe(path.Name, path.Path))]);
            return await TransferAsync(lab, far, file, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ToolException(ExitCode.Failed, $"the transfer was not done after {_limit.TotalMinutes:F0} minutes");
        }
    }

    private async Task<bool> TransferAsync(
        TwoPathLab lab, FarEnd far, FileStream file, CancellationToken cancellationToken)
    {
        using var meter = new StreamMeter();
        await using MptcpEngine engine = MptcpEngine.Create(OptionsFor(lab.ClientEngine!));
        await using FileStream received = CreateFile();
        Task receiving = far.ReceiveAsync(
            piece =>
            {
                meter.Add(piece.Span);
                received.Write(piece.Span);
            },
            cancellationToken);
        await using MptcpStream stream = await engine.ConnectAsync(far.EndPoint, cancellationToken);
        await using CancellationTokenRegistration end = cancellationToken.Register(stream.Abort);
        long start = Stopwatch.GetTimestamp();
        Task<string> sending = SendAsync(stream, file, cancellationToken);
        Task all = Task.WhenAll(sending, receiving);
        await WatchAsync(lab, stream, meter, start, all, cancellationToken);
        await all;

        await received.FlushAsync(cancellationToken);
        received.Position = 0;
        string arrived = Convert.ToHexString(await SHA256.HashDataAsync(received, cancellationToken));
        view.End(new DemoResult(
            await sending, arrived, meter.Bytes, meter.Elapsed, meter.LongestGap, Observe(lab, stream), stream.IsMultipath));
        return arrived == await sending;
    }

    /// <summary>Shows what happens until the transfer is over, and cuts a path in its middle.</summary>
    private async Task WatchAsync(
        TwoPathLab lab, MptcpStream stream, StreamMeter meter, long start, Task transfer, CancellationToken cancellationToken)
    {
        TimeSpan? cut = null;
        bool mended = false;
        while (!transfer.IsCompleted)
        {
            TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
            if (cut is null && meter.Bytes >= size * CutAt)
            {
                cut = elapsed;
                lab.Emulator.SetBlackHole(CutPath, true);
                view.Say(elapsed, $"{_paths[CutPath].Name} is cut: every packet on it vanishes from now on");
            }
            else if (!mended && cut is { } at && elapsed - at >= _cutFor)
            {
                mended = true;
                lab.Emulator.SetBlackHole(CutPath, false);
                view.Say(elapsed, $"{_paths[CutPath].Name} is back");
            }

            view.Show(new DemoSample(elapsed, meter.Bytes, size, Observe(lab, stream)));
            await Task.WhenAny(transfer, Task.Delay(_interval, cancellationToken));
        }
    }

    private static IReadOnlyList<PathView> Observe(TwoPathLab lab, MptcpStream stream)
    {
        IReadOnlyList<MptcpSubflow> subflows = stream.Subflows;
        return [.. _paths.Select((path, i) =>
        {
            PathCounters counters = lab.Emulator.Paths[i].Forward;
            IEnumerable<MptcpSubflow> here = subflows.Where(subflow => subflow.Path == path.Name);
            return new PathView(
                path.Name,
                lab.Emulator.Paths[i].BlackHoled,
                counters.Delivered.Bytes,
                counters.QueueDrops.Packets + counters.Lost.Packets,
                counters.BlackHoled.Packets,
                here.Sum(subflow => subflow.Retransmissions),
                here.FirstOrDefault()?.RoundTripTime);
        })];
    }

    /// <summary>A file that no killed process leaves behind: where the system allows it, it has no name from the start.</summary>
    private static FileStream CreateFile()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        var file = new FileStream(
            path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, bufferSize: PieceSize, FileOptions.DeleteOnClose);
        if (!OperatingSystem.IsWindows())
            File.Delete(path);
        return file;
    }

    private async Task FillAsync(FileStream file, CancellationToken cancellationToken)
    {
        var piece = new byte[PieceSize];
        for (long left = size; left > 0; left -= piece.Length)
        {
            RandomNumberGenerator.Fill(piece);
            await file.WriteAsync(piece.AsMemory(0, (int)Math.Min(left, piece.Length)), cancellationToken);
        }

        file.Position = 0;
    }

    private static async Task<string> SendAsync(MptcpStream stream, FileStream file, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var piece = new byte[PieceSize];
        int count;
        while ((count = await file.ReadAsync(piece, cancellationToken)) > 0)
        {
            hash.AppendData(piece, 0, count);
            await stream.WriteAsync(piece.AsMemory(0, count), cancellationToken);
        }

        await stream.CompleteWritesAsync(cancellationToken);
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static string Describe(string name, LabPath path) =>
        $"{name} {path.Forward.BitsPerSecond / 1_000_000} Mbit/s, {2 * path.Forward.DelayNanoseconds / 1_000_000} ms RTT";
}
